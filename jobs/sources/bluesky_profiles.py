"""Where an account of Bluesky may place a code of consent: the description of its profile, or the field `code` of the record
`self` in the account's collection `community.clout.consent`. The profile's `website` may name an account that the account
claims.

Jetstream reports a place only when it changes, and each event shows one place whole. If the event has no code or deletes the
place, the code is gone.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from jobs import claims, codes
from jobs.codes import Seen
from jobs.sources import bluesky_deletions, jetstream
from jobs.sources.live.recording import Recording
from jobs.sources.values import within

CONSENT = "community.clout.consent"
CODES, CLAIMS = "codes", "claims"  # fields of a record in a recording
PLACES = {jetstream.PROFILE: ("profile", "description"), CONSENT: ("record", "code")}  # collection -> place, field


def codes_in(collection: Any, record: Mapping[str, Any]) -> list[str]:
    """The codes in a created or updated record; none in a record of another collection, whatever it holds."""
    _, field = PLACES.get(collection, (None, None)) if isinstance(collection, str) else (None, None)
    return codes.within([record.get(field)]) if field else []


def claims_in(collection: Any, record: Mapping[str, Any]) -> list[str]:
    """The claims in a created or updated record; none in a record of another collection."""
    return sorted(claims.naming([record.get("website")])) if collection == jetstream.PROFILE else []


def shown(stream: Recording) -> Iterator[Seen]:
    """What a day's recorded events show of consent, and claim."""
    for collection, (place, _) in PLACES.items():
        for line in bluesky_deletions.lines_with(stream, b'"collection":"%s"' % collection.encode()):
            event = orjson.loads(line)
            commit = within(event, "commit")
            did, at = within(event, "did"), within(event, "time_us")
            if within(commit, "rkey") != "self" or not isinstance(did, str) or type(at) is not int:
                continue
            placed = within(commit, "record", CODES)
            claimed = within(commit, "record", CLAIMS) or [] if collection == jetstream.PROFILE else None
            at_uri = f"at://{did}/{collection}/self"
            found = {code: at_uri for code in placed if isinstance(code, str)} if placed else {}
            yield Seen(did, place, found, at, claims=claimed)
