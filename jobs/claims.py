"""What profiles claim about accounts and domains, as pulls record it: each claim is the text `KIND VALUE`. `schemas.claims` has
the kinds. `jobs.people.claims` makes links of claims by which two accounts confirm each other.

A value is `PLATFORM:NAME` or a domain, in lower case. Only addresses become values; no text of a profile does.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any, Protocol
from urllib.parse import SplitResult, urlsplit

from schemas.claims import DOMAIN, OWN, PROFILE, REL_ME

MOST_CHARACTERS = 300  # of a URL


class Left(Protocol):
    """Who left, each as `PLATFORM:NAME`."""

    def __contains__(self, person: str, /) -> bool: ...


_NAME = re.compile(r"[a-z0-9][a-z0-9._:%-]*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def account_at(url: Any) -> str | None:
    """The account that has this URL as its profile, as `PLATFORM:NAME`; None if the URL is no profile's. An account of the
    fediverse is named `NAME@HOST`, whichever of its URLs is given."""
    parts = _parts(url)
    if parts is None:
        return None
    match _host(parts), parts.path.lower().strip("/").split("/"):
        case "github.com", [name] if _NAME.fullmatch(name):
            return f"github:{name}"
        case "bsky.app", ["profile", name] if _NAME.fullmatch(name):
            return f"bluesky:{name}"
        case host, ["users", name] if _NAME.fullmatch(name):
            return f"fediverse:{name}@{host}"
        case host, [name] if name.startswith("@") and _NAME.fullmatch(name[1:]):
            return f"fediverse:{name[1:]}@{host}"
    return None


def domain_of(url: Any) -> str | None:
    """The domain whose home page has this URL, without `www.`; None if the URL is another page."""
    parts = _parts(url)
    is_home = parts is not None and parts.path in ("", "/") and not parts.query and _HOST.fullmatch(_host(parts))
    return _host(parts) if parts is not None and is_home else None


def own(account: str, urls: Iterable[Any]) -> set[str]:
    """The claims of an account, whose id is a URL, to have these URLs. One on another host is no address of its own."""
    home = _parts(account)
    found = (address for url in urls if (address := account_at(url)))
    return {f"{OWN} {address}" for address in found if home and address.endswith(f"@{_host(home)}")}


def verified(url: Any) -> set[str]:
    """The claims of a profile that links to this URL, whose page links back, as the platform checked."""
    found = set()
    if account := account_at(url):
        found.add(f"{REL_ME if account.startswith('fediverse:') else PROFILE} {account}")
    if domain := domain_of(url):
        found.add(f"{DOMAIN} {domain}")
    return found


def naming(urls: Iterable[Any]) -> set[str]:
    """The claims of a profile that has these URLs in fields for the person's own addresses."""
    return {f"{PROFILE} {account}" for url in urls if (account := account_at(url))}


def without(claims: Iterable[str], left: Left) -> list[str]:
    """The claims that name nobody who left, sorted."""
    kept = []
    for claim in claims:
        value = claim.partition(" ")[2]
        if value not in left and f"bluesky:{value}" not in left:  # an account of Bluesky may have a domain as its name
            kept.append(claim)
    return sorted(kept)


def values_naming(people: Collection[str], names: Iterable[str]) -> set[str]:
    """The values by which claims may name these people (each `person_id`), whose accounts have these ids and handles."""
    platforms = {person.partition(":")[0] for person in people}
    known = {*people, *(value for name in names for value in (name, *(f"{platform}:{name}" for platform in platforms)))}
    return known.union(map(str.lower, known))


def _parts(url: Any) -> SplitResult | None:
    if not isinstance(url, str) or len(url) > MOST_CHARACTERS:
        return None
    try:
        parts = urlsplit(url.strip())
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return None
    return parts if is_address else None


def _host(parts: SplitResult) -> str:
    return (parts.hostname or "").removeprefix("www.")
