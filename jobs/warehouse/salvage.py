"""`clout maintain --repair`: repairs logs, then restores lost rows from an intact copy or marks their day as not covered.

Published rows are restored from `influence` if it holds exactly what `publications` records. A day with lost activity is marked
as not covered, so it lowers no score and is pulled again. A damaged roll-up of a month is removed. Nothing is guessed: damage
without an intact copy is reported with the command that recreates the rows.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.errors import GoneError
from jobs.warehouse import damage, digests, listing, publications, runs
from jobs.warehouse.damage import DATA, ROWS, Damage, Repaired
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse, rows
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.publications import PUBLICATIONS
from schemas.rejects import REJECTS
from schemas.scores import SCORES
from schemas.table import Table

JOB = "repair_tables"

PULLED = (ACTIVITY, ACCOUNTS, REJECTS)
RUN = {
    ENGAGEMENT.name: "run `clout engagement --day {day}`",
    INFLUENCE.name: "run `clout influence --day {day} --methodology {methodology}`",
}


def repair(warehouse: Warehouse, batch: Batch, today: date) -> list[Repaired]:
    """Repairs what it can, and returns one outcome per damage. Records no run if nothing is damaged."""
    broken = {damaged.table for damaged in damage.find(warehouse)}
    if not broken:
        return []
    outcomes = damage.repair_logs(warehouse)
    with runs.recorded(warehouse, JOB, today, batch) as row:
        lost = [damaged for damaged in damage.find(warehouse) if damaged.kind == DATA]
        if broken & {SCORES.name}:
            outcomes += _published_again(warehouse, row.id)
        if broken & {COVERAGE.name, *(table.name for table in PULLED)}:
            outcomes += _uncovered(warehouse, lost, row.id)
        outcomes += _dropped(warehouse, lost, row.id)
        left = [damaged for damaged in damage.find(warehouse) if damaged.kind == DATA]
        outcomes += [Repaired(damaged, left=_command(warehouse, damaged)) for damaged in left]
        row.counts = {
            "repaired": sum(outcome.done is not None for outcome in outcomes),
            "left": sum(outcome.left is not None for outcome in outcomes),
        }
    return outcomes


def _command(warehouse: Warehouse, lost: Damage) -> str:
    table = next(table for table in TABLES if table.name == lost.table)
    return RUN.get(lost.table, "restore {folder} from a backup").format(folder=warehouse.path(table), **lost.partition)


def _published_again(warehouse: Warehouse, run_id: str) -> Iterator[Repaired]:
    """Repairs every day whose rows in `scores` differ from what `publications` records."""
    recorded = (
        warehouse.read(PUBLICATIONS, columns=["day", "methodology"]).group_by(["day", "methodology"]).aggregate([])
    )
    for place in sorted(recorded.to_pylist(), key=lambda row: (row["methodology"], row["day"])):
        current = publications.current(warehouse, **place)
        expected = current.content if current else None
        if _digest(warehouse, SCORES, place) == expected or expected == "":
            continue
        what = Damage(SCORES.name, ROWS, f"{place['day']} ({place['methodology']})", "differ from those published")
        if expected is None:
            warehouse.replace(SCORES, rows(SCORES, []), place, run_id=run_id, job=JOB)
            yield Repaired(what, done="removed: the day is not published")
        elif _digest(warehouse, INFLUENCE, place, SCORES) == expected:
            warehouse.replace(SCORES, warehouse.reader(INFLUENCE, place), place, run_id=run_id, job=JOB)
            yield Repaired(what, done="restored from `influence`")
        else:
            yield Repaired(what, left=f"`influence` holds other rows: score and publish {place['day']} again")


def _digest(warehouse: Warehouse, table: Table, place: Mapping[str, Any], shape: Table | None = None) -> str | None:
    """The digest of a partition's rows, or "unreadable"."""
    try:
        return digests.of_stream(shape or table, warehouse.reader(table, place))
    except (GoneError, pa.ArrowInvalid):
        return "unreadable"


def _uncovered(warehouse: Warehouse, lost: list[Damage], run_id: str) -> Iterator[Repaired]:
    """Marks a source's pulled day as not covered if the day lost rows, and removes the day's remaining rows."""
    torn = {(damaged.table, *damaged.partition.values()) for damaged in lost}
    covered = warehouse.read(COVERAGE, columns=["platform", "day", "source", "pull", "act_count"]).to_pylist()
    counts = {table: _counts_by_pull(warehouse, table) for table in (ACTIVITY,)}
    for row in sorted(covered, key=lambda row: (row["day"], row["platform"], row["source"])):
        place = {name: row[name] for name in ("platform", "day", "source")}
        text = tuple(map(str, place.values()))
        whole = counts[ACTIVITY].get((*text, row["pull"]), 0) == row["act_count"]
        if whole and not any((table.name, *text) in torn for table in PULLED):
            continue
        what = Damage(ACTIVITY.name, ROWS, " ".join(text), "are lost")
        warehouse.replace_bookkeeping(COVERAGE, rows(COVERAGE, []), place, run_id=run_id, job=JOB)
        for table in PULLED:
            warehouse.replace(table, rows(table, []), place, run_id=run_id, job=JOB)
        yield Repaired(what, done=f"the day is no longer covered by {row['source']}; pull it again")


def _dropped(warehouse: Warehouse, lost: list[Damage], run_id: str) -> Iterator[Repaired]:
    """Removes damaged roll-ups of months, without which every result is the same."""
    for damaged in lost:
        if damaged.table == MONTHLY_WEIGHTS.name:
            month = date.fromisoformat(damaged.partition["month"])
            warehouse.delete(MONTHLY_WEIGHTS, {**damaged.partition, "month": month}, run_id=run_id, job=JOB)
            yield Repaired(damaged, done="removed: the next night adds up the month again")


def _counts_by_pull(warehouse: Warehouse, table: Table) -> dict[tuple[str, str, str, str | None], int]:
    """(platform, day, source, pull) -> number of rows, from the log alone. Assumes that each file holds rows of one pull only,
    which is the minimum in the file's statistics."""
    files = listing.added(warehouse.delta(table))
    pulls = files["min.pull"] if "min.pull" in files.column_names else pa.nulls(files.num_rows, pa.string())
    counts: dict[tuple[str, str, str, str | None], int] = {}
    for *place, pull, count in zip(
        *(files[f"partition.{name}"].to_pylist() for name in table.partition_by),
        pulls.to_pylist(),
        files["num_records"].to_pylist(),
        strict=True,
    ):
        key = (*map(str, place), pull)
        counts[key] = counts.get(key, 0) + count
    return counts
