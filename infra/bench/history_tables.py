"""Warehouses of 200 days, and of ten years whose last 200 days are the same, as nightly runs and weekly maintenance leave them.

On every day some accounts act for the first time, so `accounts` grows as in production. The tables are written directly, 50
days at a time, so that the larger warehouse takes only minutes. Both are kept in the folder of `graphs.folder`.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import graphs
import grounds
import numpy as np
import pyarrow as pa
from deltalake import write_deltalake

from jobs.days import days_between
from jobs.warehouse import counted, known_accounts, runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import digests_of_days
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table
from schemas.versions import official

LAST_DAY = date(2026, 10, 31)
SHORT, LONG = 200, 3650  # days
COMMANDS = ("engagement", "influence", "checks", "publish")
PLATFORM, SOURCE = "github", "bench"
NEW_ACCOUNTS, SEEN_AGAIN, ACTS, PEOPLE = 300, 1_000, 4_000, 5_000  # a day
RECENT = 180 * NEW_ACCOUNTS  # only the newest accounts act
PERSON = f"{PLATFORM}:regular"  # published every day
FIGURES = {"people": 100_000, "influence": 40_000.0}  # close to the measured night's, so that it passes its checks
DAYS_A_WRITE = 50
UNMERGED = 7  # newest days whose runs the weekly maintenance has not merged yet


def path(days: int) -> Path:
    """The warehouse of `days` days. Makes it if it does not exist."""
    kept = graphs.folder() / f"history-{days}.warehouse"
    if not kept.exists():
        half = graphs.folder() / f"history-{days}.half.warehouse"
        shutil.rmtree(half, ignore_errors=True)  # from an interrupted bench
        make(Warehouse(str(half)), days)
        half.rename(kept)
    return kept


def make(warehouse: Warehouse, days: int) -> None:
    """Writes the tables as described above: all days are pulled, and all but the last are counted, scored and
    published. Also makes the copies `accounts_known`, as the previous night leaves them."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    all_days = [LAST_DAY - timedelta(days=days - 1 - n) for n in range(days)]
    digests: dict[date, str] = {}
    for start in range(0, days, DAYS_A_WRITE):
        some = all_days[start : start + DAYS_A_WRITE]
        acts = {day: _acts(day) for day in some}
        covered = [coverage_row(day) for day in some]
        append(warehouse, ACTIVITY, [acts[day] for day in some])
        append(warehouse, ACCOUNTS, [_accounts(day) for day in some])
        append(warehouse, COVERAGE, [rows_of(COVERAGE, covered)])
        scored = [day for day in some if day < LAST_DAY]
        append(warehouse, ENGAGEMENT, [_engagement(acts[day]) for day in scored])
        people = [_people(day) for day in scored]
        for table in (INFLUENCE, SCORES):
            append(warehouse, table, people)
        digests |= digests_of_days(covered)
        append(warehouse, PUBLICATIONS, [rows_of(PUBLICATIONS, [publication_row(day, digests) for day in scored])])
        _append_runs(warehouse, some, digests)
    for table in TABLES:
        warehouse.delta(table).create_checkpoint()
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), LAST_DAY - timedelta(days=31), run_id="bench")
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), LAST_DAY, run_id="bench")


def _append_runs(warehouse: Warehouse, days: Sequence[date], digests: Mapping[date, str]) -> None:
    """Appends the runs of these days: one file per day, but one per job for the `UNMERGED` newest days."""
    nightly = {
        job: [run_row(job, day, digests) for day in days if day < LAST_DAY or job == "pull_activity"]
        for job in ("pull_activity", *COMMANDS)
    }
    unmerged = LAST_DAY - timedelta(days=UNMERGED)
    append(warehouse, RUNS, [rows_of(RUNS, [run for of in nightly.values() for run in of if run["day"] <= unmerged])])
    for job_runs in nightly.values():
        append(warehouse, RUNS, [rows_of(RUNS, [run for run in job_runs if run["day"] > unmerged])])


def append(warehouse: Warehouse, table: Table, days: list[pa.Table]) -> None:
    """Appends the rows of these days, in one commit."""
    rows = pa.concat_tables(days)
    if not rows.num_rows:
        return
    bare = pa.schema([field.remove_metadata() for field in arrow.schema(table)])
    write_deltalake(warehouse.path(table), rows.cast(bare), mode="append")


def rows_of(table: Table, records: list[dict[str, Any]]) -> pa.Table:
    """The records as rows of a contract; columns that they lack are null."""
    return pa.Table.from_pylist(records, schema=arrow.schema(table))


def filled(table: Table, count: int, columns: dict[str, Any]) -> pa.Table:
    """`count` rows of a contract. A list or an array is a column; a single value fills all rows; other columns are null."""
    schema = arrow.schema(table)
    arrays = []
    for field in schema:
        value = columns.get(field.name)
        is_rows = isinstance(value, list | np.ndarray | pa.Array | pa.ChunkedArray)
        arrays.append(_column(value, field.type) if is_rows else pa.repeat(pa.scalar(value, field.type), count))
    return pa.table(arrays, schema=schema)


def _column(values: Any, kind: pa.DataType) -> pa.Array:
    return values.cast(kind) if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, kind)


def _names(numbers: np.ndarray) -> list[str]:
    return [f"user-{number:08d}" for number in numbers.tolist()]


