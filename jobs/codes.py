"""Finds codes of consent and of links in texts, and describes what was seen of a profile. `jobs.people.proofs` and
`jobs.people.claims` check whose a code is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from schemas.consent import SCOPES

VARIABLE = "CLOUT_CONSENT_KEYS"  # the secret keys that make codes; without them, no profile is asked
LINK = "clout-link-"  # begins a code that links two accounts
CODE = re.compile(rf"(?<![0-9a-z])clout-({'|'.join(SCOPES)}|link)-[0-9a-f]{{32}}(?![0-9a-z])", re.IGNORECASE)
EVERYWHERE = "account"  # `place` of a deleted account: all its places at once


class Seen(NamedTuple):
    """The codes in one `place` of an account, such as its profile. `codes`: code -> where exactly it was. `at`: microseconds
    since 1970 by the platform's clock. `is_whole`: the whole place was read, so a code that was not seen is gone. `claims`: all
    claims in the place (`jobs.claims`); None if the place has none, or they are unknown."""

    account: str
    place: str
    codes: Mapping[str, str]
    at: int
    is_whole: bool = True
    claims: Sequence[str] | None = None


def within(texts: Iterable[Any]) -> list[str]:
    """Everything in the texts that has the form of a code: in lower case, sorted, without duplicates. Skips values that are not
    text."""
    found = (match[0].lower() for text in texts if isinstance(text, str) for match in CODE.finditer(text))
    return sorted(set(found))
