"""Whether a day can be scored: what its scoring run still has to wait for.

Reads `coverage` of the day and the pulls in `runs` of its window; writes nothing. The instant is an argument, as elsewhere.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pyarrow.compute as pc

from jobs import pull_activity, runs
from jobs.commits import Span
from jobs.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.runs import RUNS

# A pull that was killed stays `started` for ever. Nightly pulls are ended after two hours; one by hand, of many days
# together, is given the time of three of them.
DEAD_AFTER = timedelta(hours=6)


def missing(warehouse: Warehouse, sources: Sequence[str], first_day: date, day: date, now: datetime) -> list[str]:
    """One line for each thing that is not there: a source without coverage of `day`, a pull of a day of the window
    `first_day..day` that is at work at `now`. Empty: go."""
    if not warehouse.exists():
        return [f"warehouse {warehouse.root}: nothing was pulled into it yet"]
    covered = set(warehouse.read(COVERAGE, {"day": day}, columns=["source"])["source"].to_pylist())
    uncovered = [f"source {source}: no coverage of {day}" for source in sources if source not in covered]
    return uncovered + [
        f"source {source}: {pulled} is being pulled since {started_at:%Y-%m-%d %H:%M} UTC"
        for (source, pulled), started_at in sorted(_pulls_at_work(warehouse, first_day, day).items())
        if now - started_at < DEAD_AFTER
    ]


def _pulls_at_work(warehouse: Warehouse, first_day: date, day: date) -> dict[tuple[str, date], datetime]:
    """(source, day) -> since when, of those whose newest pull has neither finished nor failed."""
    window, pulls = {"day": Span(first_day, day)}, pc.field("job") == pull_activity.JOB
    columns = ["day", "status", "parameters", "started_at"]
    newest = {
        (json.loads(row["parameters"])["source"], row["day"]): row
        for row in warehouse.read(RUNS, window, columns=columns, where=pulls).sort_by("started_at").to_pylist()
    }
    return {key: row["started_at"] for key, row in newest.items() if row["status"] == runs.STARTED}
