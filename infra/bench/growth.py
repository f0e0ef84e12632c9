"""Measures how time and memory grow with the pairs, from rows of `engagement` to published scores, on the simulation's graphs.

The warehouse holds the rows of `engagement`, `coverage` and `runs` that a pull and `clout engagement` would write for the same
days. The bench computes them from the simulation's arrays, without `activity` and without Spark, so that the largest warehouse
takes minutes, not hours. `accounts` holds every account once, on the first day; a pull would record on each day the accounts
that act.
"""

import json
import math
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import graphs
import grounds
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from measuring import Command
from pipeline import CLOUT, ENGAGEMENT_SQL
from records import Measured
from rich.table import Table

from jobs.sources import sample
from jobs.sources.sample_world import BLOCK_ACCOUNTS, MAX_SEEN, Crowd
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Partition, Warehouse, rows
from jobs.warehouse.window import activity_digests
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.coverage import COMPLETE, COVERAGE, EVERYONE
from schemas.engagement import ENGAGEMENT
from schemas.kinds import KINDS
from schemas.runs import RUNS
from schemas.table import Table as Contract

LAST_DAY = graphs.FIRST_DAY + timedelta(days=graphs.DAYS - 1)
COMMANDS = ("influence", "checks", "publish")
LIMITS = {"realistic-16M": (120, 10)}  # seconds of all commands, peak GB
SOURCE, RUN = "sample", "bench"  # the source that rows name, and the run that commits name

# Converts the arrays of a block to the rows of `activity` that a pull would write, but with numbers as ids of acts: this bench
# only compares them.
ACTIVITY_SQL = f"""
    create or replace temp view activity as
    select date '{{day}}' as day, '{{platform}}' as platform, printf('a%08d', actor) as actor_id,
        printf('a%08d', target) as target_id, post * {MAX_SEEN + 1} + act as activity_id,
        {[*KINDS]}[kind + 1] as kind
    from simulated
"""


@dataclass
class Figure:
    """One graph: seconds by command, and the highest peak memory of a command."""

    graph: str
    pairs: int = 0
    rows: int = 0
    people: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_gb: float = 0.0
    limit_s: float | None = None
    limit_gb: float | None = None
    engine: str = ""
    methodology: str = ""
    name: str = "growth"


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per graph of the simulation; skips other graphs."""
    for name in wanted:
        if name in graphs.PEOPLE:
            yield measure(name)


def measure(name: str) -> Figure:
    """Runs `COMMANDS` for the last day on a copy of the graph's warehouse, each in a process of its own. `clout influence` has
    recorded pairs, people and engine."""
    figure = Figure(name)
    figure.limit_s, figure.limit_gb = LIMITS.get(name, (None, None))
    kept = path(name)
    with TemporaryDirectory(dir=graphs.folder()) as copy:  # on the same disk, for hard links; no command changes a file
        shutil.copytree(kept, copy, copy_function=os.link, dirs_exist_ok=True)
        for command in COMMANDS:
            ran = Command(CLOUT, command, "--day", str(LAST_DAY), CLOUT_WAREHOUSE=copy)
            figure.seconds[command] = ran.seconds
            figure.peak_gb = max(figure.peak_gb, ran.peak_gb)
        warehouse = Warehouse(copy)
        figure.rows = warehouse.row_count(ENGAGEMENT, {})
        (run,) = warehouse.read(RUNS, where=pc.field("job") == "influence").to_pylist()
    counts, parameters = json.loads(run["counts"]), json.loads(run["parameters"])
    figure.pairs, figure.people = counts["pairs"], counts["people"]
    figure.engine, figure.methodology = run["engine"], parameters["methodology"]
    return figure


def path(name: str) -> Path:
    """The graph's warehouse. Makes it if it does not exist."""
    return graphs.made_once(
        f"{name}.warehouse", lambda half: make(Warehouse(str(half)), graphs.PEOPLE[name], graphs.DAYS)
    )


