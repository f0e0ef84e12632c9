"""The manifest: one row of `runs` per run of a job on a day. Its status is first started, then done or failed. Jobs take the
current time from `now`."""

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow.compute as pc

from jobs import __version__
from jobs.warehouse import store_requests
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse, rows
from schemas.runs import RUNS

log = logging.getLogger(__name__)

STARTED, DONE, FAILED = "started", "done", "failed"
# Jobs whose runs other modules look up.
PULL_ACTIVITY, ENGAGEMENT, INFLUENCE, CHECKS = "pull_activity", "engagement", "influence", "checks"
MAX_ACCOUNTS = "max_accounts"  # parameter of a run of `influence`: the setting with which it joined accounts


def now() -> datetime:
    """This instant, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Batch:
    """The runs of one command. `key` is a digest or text of what the caller requested; a resumed command keeps the `id`."""

    key: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class Run:
    """One job on one day, while it runs. Jobs fill in their inputs and results."""

    job: str
    day: date
    batch: Batch
    parameters: dict[str, Any]
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    inputs: dict[str, int] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    uncovered_days: dict[str, list[str]] | None = None
    checks: dict[str, str] | None = None
    engine: str | None = None
    started_at: datetime = field(default_factory=now)

    def row(self, status: str, error: str | None = None) -> dict[str, Any]:
        """The run's row of `runs`. `finished_at` is None if `status` is `STARTED`, else the present instant."""
        return {
            "run_id": self.id,
            "batch_id": self.batch.id,
            "batch_key": self.batch.key,
            "day": self.day,
            "job": self.job,
            "status": status,
            "error": error,
            "parameters": _json(self.parameters),
            "inputs": _json(self.inputs),
            "uncovered_days": _json(self.uncovered_days),
            "engine": self.engine,
            "counts": _json(self.counts),
            "checks": _json(self.checks),
            "code_version": __version__,
            "started_at": self.started_at,
            "finished_at": None if status == STARTED else now(),
        }


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, sort_keys=True, default=str)


def write(warehouse: Warehouse, runs: list[Run], status: str, error: str | None = None) -> None:
    """Writes the state of these runs in one commit, replacing their earlier rows. If they ended, adds to the counts of the
    first one what this process asked of an object store since it last wrote runs that ended."""
    if runs:
        if status != STARTED:
            runs[0].counts |= store_requests.taken(warehouse.root)
        partition = {"day": tuple(sorted({run.day for run in runs})), "run_id": tuple(run.id for run in runs)}
        states = rows(RUNS, [run.row(status, error) for run in runs])
        warehouse.replace_bookkeeping(RUNS, states, partition, run_id=runs[0].batch.id, job=runs[0].job)


@contextmanager
def recorded_together(warehouse: Warehouse, runs: list[Run]) -> Iterator[None]:
    """Records the block as these rows of `runs`: started before it, done after it, or failed if it raises. Raises `UsageError`
    before the block if the warehouse is not writable."""
    log.info("%s: started, runs %s", ", ".join(f"{run.job} {run.day}" for run in runs), [run.id for run in runs])
    warehouse.require_writable()
    try:
        write(warehouse, runs, STARTED)  # within `try`, because an interrupt may follow its commit
        yield
    except BaseException as error:
        write(warehouse, runs, FAILED, str(error) or type(error).__name__)
        raise
    write(warehouse, runs, DONE)
    for run in runs:
        log.info("%s %s: done, %s", run.job, run.day, run.counts)


@contextmanager
def recorded(warehouse: Warehouse, job: str, day: date, batch: Batch, **parameters: Any) -> Iterator[Run]:
    """Like `recorded_together`, for one job on one day. The block fills in the run."""
    run = Run(job, day, batch, parameters)
    with recorded_together(warehouse, [run]):
        yield run


def done_steps(
    warehouse: Warehouse, key: str, first_day: date, last_day: date
) -> tuple[Batch, set[tuple[str, date, str]]]:
    """The newest batch with this key that ran any of these days, and its steps that are done, each as (job, day, source). If
    there is no such batch, returns a new one and no steps. `source` is empty for jobs without a source."""
    columns = ["batch_id", "day", "job", "status", "parameters", "started_at"]
    partition = {"day": Span(first_day, last_day), "batch_key": key}
    recorded = warehouse.read(RUNS, partition, columns=columns).sort_by("started_at")
    if not recorded.num_rows:
        return Batch(key), set()
    newest = recorded["batch_id"][-1].as_py()
    steps = {
        (row["job"], row["day"], json.loads(row["parameters"]).get("source", ""))
        for row in recorded.filter(pc.equal(recorded["batch_id"], newest)).to_pylist()
        if row["status"] == DONE
    }
    return Batch(key, newest), steps
