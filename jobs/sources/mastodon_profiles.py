"""Where an account of Mastodon may place a code of consent: its note, its fields, a page to which a verified field links, and
the home pages of domains that may name it as an author (`attributionDomains`).

https://docs.joinmastodon.org/entities/Account/. A field is verified (`verified_at`) if its page links back with `rel=me`. So
verified fields are also what the account claims: to be one person with a profile, or to own a domain whose home page it is.
"""

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jobs import claims
from jobs.sources.live.bodies import Answer
from jobs.sources.live.budget import Budget
from jobs.sources.live.profiles import Profile
from jobs.sources.values import within

_HREF = re.compile(r"""href=["'](https?://[^"'\s]{1,2000})["']""")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.IGNORECASE)


def keep(folder: Path, budget: Budget, account: Answer, unit: str) -> None:
    """Records the codes and claims of an account that was looked up. Raises `OutOfBudgetError`."""
    value = account.value
    if not isinstance(uri := within(value, "uri"), str):
        return
    profile = Profile(uri)
    profile.read("note", [within(value, "note")])
    for field in _list(value, "fields"):
        profile.read("fields", [within(field, "name"), within(field, "value")])
    own = claims.own(uri, (uri, within(value, "url")))
    profile.claims = own.union(*map(claims.verified, _verified(value)))
    profile.follow(budget, list(dict.fromkeys(_pages(value))))
    profile.keep(folder, unit, account.at)


def _verified(account: Any) -> Iterator[str]:
    for field in _list(account, "fields"):
        text = within(field, "value")
        if isinstance(text, str) and isinstance(within(field, "verified_at"), str) and (found := _HREF.search(text)):
            yield html.unescape(found[1])


def _pages(account: Any) -> Iterator[str]:
    yield from _verified(account)
    for domain in _list(account, "attribution_domains"):
        if isinstance(domain, str) and _DOMAIN.fullmatch(domain):
            yield f"https://{domain}/"


def _list(account: Any, name: str) -> list[Any]:
    found = within(account, name)
    return found if isinstance(found, list) else []