def make(warehouse: Warehouse, people: int, days: int) -> None:
    """Writes `engagement`, `coverage` and `runs` for the days, and `accounts` for the first day. Holds one block of authors in
    memory at a time."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    crowds = graphs.crowds(people)
    write_accounts(warehouse, crowds)
    with duckdb.connect() as db:
        for day in (graphs.FIRST_DAY + timedelta(days=number) for number in range(days)):
            reported: Counter[str] = Counter()
            write(warehouse, ENGAGEMENT, _engagement(db, crowds, day, reported), {"day": day})
            none = dict.fromkeys(("rejected_count", "unresolved_count", "ignored_count", "repeated_count"), 0)
            covered = [
                {
                    "day": day,
                    "platform": platform,
                    "source": SOURCE,
                    "status": COMPLETE,
                    "scope": EVERYONE,
                    "act_count": count,
                    "pull": RUN,
                    **none,
                }
                for platform, count in reported.items()
            ]
            write(warehouse, COVERAGE, rows(COVERAGE, covered).to_batches(), {"day": day})
    digests = activity_digests(warehouse, graphs.FIRST_DAY, day)
    counted = [Run("engagement", day, Batch("bench"), {"activity_digest": digest}) for day, digest in digests.items()]
    runs.write(warehouse, counted, runs.DONE)


def _engagement(
    db: duckdb.DuckDBPyConnection, crowds: list[Crowd], day: date, reported: Counter[str]
) -> Iterator[pa.RecordBatch]:
    """Yields a day's rows of `engagement`, block by block: all acts on a post are in its author's block. Adds to `reported`, by
    platform, the number of rows that `activity` would have."""
    for crowd in crowds:
        for first in crowd.blocks():
            acts = crowd.acts(day, first)
            reported[crowd.platform.name] += len(acts.kind)
            db.register("simulated", pa.table(acts._asdict()))
            db.execute(ACTIVITY_SQL.format(day=day, platform=crowd.platform.name))
            db.execute(ENGAGEMENT_SQL)
            yield from db.sql(f"select {', '.join(ENGAGEMENT.column_names)} from counted").to_arrow_reader()


def write_accounts(warehouse: Warehouse, crowds: Iterable[Crowd]) -> None:
    """Writes every account, as observed on the first day."""
    for crowd in crowds:
        partition = {"platform": crowd.platform.name, "day": graphs.FIRST_DAY, "source": SOURCE}
        write(warehouse, ACCOUNTS, _accounts(crowd, partition), partition)


def _accounts(crowd: Crowd, partition: Partition) -> Iterator[pa.RecordBatch]:
    for first in crowd.blocks():
        numbers = np.arange(first, min(first + BLOCK_ACCOUNTS, crowd.size))
        accounts = sample.accounts(crowd.profiles(numbers), graphs.FIRST_DAY, 1)
        columns = dict(zip(accounts.schema.names, accounts.columns, strict=True)) | {
            "pull": pa.repeat(pa.scalar(RUN), len(numbers))
        }
        columns |= {name: pa.repeat(pa.scalar(value), len(numbers)) for name, value in partition.items()}
        yield pa.record_batch([columns[name] for name in ACCOUNTS.column_names], names=list(ACCOUNTS.column_names))


def write(warehouse: Warehouse, table: Contract, batches: Iterable[pa.RecordBatch], partition: Partition) -> None:
    """Writes a partition of a table, as a pull would."""
    schema = arrow.schema(table)
    stream = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))
    warehouse.replace(table, stream, partition, run_id=RUN, job=RUN)


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields the seconds of all commands and their peak memory, of each graph."""
    for figure in figures:
        values = (
            ("from engagement to published scores", sum(figure.seconds.values()), "s", figure.limit_s),
            ("peak memory", figure.peak_gb, "GB", figure.limit_gb),
        )
        for what, value, unit, limit in values:
            yield Measured(name=figure.name, what=what, value=value, unit=unit, limit=limit, size=figure.pairs)


def table(figures: list[Figure]) -> Table:
    """A row per figure. If time or memory grows faster than the pairs, the cost per million pairs rises from row to row."""
    shown = Table(title="from engagement to published scores, on the simulation")
    took = (*(f"{command} s" for command in COMMANDS), "all s", "s/M pairs")
    for head in ("graph", "M pairs", "M rows", "people", *took, "peak GB", "GB/M pairs", "limit", ""):
        shown.add_column(head, justify="left" if head in ("graph", "") else "right", overflow="fold")
    for figure in figures:
        millions, whole = figure.pairs / 1e6, sum(figure.seconds.values())
        over = whole > (figure.limit_s or math.inf) or figure.peak_gb > (figure.limit_gb or math.inf)
        shown.add_row(
            figure.graph,
            f"{millions:.2f}",
            f"{figure.rows / 1e6:.2f}",
            f"{figure.people:,}",
            *(f"{seconds:.1f}" for seconds in (*figure.seconds.values(), whole)),
            f"{whole / millions:.1f}",
            f"{figure.peak_gb:.2f}",
            f"{figure.peak_gb / millions:.2f}",
            f"{figure.limit_s:g} s, {figure.limit_gb:g} GB" if figure.limit_s else "",
            "over the limit" if over else "",
        )
    return shown
