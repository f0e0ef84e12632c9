"""Decides which pull's rows count for a source's day: one commit of `coverage` decides for all platforms of the source.

A pull adds its rows of `accounts`, `activity` and `rejects` beside those of earlier pulls, under its own run id. Then it
commits `coverage` rows that name this pull. Only after this commit does it remove superseded rows. If a pull dies before the
commit, no reader counts its rows, and the next pull of the day removes them.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from jobs.causes import cause
from jobs.warehouse import runs
from jobs.warehouse.commits import Span
from jobs.warehouse.runs import Run
from jobs.warehouse.storage import LostRaceError, Partition, Warehouse, repeated
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

log = logging.getLogger(__name__)

PULLED = (REJECTS, ACCOUNTS, ACTIVITY)  # tables that hold rows of pulls side by side

Pulls = Mapping[str, str | None]  # platform -> the pull whose rows count, for one source and day


def counting_pulls(
    warehouse: Warehouse, source: str, first_day: date, last_day: date, version: int | None = None
) -> dict[date, Pulls]:
    """Day -> platform -> the pull that counts. Days that the source does not cover are absent."""
    days = {"day": Span(first_day, last_day), "source": source}
    pulls: dict[date, dict[str, str | None]] = defaultdict(dict)
    for row in warehouse.read(COVERAGE, days, columns=["day", "platform", "pull"], version=version).to_pylist():
        pulls[row["day"]][row["platform"]] = row["pull"]
    return dict(pulls)


class Decision:
    """One pull of one source's day. `earlier` holds the pulls that counted when it began."""

    def __init__(self, warehouse: Warehouse, item: Run, platforms: Sequence[str], earlier: Pulls) -> None:
        self._warehouse = warehouse
        self._item = item
        self._platforms = tuple(platforms)
        self._earlier = dict(earlier)
        self._place: Partition = {
            "platform": self._platforms, "day": item.day, "source": item.parameters["source"]
        }  # fmt: skip
        # The other pulls with rows here began before this pull commits. If this pull wins, `coverage` has changed since they
        # began. So they lose, and this pull may remove their rows.
        self._others = {table: _pulls(warehouse, table, self._place) for table in PULLED}

    def add(self, table: Table, rows_of: Callable[[str], Iterable[pa.RecordBatch]]) -> None:
        """Adds this pull's rows to the table in one commit, beside those of other pulls. `rows_of` returns the rows of one
        platform."""
        batches = chain.from_iterable(map(rows_of, self._platforms))
        first = next(batches, None)
        if first is not None:
            rows = pa.RecordBatchReader.from_batches(first.schema, chain([first], batches))
            self._warehouse.append(table, rows, self._place, run_id=self._item.id, job=self._item.job)

    def take(self, coverage: pa.Table) -> None:
        """Commits the coverage rows, which name this pull, then removes superseded rows. If another pull was committed since
        this one began, removes this pull's own rows and raises `LostRaceError`."""
        now = self._committed(coverage)
        if self._is_named(now):
            self._remove(self._others)
            return
        self.withdraw(*PULLED)
        winner = next(
            (pull for platform, pull in now.items() if pull != self._earlier.get(platform)), "of another kind"
        )
        raise LostRaceError(
            f"coverage {self._item.day} {self._item.parameters['source']}: lost to run {winner} ({self._item.job}), which"
            " pulled it meanwhile; nothing of this run was kept"
        )

    def _committed(self, coverage: pa.Table) -> Pulls:
        """Commits these rows if the same pulls still count as when this pull began, and returns the pulls that count
        afterwards. Commits of other days and sources do not make this pull lose."""
        for attempt in repeated(LostRaceError):
            with attempt:
                version = self._warehouse.version(COVERAGE)
                now = self._now(version)
                if now == self._earlier and not self._is_named(now):
                    self._warehouse.replace(
                        COVERAGE, coverage, self._place, run_id=self._item.id, job=self._item.job, version=version
                    )
                    now = dict.fromkeys(self._platforms, self._item.id)
        return now

    def _now(self, version: int) -> Pulls:
        day = self._item.day
        return counting_pulls(self._warehouse, self._item.parameters["source"], day, day, version).get(day, {})

    def _is_named(self, now: Pulls) -> bool:
        """Whether `now` names this pull. Also true if an earlier try committed but its reply was lost."""
        return all(now.get(platform) == self._item.id for platform in self._platforms)

    def withdraw(self, *tables: Table) -> None:
        """Removes this pull's own rows, unless `coverage` names it."""
        self._remove({table: {self._item.id} for table in tables})

    def replace_rejects(self) -> None:
        """Keeps only the rejects of this failed pull and of pulls still running; removes all others."""
        mine = {"day": self._item.day, "status": runs.STARTED}
        at_work = set(self._warehouse.read(RUNS, mine, columns=["run_id"])["run_id"].to_pylist())
        self._remove({REJECTS: self._others[REJECTS] - at_work})

    def _remove(self, pulls: Mapping[Table, set[str | None]]) -> None:
        for table, superseded in pulls.items():
            remove(self._warehouse, table, self._place, superseded, run_id=self._item.id, job=self._item.job)


def remove(
    warehouse: Warehouse, table: Table, where: Partition, pulls: set[str | None], *, run_id: str, job: str
) -> None:
    """Removes the rows of these pulls, which no reader counts. Such rows do no harm, so a failure is only logged, and the next
    pull of the day or the next maintenance removes them."""
    if not pulls:
        return
    try:
        for attempt in repeated(LostRaceError):
            with attempt:
                warehouse.delete(table, {**where, "pull": tuple(pulls)}, run_id=run_id, job=job)
    except Exception as error:
        why = cause(error)
        log.info("%s %s: rows of pulls %s could not be removed yet (%s)", table.name, dict(where), pulls, why)


def _pulls(warehouse: Warehouse, table: Table, where: Partition) -> set[str | None]:
    """The pulls that have rows in the partition; None stands for rows of earlier versions of clout."""
    return set(pc.unique(warehouse.read(table, where, columns=["pull"])["pull"]).to_pylist())
