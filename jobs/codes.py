"""Codes of consent in texts: what looks like one, and what was seen of a profile. `jobs.people.proofs` says whose it is."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from schemas.consent import SCOPES

VARIABLE = "CLOUT_CONSENT_KEYS"  # the secret keys that make codes; without them, no profile is asked
CODE = re.compile(rf"(?<![0-9a-z])clout-({'|'.join(SCOPES)})-[0-9a-f]{{32}}(?![0-9a-z])", re.IGNORECASE)
EVERYWHERE = "account"  # the place of an account that is gone


class Seen(NamedTuple):
    """The codes in a place of one account, such as its profile: each with where exactly it was. `at`: microseconds since 1970
    by the platform's clock. `is_whole`: all of the place was read, so a code that is not there is gone."""

    account: str
    place: str
    codes: Mapping[str, str]
    at: int
    is_whole: bool = True


def within(texts: Iterable[Any]) -> list[str]:
    """Everything in the texts that has the form of a code, in lower case, sorted. Passes over what is no text."""
    found = (match[0].lower() for text in texts if isinstance(text, str) for match in CODE.finditer(text))
    return sorted(set(found))
