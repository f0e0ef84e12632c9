"""Maintains the tables: removes data that is no longer needed and merges small files. Rows that count stay as they are, except
that days older than `keep_activity_days` are removed from `activity` and `rejects`.

Maintenance is safe while nights run. It changes no row that a night writes, so a night that writes meanwhile wins or repeats
its write. If a maintenance step loses such a race three times, the next maintenance does that step.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from jobs.night_settings import Nights
from jobs.nights.readiness import DEAD_AFTER
from jobs.places import landing
from jobs.sources.live import recording
from jobs.warehouse import counted, delta_log, histories, known_accounts, listing, pruning, runs
from jobs.warehouse.commits import Span
from jobs.warehouse.races import LostRaceError
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.histories import HISTORIES
from schemas.methodology import load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table
from schemas.versions import MethodologyError

log = logging.getLogger(__name__)

JOB = "maintain"

# Age up to which monthly copies of accounts are kept, so that any day of the last year can be scored again without reading all
# of `accounts`. For the same days, the roll-ups of months in their windows are kept.
COPIES_KEPT = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Params:
    """The instant of the maintenance (UTC), and the nights' settings."""

    now: datetime
    nights: Nights

    @property
    def today(self) -> date:
        """The UTC day of `now`."""
        return self.now.astimezone(UTC).date()


@dataclass
class Maintained:
    """The maintenance of one table: numbers of files, days and pulls."""

    table: str
    files_before: int
    files: int = 0
    compacted: int = 0  # small files merged into larger ones
    removed: int = 0  # files replaced more than `keep_replaced_days` ago
    expired_days: int = 0  # days older than `keep_activity_days`
    dead_pulls: int = 0  # pulls whose rows did not count and were removed
    skipped: str | None = None  # why the next maintenance must repeat a step


def run(warehouse: Warehouse, params: Params, batch: Batch) -> Iterator[Maintained]:
    """Removes recordings older than `landing_days`, then maintains all tables. Yields a report on each table."""
    with runs.recorded(warehouse, JOB, params.today, batch) as row:
        if params.nights.landing_days is not None:
            first_kept = params.today - timedelta(days=params.nights.landing_days)
            row.counts["recorded_days_removed"] = recording.remove_before(landing(warehouse.root), first_kept)
        for table in TABLES:
            done = Maintained(table.name, _file_count(warehouse, table))
            for step in _steps(warehouse, table, params, done, row.id):
                _attempt(done, step)
            done.files = _file_count(warehouse, table)
            row.counts |= {f"{table.name}_files_before": done.files_before, f"{table.name}_files": done.files}
            yield done


def _steps(
    warehouse: Warehouse, table: Table, params: Params, done: Maintained, run_id: str
) -> Iterator[Callable[[], None]]:
    if table in (ACTIVITY, REJECTS):
        yield partial(_expire, warehouse, table, params, done, run_id)
    if table in (ACTIVITY, ACCOUNTS):
        yield partial(_remove_dead, warehouse, table, params, done, run_id)
    if table == ACCOUNTS_KNOWN:
        yield partial(_renew_copies, warehouse, params, run_id)
    if table == MONTHLY_WEIGHTS:
        yield partial(_expire_roll_ups, warehouse, run_id)
    if table == HISTORIES:
        yield partial(histories.make_copies, warehouse, run_id=run_id)
    yield partial(_tidy, warehouse, table, params, done, run_id)


def _attempt(done: Maintained, step: Callable[[], None]) -> None:
    """Runs the step, up to three times because a night's write may collide with it. After three collisions, records that the
    step was skipped."""
    for _ in range(3):
        try:
            step()
            return
        except (CommitFailedError, LostRaceError) as error:
            failure = error
    done.skipped = "a run was writing; the next maintenance tries again"
    log.info("maintain %s: skipped, %s", done.table, failure)


def _file_count(warehouse: Warehouse, table: Table) -> int:
    return pruning.files(warehouse.delta(table)).num_rows


def _expire(warehouse: Warehouse, table: Table, params: Params, done: Maintained, run_id: str) -> None:
    """Removes days that are older than `keep_activity_days`."""
    if params.nights.keep_activity_days is None:
        return
    last_day = params.today - timedelta(days=params.nights.keep_activity_days + 1)
    days = set(pruning.files(warehouse.delta(table), {"day": Span(date.min, last_day)})["day"].to_pylist())
    if days:
        warehouse.delete(table, {"day": tuple(sorted(days))}, run_id=run_id, job=JOB)
    done.expired_days = len(days)


