"""Codes of consent and claims in profiles: what a pull looks at, and what it records. The recording holds the codes and where
they were, and the claims, none of the texts around them.

A page that a profile links to is fetched like any page whose address a stranger chose (`web`): at a public address, within the
budget, and as its host's robots.txt allows. If one of a profile's places cannot be read, the profile is not whole, and a code
that the other places lack does not count as removed.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

from jobs import codes
from jobs.codes import Seen
from jobs.errors import UsageError
from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError
from jobs.sources.live.http import NotAllowedError, NotThereError
from jobs.sources.live.recording import PROFILE, SUFFIX, Cursor, Recording, items_of
from jobs.sources.live.web import Web

PLACE = "profile"
MOST_PAGES = 8  # of one profile
KINDS = ("html", "text/plain")


class Profile:
    """The codes of one account's profile, or of another `place`, while a pull looks at it."""

    def __init__(self, account: str, place: str = PLACE) -> None:
        self.account = account
        self.place = place
        self.is_whole = True
        self.claims: set[str] | None = None
        self._codes: dict[str, str] = {}

    def read(self, where: str, texts: Iterable[Any]) -> None:
        """Adds the codes of texts in one place, such as `note`."""
        for code in codes.within(texts):
            self._codes.setdefault(code, where)

    def follow(self, budget: Budget, urls: Sequence[str]) -> None:
        """Adds the codes of the first `MOST_PAGES` pages to which the profile links. If a page cannot be read, the profile is
        not whole. Raises `OutOfBudgetError`."""
        for url in urls[:MOST_PAGES]:
            try:
                with Web(budget, ()) as web:
                    page = web.document(url, KINDS)
                    self.read(url, [(page.body or b"").decode("utf-8", "replace")])
            except OutOfBudgetError:
                raise
            except NotThereError:
                continue  # the page is gone, and so is a code that was on it
            except (ApiError, NotAllowedError, UsageError):  # UsageError: it is no address
                self.is_whole = False

    def keep(self, folder: Path, unit: str, at: float) -> None:
        """Records the codes and claims beside the unit. `at`: the platform's time, in seconds since 1970."""
        if not is_kept(folder, unit):
            claims = None if self.claims is None else sorted(self.claims)
            seen = Seen(self.account, self.place, self._codes, int(at * 1_000_000), self.is_whole, claims)
            Recording(folder, PROFILE + unit).add([seen._asdict()], Cursor(None, True))


def is_kept(folder: Path, unit: str) -> bool:
    """Whether the unit's profile is recorded."""
    return Recording(folder, PROFILE + unit).cursor.done


def kept(folder: Path) -> Iterator[Seen]:
    """What the profiles of a day showed when they were looked at."""
    for page in sorted(folder.glob(f"{quote(PROFILE, safe='')}*{SUFFIX}")):
        yield from (Seen(**orjson.loads(line)) for line in items_of(page))
