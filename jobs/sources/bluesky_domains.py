"""Where an account of Bluesky may also place a code of consent: in `https://HANDLE/.well-known/clout-consent`, if the handle is
a domain of the account's own.

The account's DID document names the handle (https://atproto.com/specs/did, https://atproto.com/specs/handle), so a pull reads
the domain only if the account claims it. A code there shows that the domain's owner speaks for the account. If the domain names
the account in DNS (`_atproto.HANDLE`) or in `https://HANDLE/.well-known/atproto-did`, the handle is verified, and the account
claims it as its address and, unless Bluesky gave it, as its domain. A pull makes up to four requests for each account and day,
besides each host's robots.txt, so it reads the domains of small populations only (`MOST_ACTORS`).
"""

import re
from pathlib import Path

from jobs.errors import UsageError
from jobs.sources.live import profiles
from jobs.sources.live.bodies import json_of
from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError
from jobs.sources.live.dns_texts import texts
from jobs.sources.live.http import NotAllowedError, NotThereError
from jobs.sources.live.profiles import KINDS, Profile
from jobs.sources.live.web import Web
from jobs.sources.values import within
from schemas.claims import DOMAIN, OWN

MOST_ACTORS = 200
PLACE = "domain"
DIRECTORY = "https://plc.directory"
SHARED = ".bsky.social"  # handles below it are no domains of their owners
FILE = ".well-known/clout-consent"
VERIFIED = ".well-known/atproto-did"
RECORD = "did="  # begins a TXT record of `_atproto.HANDLE`

_HANDLE = re.compile(r"at://([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)


def keep(folder: Path, budget: Budget, did: str) -> None:
    """Records the codes at the account's handle, and the claims that it verifies, once a day. Raises `ApiError` if the DID
    document cannot be read."""
    if profiles.is_kept(folder, did):
        return
    with Web(budget, ()) as web:
        document = web.document(_document(did), ("json",))
    try:
        names = within(json_of(document.body or b""), "alsoKnownAs")
    except ValueError:
        raise ApiError(f"{did}: its DID document is no JSON") from None
    claimed = (_HANDLE.fullmatch(name) for name in names if isinstance(name, str)) if isinstance(names, list) else ()
    handle = next((match[1].lower() for match in claimed if match), SHARED)
    profile = Profile(did, PLACE)
    profile.follow(budget, [] if handle.endswith(SHARED) else [f"https://{handle}/{FILE}"])
    profile.claims = _claims(budget, did, handle)
    profile.keep(folder, did, document.at)


def _claims(budget: Budget, did: str, handle: str) -> set[str] | None:
    """The claims of an account whose DID document names this handle; None if nobody knows whether the handle is verified. The
    first place that names any account decides, and it must name no other (https://atproto.com/specs/handle)."""
    if handle == SHARED:
        return set()
    is_shared, is_known = handle.endswith(SHARED), True
    for named_by in (_named_by_file,) if is_shared else (_named_by_dns, _named_by_file):
        try:
            named = named_by(budget, handle)
        except OutOfBudgetError:
            raise
        except (ApiError, NotAllowedError, UsageError):
            is_known = False
            continue
        if named:
            own = {f"{OWN} bluesky:{handle}"} | (set() if is_shared else {f"{DOMAIN} {handle}"})
            return own if named == {did} else set()
    return set() if is_known else None


def _named_by_dns(budget: Budget, handle: str) -> set[str]:
    records = texts(budget, f"_atproto.{handle}")
    return {record.removeprefix(RECORD).strip() for record in records if record.startswith(RECORD)}


def _named_by_file(budget: Budget, handle: str) -> set[str]:
    try:
        with Web(budget, ()) as web:
            named = (web.document(f"https://{handle}/{VERIFIED}", KINDS).body or b"").strip()
    except NotThereError:
        return set()
    return {named.decode("utf-8", "replace")} if named else set()


def _document(did: str) -> str:
    """The URL of the DID document. Raises `ApiError` for a DID method that Bluesky does not use."""
    _, method, name = did.split(":", 2)
    if method == "plc":
        return f"{DIRECTORY}/{did}"
    if method == "web" and re.fullmatch(r"[a-z0-9.-]+", name, re.IGNORECASE):
        return f"https://{name}/.well-known/did.json"
    raise ApiError(f"{did}: neither did:plc nor did:web")
