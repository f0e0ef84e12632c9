"""Where an account of Bluesky may also place a code of consent: in `https://HANDLE/.well-known/clout-consent`, if the handle is
a domain of the account's own.

The account's DID document names the handle (https://atproto.com/specs/did, https://atproto.com/specs/handle), so a pull reads
the domain only if the account claims it. A code there shows that the domain's owner speaks for the account. A pull makes two
requests for each account and day, besides each host's robots.txt, so it reads the domains of small populations only
(`MOST_ACTORS`).
"""

import re
from pathlib import Path

from jobs.sources.live import profiles
from jobs.sources.live.bodies import json_of
from jobs.sources.live.budget import ApiError, Budget
from jobs.sources.live.profiles import Profile
from jobs.sources.live.web import Web
from jobs.sources.values import within

MOST_ACTORS = 200
PLACE = "domain"
DIRECTORY = "https://plc.directory"
SHARED = ".bsky.social"  # handles below it are no domains of their owners
FILE = ".well-known/clout-consent"

_HANDLE = re.compile(r"at://([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)


def keep(folder: Path, budget: Budget, did: str) -> None:
    """Records the codes at the account's handle, once a day. Raises `ApiError` if the DID document cannot be read."""
    if profiles.is_kept(folder, did):
        return
    with Web(budget, ()) as web:
        document = web.document(_document(did), ("json",))
    try:
        names = within(json_of(document.body or b""), "alsoKnownAs")
    except ValueError:
        raise ApiError(f"{did}: its DID document is no JSON") from None
    claimed = (_HANDLE.fullmatch(name) for name in names if isinstance(name, str)) if isinstance(names, list) else ()
    handle = next((match[1] for match in claimed if match), SHARED)
    profile = Profile(did, PLACE)
    profile.follow(budget, [] if handle.endswith(SHARED) else [f"https://{handle}/{FILE}"])
    profile.keep(folder, did, document.at)


def _document(did: str) -> str:
    """The URL of the DID document. Raises `ApiError` for a DID method that Bluesky does not use."""
    _, method, name = did.split(":", 2)
    if method == "plc":
        return f"{DIRECTORY}/{did}"
    if method == "web" and re.fullmatch(r"[a-z0-9.-]+", name, re.IGNORECASE):
        return f"https://{name}/.well-known/did.json"
    raise ApiError(f"{did}: neither did:plc nor did:web")
