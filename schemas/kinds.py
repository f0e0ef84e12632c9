"""The kinds of acts, from most to least specific. An act that is reported under several kinds counts as the most specific
one."""

# From most to least specific; names follow W3C ActivityStreams 2.0 where it has them.
INTERACTIONS = ("quote", "reshare", "reply", "mention", "like", "follow")
POST = "post"
KINDS = (*INTERACTIONS, POST)
CONTENT = ("quote", "reshare", "reply", "like")  # acts on one piece of somebody's content
ADDRESSING = ("quote", "reply", "mention")  # acts that say something to somebody

SIMULATED_PREFIX = "sample-"


def is_simulated(platform: str) -> bool:
    """True for the platforms of the bundled simulation."""
    return platform.startswith(SIMULATED_PREFIX)
