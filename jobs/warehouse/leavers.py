"""People who left: refuses rows that still name them, and finds the days from which their acts were erased, as the runs of
`forget` recorded them. The records name nobody."""

import json
from collections.abc import Iterable
from datetime import date, datetime

import pyarrow.dataset as ds

from jobs.errors import CloutError
from jobs.warehouse import runs, suppression, suppression_journal
from jobs.warehouse.commits import Span
from jobs.warehouse.runs import Run
from jobs.warehouse.storage import Warehouse, rows
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.table import Table

FORGET = "forget"  # the job
DAYS = "days"  # its parameter: the days from which it erases acts
PEOPLE = "people"  # its parameter: keyed hashes of whom it erases; a run without it erases everybody who left
LEFT_DAYS = "left_days"  # key of `restatements.why`

# Table -> SQL for each person_id in a row.
_PEOPLE = {
    ACTIVITY: ("platform || ':' || actor_id", "platform || ':' || target_id"),
    ENGAGEMENT: ("src", "dst"),
    MONTHLY_WEIGHTS: ("src", "dst"),
}


def refuse(warehouse: Warehouse, table: Table, given: ds.Dataset) -> None:
    """Raises `CloutError`, which names the fix but nobody, if these rows of the table name people who left: their erasure was
    interrupted, or an older state of the table was restored. Raises `UsageError` as `suppression.current` does. Reads nothing
    if nobody left."""
    left = suppression.current(warehouse)
    if not left:
        return
    from jobs.scratch import scratch

    with scratch() as db:
        db.register("given", given)
        one, other = (db.table("given").project(person) for person in _PEOPLE[table])
        people = one.union(other).distinct().to_arrow_reader(65_536)
        found = sum(person in left for batch in people for person in batch.column(0).to_pylist())
    if found:
        raise CloutError(
            f"{table.name}: names {found:,} accounts that left, because their erasure was interrupted, or an older state of the"
            f" table was restored; run `clout person forget --replay {suppression_journal.path()}`, then try again"
        )


def record(warehouse: Warehouse, run: Run, days: Iterable[date]) -> None:
    """Records the days in `runs`. Call this before you erase their acts, so that the days stay known even if the run dies."""
    run.parameters[DAYS] = sorted(map(str, days))
    runs.write(warehouse, [run], runs.STARTED)


def close(warehouse: Warehouse, finished: Run) -> None:
    """Ends the earlier runs that were killed, if `finished` has erased all of their people. Call this once that is proven:
    until then, acts may still be erased from their days."""
    erased = finished.parameters.get(PEOPLE)
    started = {"day": Span(date.min, finished.day), "job": FORGET, "status": runs.STARTED}
    ended = []
    for row in warehouse.read(RUNS, started).to_pylist():
        people = json.loads(row["parameters"]).get(PEOPLE)
        if row["run_id"] != finished.id and (erased is None or (people is not None and {*people} <= {*erased})):
            error = f"killed; run {finished.id} erased the rest"
            ended.append(row | {"status": runs.FAILED, "error": error, "finished_at": runs.now()})
    if ended:
        place = {name: tuple({row[name] for row in ended}) for name in ("day", "run_id")}
        warehouse.replace_bookkeeping(RUNS, rows(RUNS, ended), place, run_id=finished.id, job=FORGET)


def erasures(warehouse: Warehouse, since: datetime) -> list[tuple[datetime, set[date]]]:
    """The runs of `forget` that ended at the instant or later: when each ended (or began, if it never ended), and the days from
    which it erased acts."""
    recorded = warehouse.read(RUNS, {"day": Span(since.date(), date.max), "job": FORGET}).to_pylist()
    return [
        (
            row["finished_at"] or row["started_at"],
            set(map(date.fromisoformat, json.loads(row["parameters"]).get(DAYS, ()))),
        )
        for row in recorded
        if (row["finished_at"] or row["started_at"]) >= since
    ]


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
