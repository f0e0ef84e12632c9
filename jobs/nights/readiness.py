"""Whether a day can be scored, and what its scoring run must still wait for.

Reads the day's `coverage` and its window's pulls in `runs`; writes nothing. The current instant is an argument.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow.compute as pc

from jobs.days import end_of
from jobs.errors import CloutError
from jobs.nights.settling import is_settled
from jobs.warehouse import runs
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.runs import RUNS

# A killed pull stays `started` forever, so an older one counts as dead. The longest budget of a source is twelve hours, and its
# task times out an hour later.
DEAD_AFTER = timedelta(hours=14)


class NotSettledError(CloutError):
    """A day was pulled, but more of its data may still arrive."""


def missing(
    warehouse: Warehouse,
    sources: Sequence[str],
    first_day: date,
    day: date,
    now: datetime,
    settle_hours: float,
) -> list[str]:
    """One line for each thing to wait for: a source without coverage of `day`, a source whose partial day is not settled, or a
    pull of a day of the window `first_day..day` that is running at `now`. Empty if the day can be scored. `sources` are the
    sources that are expected to cover the day."""
    if not warehouse.exists():
        return [f"warehouse {warehouse.root}: nothing was pulled into it yet"]
    covered = warehouse.read(COVERAGE, {"day": day}).to_pylist()
    absent = sorted(set(sources) - {row["source"] for row in covered})
    uncovered = [f"source {source}: no coverage of {day}" for source in absent]
    partial = [line for row in covered if row["source"] in sources for line in _unsettled(row, now, settle_hours)]
    return (
        uncovered
        + sorted(partial)
        + [
            f"source {source}: a pull of {pulled} has been running since {started_at:%Y-%m-%d %H:%M} UTC"
            for (source, pulled), started_at in sorted(_pulls_at_work(warehouse, first_day, day).items())
            if now - started_at < DEAD_AFTER
        ]
    )


def refuse_unsettled(warehouse: Warehouse, source: str, day: date, now: datetime, settle_hours: float) -> None:
    """Raises `NotSettledError` if a source's day is partial and not settled. Its pulled rows are kept."""
    covered = warehouse.read(COVERAGE, {"day": day, "source": source}).to_pylist()
    lines = sorted(line for row in covered for line in _unsettled(row, now, settle_hours))
    if lines:
        raise NotSettledError(f"{'; '.join(lines)}. What was pulled is kept; pull again later")


def _unsettled(row: Mapping[str, Any], now: datetime, settle_hours: float) -> list[str]:
    if is_settled(row, now, settle_hours):
        return []
    until = end_of(row["day"]) + timedelta(hours=settle_hours)
    return [
        f"source {row['source']}: {row['day']} of {row['platform']} is partial ({row['reason']}) and may still become"
        f" complete until {until:%Y-%m-%d %H:%M} UTC"
    ]


def _pulls_at_work(warehouse: Warehouse, first_day: date, day: date) -> dict[tuple[str, date], datetime]:
    """(source, day) -> start of its newest pull, if that has neither finished nor failed."""
    window, pulls = {"day": Span(first_day, day)}, pc.field("job") == runs.PULL_ACTIVITY
    columns = ["day", "status", "parameters", "started_at"]
    newest = {
        (json.loads(row["parameters"])["source"], row["day"]): row
        for row in warehouse.read(RUNS, window, columns=columns, where=pulls).sort_by("started_at").to_pylist()
    }
    return {key: row["started_at"] for key, row in newest.items() if row["status"] == runs.STARTED}
