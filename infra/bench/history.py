"""Measures a night on a warehouse of 200 days, and on one of ten years whose last 200 days are the same.

Both warehouses look as nightly runs leave them: on every day some accounts act for the first time, so `accounts` grows as in
production. The bench writes the tables directly, 50 days at a time, so that the larger warehouse takes only minutes, and keeps
both warehouses in the folder of `graphs.folder`.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import graphs
import numpy as np
import pyarrow as pa
from deltalake import write_deltalake
from measuring import Command
from pipeline import CLOUT
from rich.table import Table

from jobs.nights import readiness
from jobs.warehouse import counted, known_accounts, runs
from jobs.warehouse.pruning import files
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import digests_of_days
from jobs.why import paths, sensitivity
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodology import official
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table as Contract

LAST_DAY = date(2026, 10, 31)
SHORT, LONG = 200, 3650  # days
COMMANDS = ("engagement", "influence", "checks", "publish")
PLATFORM, SOURCE = "github", "bench"
NEW_ACCOUNTS, SEEN_AGAIN, ACTS, PEOPLE = 300, 1_000, 4_000, 5_000  # a day
RECENT = 180 * NEW_ACCOUNTS  # only the newest accounts act
PERSON = f"{PLATFORM}:regular"  # published every day
DAYS_A_WRITE = 50
MEASURED = 3  # repetitions, of which the fastest counts

# Limits of the figures on ten years: multiples of the figure on 200 days, or seconds.
RATIOS = {"night": 1.1}
SECONDS = {"read one day": 0.09, "show PERSON": 1.0, "paths of a hub": 2.0}


@dataclass
class Figure:
    """A figure of both warehouses, in seconds or files. A figure that needs no warehouse has only `long`."""

    what: str
    short: float | None = None
    long: float | None = None
    unit: str = "s"
    name: str = "history"


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Yields the figure of a hub's paths, then each figure of both warehouses."""
    yield Figure("paths of a hub", long=_hub())
    short, long = (measure(days) for days in (SHORT, LONG))
    for what in short:
        yield Figure(what, short[what], long[what], unit="files" if "files" in what else "s")


def measure(days: int) -> dict[str, float]:
    """What -> seconds or files, measured on a copy of the warehouse of `days` days."""
    measured: dict[str, float] = {}
    with TemporaryDirectory(dir=graphs.folder()) as copy:  # by hard links; no command changes a file
        shutil.copytree(path(days), copy, copy_function=os.link, dirs_exist_ok=True)
        warehouse = Warehouse(copy)
        before = LAST_DAY - timedelta(days=1)
        measured["read one day"] = _best(lambda: warehouse.read(ACTIVITY, {"day": before}))
        measured["wait for a day"] = _best(
            lambda: readiness.missing(warehouse, [SOURCE], before - timedelta(days=179), before, datetime.now(UTC), 12)
        )
        night = [Command(CLOUT, command, "--day", str(LAST_DAY), CLOUT_WAREHOUSE=copy).seconds for command in COMMANDS]
        measured |= {f"  {command}": seconds for command, seconds in zip(COMMANDS, night, strict=True)}
        measured["night"] = sum(night)
        measured["explain"] = _command(copy, "explain", _engaged(warehouse), "--day", str(LAST_DAY), "--json")
        measured["show PERSON, before maintenance"] = _command(copy, "show", PERSON, "--json")
        measured["files before maintenance"] = _files(warehouse)
        measured["plan all tables, before maintenance"] = _best(lambda: _files(warehouse))
        measured["maintain"] = _command(copy, "maintain", times=1)
        measured["files after maintenance"] = _files(warehouse)
        measured["plan all tables"] = _best(lambda: _files(warehouse))
        measured["show PERSON"] = _command(copy, "show", PERSON, "--json")
    return measured


def _best(call: Callable[[], Any]) -> float:
    def timed() -> float:
        began = time.monotonic()
        call()
        return time.monotonic() - began

    return min(timed() for _ in range(MEASURED))


def _command(root: str, *arguments: str, times: int = MEASURED) -> float:
    return min(Command(CLOUT, *arguments, CLOUT_WAREHOUSE=root).seconds for _ in range(times))


def _files(warehouse: Warehouse) -> int:
    return sum(files(warehouse.delta(table)).num_rows for table in TABLES)


def _engaged(warehouse: Warehouse) -> str:
    """The person_id of the first person by rank and person_id on `LAST_DAY`."""
    people = warehouse.read(SCORES, {"day": LAST_DAY}, columns=["person_id", "rank"])
    return people.sort_by([("rank", "ascending"), ("person_id", "ascending")])["person_id"][0].as_py()


