"""Lists without times, such as who likes a post, compared with what this source recorded before.

A name that an earlier day's list did not have came between the two observations. Its act gets the last microsecond of that
interval, clipped to the pulled day. A name that vanished undid nothing: it may be blocked, suspended or withheld. The first
observation of a list has no earlier one, so its interval begins when the object was created.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from jobs.sources.live.recording import Recording
from jobs.sources.page import DAY_US

LOOK_BACK_DAYS = (
    31  # farther back there is no recording (`landing_days`), nor a list that is looked up again (`revisit_days`)
)
PREFIX = "list"
NAME, AT = "name", "at"


def unit(name: str) -> str:
    """The unit under which a list is recorded. `clout pull --again` keeps it, because no later list has the same names."""
    return f"{PREFIX} {name}"


def is_kept(page: Path) -> bool:
    """Whether a recorded page is one of a list."""
    return page.name.startswith(f"{PREFIX}%20")


def end_of(day: date) -> int:
    """The instant after the day's last one, in microseconds since 1970."""
    return ((day - date(1970, 1, 1)).days + 1) * DAY_US


def is_observable(day: date, observed_at: int) -> bool:
    """Whether a list observed at this instant (microseconds since 1970, the platform's clock) still describes the day: not
    before the day, and less than a day after its end. Later, the list would also hold what came afterwards."""
    return end_of(day) - DAY_US <= observed_at < end_of(day) + DAY_US


def compared(folder: Path, unit: str, day: date, observed_at: int, names: Sequence[str]) -> list[dict[str, Any]]:
    """The items to record for the names on a page of a list: each name, and the time of its act in microseconds since 1970, or
    None if an earlier day's list of the same unit had the name. `folder` is that of the day's recordings."""
    before = set(_before(Recording(folder, unit)))
    at = min(observed_at, end_of(day)) - 1
    return [{NAME: name, AT: None if name in before else at} for name in names]


def _before(unit: Recording) -> Iterable[str]:
    for earlier in unit.earlier(LOOK_BACK_DAYS):
        yield from (orjson.loads(item)[NAME] for item in earlier.items)