def _remove_dead(warehouse: Warehouse, table: Table, params: Params, done: Maintained, run_id: str) -> None:
    """Removes rows of pulls that are not running and that `coverage` does not name: superseded pulls, and those that died."""
    dead = dead_pulls(warehouse, table, params.now)
    for day, pulls in sorted(dead.items()):
        warehouse.delete(table, {"day": day, "pull": tuple(sorted(pulls))}, run_id=run_id, job=JOB)
    done.dead_pulls = sum(map(len, dead.values()))


def dead_pulls(warehouse: Warehouse, table: Table, now: datetime) -> dict[date, set[str]]:
    """Day -> pulls with files in the table that `coverage` does not name and that were not running at `now`. Lists the files
    first, so that the list holds no file of a pull that began later."""
    listed = _pulls_of_files(warehouse.delta(table))
    days = tuple(sorted({day for day, _ in listed}))
    if not days:
        return {}
    partition = {"day": Span(days[0], days[-1])}
    at_work = {
        row["run_id"]
        for row in warehouse.read(
            RUNS, partition | {"status": runs.STARTED}, columns=["run_id", "started_at"]
        ).to_pylist()
        if now - row["started_at"] < DEAD_AFTER
    }
    named = set(warehouse.read(COVERAGE, partition, columns=["pull"])["pull"].to_pylist())
    dead: dict[date, set[str]] = {}
    for day, pull in listed:
        if pull not in named | at_work:
            dead.setdefault(day, set()).add(pull)
    return dead


def _pulls_of_files(delta: DeltaTable) -> set[tuple[date, str]]:
    """(day, pull) of the table's files: each file's smallest and largest pull, from the log's statistics. Rows that were
    written before pulls had names have no such statistics."""
    added = listing.added(delta)
    if "min.pull" not in added.column_names:
        return set()
    ends = zip(*(added[name].to_pylist() for name in ("partition.day", "min.pull", "max.pull")), strict=True)
    return {(day, pull) for day, least, most in ends for pull in (least, most) if pull is not None}


def _renew_copies(warehouse: Warehouse, params: Params, run_id: str) -> None:
    """Makes the copy that the next nights read, and removes the copies that no night will read again."""
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), params.today, run_id=run_id)
    months = pruning.files(warehouse.delta(ACCOUNTS_KNOWN))["month"].to_pylist()
    old = {month for month in months if month < max(months) - COPIES_KEPT}
    if old:
        warehouse.delete(ACCOUNTS_KNOWN, {"month": tuple(sorted(old))}, run_id=run_id, job=JOB)


def _expire_roll_ups(warehouse: Warehouse, run_id: str) -> None:
    """Removes the roll-ups that no score of the last year would read."""
    rolled_up: dict[str, set[date]] = {}
    for row in pruning.files(warehouse.delta(MONTHLY_WEIGHTS)).to_pylist():
        rolled_up.setdefault(row["methodology"], set()).add(row["month"])
    for methodology, months in rolled_up.items():
        try:
            kept = COPIES_KEPT + timedelta(days=load(methodology).lookback_days)
        except MethodologyError:  # its file is gone, so nothing can be scored under it
            kept = timedelta(days=-1)
        old = tuple(sorted(month for month in months if month < max(months) - kept))
        if old:
            warehouse.delete(MONTHLY_WEIGHTS, {"methodology": methodology, "month": old}, run_id=run_id, job=JOB)


def _tidy(warehouse: Warehouse, table: Table, params: Params, done: Maintained, run_id: str) -> None:
    """Merges small files, removes files that were replaced more than `keep_replaced_days` ago, writes a checkpoint, and removes
    expired log entries."""
    done.compacted += warehouse.compact(table, run_id=run_id, job=JOB)
    delta = warehouse.own(table)
    before = delta.version()
    done.removed += len(delta.vacuum(24 * params.nights.keep_replaced_days, dry_run=False, full=True))
    delta = warehouse.own(table)
    delta.create_checkpoint()
    if warehouse.is_local:  # a power cut must not tear the checkpoint after the commits that it replaces are gone
        delta_log.flush(Path(warehouse.path(table)), before)
    delta.cleanup_metadata()