def _hub() -> float:
    """Seconds to find the largest paths to a person with 20,000 engagers, two million paths of two steps and some sixteen
    million of three."""
    rng = np.random.default_rng(5)
    fans, others, accounts = 20_000, 380_000, 400_001
    src = [np.arange(1, fans + 1), *(rng.integers(fans + 1, accounts, count) for count in (2_000_000, 8 * others))]
    dst = [np.zeros(fans, int), rng.integers(1, fans + 1, 2_000_000), rng.integers(fans + 1, accounts, 8 * others)]
    key = np.unique(np.concatenate(src) * accounts + np.concatenate(dst))
    key = key[key // accounts != key % accounts]
    graph = sensitivity.graph((key // accounts).astype(np.int32), (key % accounts).astype(np.int32), accounts)
    share = rng.random(len(key))
    return _best(lambda: paths.largest(graph, share, 0, 3, 11))


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
    """Writes the tables as nightly runs leave them: all days are pulled, and all but the last are counted, scored and
    published. Also makes the copies `accounts_known`, as the previous night leaves them."""
    warehouse.create_tables()
    all_days = [LAST_DAY - timedelta(days=days - 1 - n) for n in range(days)]
    for start in range(0, days, DAYS_A_WRITE):
        some = all_days[start : start + DAYS_A_WRITE]
        acts = {day: _acts(day) for day in some}
        covered = [_covered(day) for day in some]
        _append(warehouse, ACTIVITY, [acts[day] for day in some])
        _append(warehouse, ACCOUNTS, [_accounts(day) for day in some])
        _append(warehouse, COVERAGE, [_table(COVERAGE, covered)])
        scored = [day for day in some if day < LAST_DAY]
        _append(warehouse, ENGAGEMENT, [_engagement(acts[day]) for day in scored])
        people = [_people(day) for day in scored]
        for table in (INFLUENCE, SCORES):
            _append(warehouse, table, people)
        digests = digests_of_days(covered)
        for job in ("pull_activity", *COMMANDS):  # one file per job, as nightly runs write them
            job_runs = [_run(job, day, digests[day]) for day in some if day < LAST_DAY or job == "pull_activity"]
            _append(warehouse, RUNS, [_table(RUNS, job_runs)])
    for table in TABLES:
        warehouse.delta(table).create_checkpoint()
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), LAST_DAY - timedelta(days=31), run_id="bench")
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), LAST_DAY, run_id="bench")


def _append(warehouse: Warehouse, table: Contract, days: list[pa.Table]) -> None:
    rows = pa.concat_tables(days)
    bare = pa.schema([field.remove_metadata() for field in arrow.schema(table)])
    write_deltalake(warehouse.path(table), rows.cast(bare), mode="append")


def _table(table: Contract, records: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(records, schema=arrow.schema(table))


def _filled(table: Contract, count: int, columns: dict[str, Any]) -> pa.Table:
    """`count` rows of a contract. A list or an array is a column; a single value fills all rows; other columns are null."""
    schema = arrow.schema(table)
    arrays = []
    for field in schema:
        value = columns.get(field.name)
        is_rows = isinstance(value, list | np.ndarray)
        arrays.append(pa.array(value, field.type) if is_rows else pa.repeat(pa.scalar(value, field.type), count))
    return pa.table(arrays, schema=schema)


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
    return _filled(
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
    return _filled(ACCOUNTS, len(names), _place(day) | {"account_id": names, "handle": names, "is_bot": bots})


def _covered(day: date) -> dict[str, Any]:
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
    return _filled(SCORES, PEOPLE, plain | doubles | whole | {"person_id": ids, "handle": ids})


def _run(job: str, day: date, digest: str) -> dict[str, Any]:
    parameters = {"pull_activity": {"source": SOURCE}, "engagement": {"activity_digest": digest}}
    run = Run(job, day, Batch("bench", "bench"), parameters.get(job, {"methodology": official(day)}))
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1, hours=3)
    return run.row(runs.DONE) | {"started_at": at, "finished_at": at}


def table(figures: list[Figure]) -> Table:
    """A row per figure. A limit applies to the seconds on the long history, or to their ratio to the seconds on the short
    one."""
    shown = Table(title=f"what history costs: {SHORT} days and {LONG:,} days that end alike")
    for head in ("", f"{SHORT} days", f"{LONG:,} days", "ratio", "limit", " "):
        shown.add_column(head, justify="left" if not head.strip() else "right", overflow="fold")
    for figure in figures:
        ratio = figure.long / figure.short if figure.short and figure.long else None
        most_s, most = SECONDS.get(figure.what), RATIOS.get(figure.what)
        over = (most_s and figure.long and figure.long > most_s) or (most and ratio and ratio > most)
        shown.add_row(
            figure.what,
            *(_written(value, figure.unit) for value in (figure.short, figure.long)),
            f"{ratio:.2f}" if ratio else "",
            f"{most_s:g} s" if most_s else f"{most:g} times" if most else "",
            "over the limit" if over else "",
        )
    return shown


def _written(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:,.0f} {unit}" if unit == "files" else f"{value:.2f} {unit}"
