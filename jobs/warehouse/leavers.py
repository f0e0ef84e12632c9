"""The days from which acts of people who left were erased, as the runs of `forget` recorded them. The records name nobody."""

import json
from collections.abc import Iterable
from datetime import date, datetime

from jobs.warehouse import runs
from jobs.warehouse.commits import Span
from jobs.warehouse.runs import Run
from jobs.warehouse.storage import Warehouse
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS

FORGET = "forget"  # the job
DAYS = "days"  # its parameter
LEFT_DAYS = "left_days"  # key of `restatements.why`


def record(warehouse: Warehouse, run: Run, days: Iterable[date]) -> None:
    """Records the days in `runs`. Call this before you erase their acts, so that the days stay known even if the run dies."""
    run.parameters[DAYS] = sorted(map(str, days))
    runs.write(warehouse, [run], runs.STARTED)


def restated_days(warehouse: Warehouse, day: date, methodology: str) -> list[date]:
    """The days, ascending, from which acts were erased before the day's scores were computed again."""
    whys = warehouse.read(RESTATEMENTS, {"day": day, "methodology": methodology}, columns=["why"])["why"].to_pylist()
    return sorted({date.fromisoformat(left) for why in whys for left in json.loads(why).get(LEFT_DAYS, ())})


def days_since(warehouse: Warehouse, at: datetime, first_day: date, last_day: date) -> list[date]:
    """The days of the range, ascending, from which a run erased acts, if that run ended at the instant or later, or never
    ended."""
    recorded = warehouse.read(RUNS, {"day": Span(at.date(), date.max), "job": FORGET}).to_pylist()
    later = [row for row in recorded if row["finished_at"] is None or row["finished_at"] >= at]
    days = {date.fromisoformat(day) for row in later for day in json.loads(row["parameters"]).get(DAYS, ())}
    return sorted(day for day in days if first_day <= day <= last_day)