def _day(day: date) -> tuple[np.random.Generator, int]:
    """The day's random generator, and the number of accounts seen up to the day. Both are the same in both warehouses."""
    number = (day - LAST_DAY).days + LONG
    return np.random.default_rng([7, number]), RECENT + number * NEW_ACCOUNTS


def _acts(day: date) -> pa.Table:
    rng, seen = _day(day)
    actors = _names(rng.integers(seen - RECENT, seen, ACTS))
    targets = _names(seen - RECENT + (rng.pareto(1.2, ACTS) * 50).astype(np.int64) % RECENT)
    targets[0] = PERSON.partition(":")[2]
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    instants = [at + timedelta(seconds=int(second)) for second in np.sort(rng.integers(0, 86_400, ACTS))]
    ids = [f"{day:%Y%m%d}-{n}" for n in range(ACTS)]
    kinds = rng.choice(["like", "reply", "reshare"], ACTS).tolist()
    return filled(
        ACTIVITY,
        ACTS,
        _place(day)
        | {"activity_id": ids, "kind": kinds, "actor_id": actors, "target_id": targets, "object_id": ids}
        | {"occurred_at": instants},
    )


def _place(day: date) -> dict[str, Any]:
    return {"platform": PLATFORM, "day": day, "source": SOURCE, "pull": f"pull-{day}"}


def _accounts(day: date) -> pa.Table:
    rng, seen = _day(day)
    again = np.unique(rng.integers(seen - RECENT, seen - NEW_ACCOUNTS, SEEN_AGAIN))
    numbers = np.concatenate([again, np.arange(seen - NEW_ACCOUNTS, seen)])
    names = _names(numbers)
    bots = [bool(number % 50 == 0) for number in numbers.tolist()]
    return filled(ACCOUNTS, len(names), _place(day) | {"account_id": names, "handle": names, "is_bot": bots})


def coverage_row(day: date) -> dict[str, Any]:
    """The day's row of `coverage`."""
    none = dict.fromkeys(("rejected_count", "unresolved_count", "ignored_count", "repeated_count"), 0)
    content = {"activity_digest": f"acts-{day}", "accounts_digest": f"accounts-{day}"}
    return _place(day) | {"status": "complete", "reason": None, "act_count": ACTS} | none | content


def _engagement(acts: pa.Table) -> pa.Table:
    joined = [
        pa.array([f"{PLATFORM}:{name}" for name in acts[column].to_pylist()]) for column in ("actor_id", "target_id")
    ]
    pairs = pa.table([acts["day"], *joined, acts["platform"], acts["kind"]], ["day", "src", "dst", "platform", "kind"])
    counts = (
        pairs.group_by(pairs.column_names).aggregate([([], "count_all")]).rename_columns({"count_all": "act_count"})
    )
    distinct = [src != dst for src, dst in zip(counts["src"].to_pylist(), counts["dst"].to_pylist(), strict=True)]
    return counts.filter(pa.array(distinct)).select(ENGAGEMENT.column_names).cast(arrow.schema(ENGAGEMENT))


def _people(day: date) -> pa.Table:
    rng, seen = _day(day)
    numbers = np.sort(rng.choice(np.arange(seen - RECENT, seen), PEOPLE - 1, replace=False))
    ids = [PERSON, *(f"{PLATFORM}:{name}" for name in _names(numbers))]
    doubles = {name: rng.random(PEOPLE) for name in ("influence", "direct", "second", "third", "score", "percentile")}
    plain = {"day": day, "methodology": official(day), "platform": PLATFORM, "simulated": False, "window_coverage": 1.0}
    whole = {"rank": rng.integers(1, PEOPLE, PEOPLE), "engager_count": rng.integers(0, 99, PEOPLE)}
    return filled(SCORES, PEOPLE, plain | doubles | whole | {"person_id": ids, "handle": ids})


def _window(day: date, digests: Mapping[date, str]) -> dict[str, str]:
    """Covered day of the day's window -> its digest."""
    window = days_between(load(official(day)).first_day(day), day)
    return {str(covered): digests[covered] for covered in window if covered in digests}


def _instant(day: date) -> datetime:
    """When the night of this day ran."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, hours=3)


def publication_row(day: date, digests: Mapping[date, str]) -> dict[str, Any]:
    """The day's row of `publications`. `digests`: covered day -> its digest."""
    window = _window(day, digests)
    basis = {"activity_digests": json.dumps(window), "covered_days": json.dumps({PLATFORM: [*window]})}
    fixed = {"sequence": 1, "change": "publish", "run_id": f"publish-{day}", **FIGURES}
    return basis | fixed | {"day": day, "methodology": official(day), "published_at": _instant(day)}


def run_row(job: str, day: date, digests: Mapping[date, str]) -> dict[str, Any]:
    """The row of `runs` of the night's job."""
    parameters: dict[str, Any] = {"methodology": official(day)}
    match job:
        case "pull_activity":
            parameters = {"source": SOURCE}
        case "engagement":
            parameters = {"activity_digest": digests[day]}
        case "influence":
            parameters["activity_digests"] = _window(day, digests)
    at = _instant(day)
    run = Run(job, day, Batch("bench", "bench"), parameters, started_at=at)
    return run.row(runs.DONE) | {"finished_at": at}
