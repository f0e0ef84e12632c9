"""Times `engagement` of 10 and 50 million acts as it is, and by Spark with Comet and without, beside one query of DuckDB on the
same files.

Each measurement has a process of its own, which counts twice: cold and warm. A further process lists what the plans of
`engagement` and `influence` leave to the JVM, and why, and for how many random arguments a function has other bits than in the
JVM.
"""

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb
import graphs
import grounds
import growth
import pyarrow as pa
from measuring import Command
from pipeline import ENGAGEMENT_SQL
from records import Measured
from rich.table import Table

from jobs import comet
from jobs.session import settings_file
from jobs.sources import sample
from jobs.warehouse.storage import Warehouse, rows
from schemas.activity import ACTIVITY
from schemas.coverage import COMPLETE, COVERAGE, EVERYONE
from schemas.engagement import ENGAGEMENT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PEOPLE = graphs.PEOPLE["realistic-16M"]  # who act 2 million times a day
MILLIONS = {"10": 5, "50": 25}  # of acts -> days
LIMITS = 2.2, 1.5  # times DuckDB's seconds, times DuckDB's memory
ARGUMENTS, SLICE = 10_000_000, 1_000_000
WAYS = ("clout", "comet", "spark", "duckdb")
CHECK = "check"  # the process that counts nothing


@dataclass
class Figure:
    """One size. By way: cold and warm seconds, processor time and peak memory of the process, rows of `engagement`. `left`:
    what Comet leaves to the JVM. `differing`: functions with the number of arguments for which their bits differ."""

    name: str
    acts: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    processor_s: dict[str, float] = field(default_factory=dict)
    peak_gb: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per size, which is a key of `MILLIONS`. Only the first has `left` and `differing`."""
    for size in wanted:
        figure = Figure(f"{size} million acts")
        kept = path(MILLIONS[size])
        for way in WAYS:
            ran = _process(way, kept)
            figure.seconds[way] = [float(value) for value in _said(ran, "seconds")]
            figure.processor_s[way], figure.peak_gb[way] = ran.processor_s, ran.peak_gb
            figure.rows[way] = int(_said(ran, "rows")[-1])
        figure.acts = Warehouse(str(kept)).row_count(ACTIVITY, {})
        if size == wanted[0]:
            ran = _process(CHECK, kept)
            figure.left, figure.differing = _said(ran, "left"), _said(ran, "differing")
        yield figure


def _process(way: str, kept: Path) -> Command:
    """Runs this file for a way, on a copy of the warehouse."""
    with TemporaryDirectory(dir=graphs.folder()) as folder:  # on the same disk, for hard links
        own = Path(folder) / "spark.conf"
        text = settings_file().read_text(encoding="utf-8")
        own.write_text(text + (f"\n{comet.ENABLED} false\n" if way == "spark" else ""), encoding="utf-8")
        return Command(sys.executable, __file__, way, str(kept), folder, CLOUT_SPARK_SETTINGS=str(own))


def _said(ran: Command, name: str) -> list[str]:
    """What the process printed after this name, line by line."""
    return [line.removeprefix(f"{name} ") for _, line in ran.lines if line.startswith(f"{name} ")]


def path(days: int) -> Path:
    """A warehouse with `activity` of these days. Makes it if it does not exist."""
    return graphs.made_once(f"acts-{days}.warehouse", lambda half: make(Warehouse(str(half)), PEOPLE, days))


def make(warehouse: Warehouse, people: int, days: int) -> None:
    """Writes `activity` and `coverage` of these people for the days. Holds one day in memory at a time."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    source = sample.SampleSource(growth.SOURCE, [f"people={people},seed=1"])
    none = dict.fromkeys(("rejected_count", "unresolved_count", "ignored_count", "repeated_count"), 0)
    for day in (graphs.FIRST_DAY + timedelta(days=number) for number in range(days)):
        batches: dict[str, list[pa.RecordBatch]] = {}
        for page in source.pages(day, day):
            batches.setdefault(page.platform, []).append(page.acts)
        for platform, acts in batches.items():
            partition = {"platform": platform, "day": day, "source": growth.SOURCE}
            growth.write(warehouse, ACTIVITY, (_activity(batch, partition) for batch in acts), partition)
        complete = {"day": day, "source": growth.SOURCE, "status": COMPLETE, "scope": EVERYONE, "pull": growth.RUN}
        counts = {platform: sum(map(len, acts)) for platform, acts in batches.items()}
        covered = [complete | none | {"platform": name, "act_count": count} for name, count in counts.items()]
        growth.write(warehouse, COVERAGE, rows(COVERAGE, covered).to_batches(), {"day": day})


def _activity(acts: pa.RecordBatch, partition: growth.Partition) -> pa.RecordBatch:
    columns = {name: acts[name] for name in acts.schema.names}
    columns |= {name: pa.repeat(pa.scalar(value), len(acts)) for name, value in partition.items()}
    columns["pull"] = pa.repeat(pa.scalar(growth.RUN), len(acts))
    columns["occurred_at"] = acts["occurred_at"].cast(pa.timestamp("us", tz="UTC"))
    columns["observed_at"] = pa.nulls(len(acts), pa.timestamp("us", tz="UTC"))
    return pa.record_batch([columns[name] for name in ACTIVITY.column_names], names=list(ACTIVITY.column_names))


def by_duckdb(warehouse: Warehouse, folder: str) -> None:
    """Counts all days by one query, and writes the rows as Parquet."""
    files = warehouse.delta(ACTIVITY).file_uris()
    for turn in range(2):
        with duckdb.connect(config={"threads": os.cpu_count() or 1}) as db:
            began = time.monotonic()
            db.read_parquet(files, hive_partitioning=True).create_view("activity")
            db.execute(ENGAGEMENT_SQL)
            db.execute(f"copy counted to '{folder}/{turn}' (format parquet, partition_by (day), compression zstd)")
            print("seconds", time.monotonic() - began, flush=True)
            print("rows", *db.sql("select count(*) from counted").fetchall()[0], flush=True)


def by_job(kept: str, folder: str, turns: int = 2) -> tuple[Warehouse, list[date]]:
    """Counts all days by the job, each time in a copy of the warehouse. Returns the last copy and the days."""
    from jobs import engagement
    from jobs.session import on_demand
    from jobs.warehouse.runs import Batch

    session = on_demand(sys.maxsize)
    for turn in range(turns):
        warehouse = Warehouse(str(shutil.copytree(kept, f"{folder}/{turn}", copy_function=os.link)))
        days = sorted({date.fromisoformat(partition["day"]) for partition in warehouse.partitions(ACTIVITY)})
        params = engagement.Params(day=days[-1], first_day=days[0])
        began = time.monotonic()
        engagement.run(session, warehouse, params, Batch("bench"))
        print("seconds", time.monotonic() - began, flush=True)
    print("rows", warehouse.row_count(ENGAGEMENT, {}), flush=True)
    return warehouse, days


def by_spark(kept: str, folder: str, turns: int = 2) -> tuple["SparkSession", Warehouse, list[date]]:
    """As `by_job`, but also acts that DuckDB would count. Returns the session, too."""
    from jobs.backends import duck
    from jobs.session import build

    duck.LEAST_BYTES = sys.maxsize
    session = build()
    return session, *by_job(kept, folder, turns)


def check(kept: str, folder: str) -> None:
    """Prints what the plans of both jobs leave to the JVM, and which functions have other bits than in the JVM."""
    import bits

    from jobs import influence, many_acts, monthly_weights, score_inputs
    from jobs.backends.spark import in_spark
    from jobs.warehouse.window import counted_window
    from schemas.methodology import load
    from schemas.versions import official

    session, warehouse, days = by_spark(kept, folder, turns=1)
    if not comet.is_loaded(session):
        return
    differing: Counter[str] = Counter()
    for seed in range(ARGUMENTS // SLICE):
        differing.update(bits.differing(session, Path(folder), SLICE, seed))
    for function, count in differing.items():
        print("differing", f"{function}: {count} of {ARGUMENTS:,}", flush=True)
    window = counted_window(warehouse, days[-1], load(official(days[-1])))
    found = score_inputs.read(warehouse, window, monthly_weights.matching(warehouse, window))
    with in_spark(session, found.row_count) as backend:
        counts = many_acts.engagement(warehouse.frame(session, ACTIVITY)).repartition("day")
        spread = found.spread(backend).unpersist()  # of kept rows, the plan would not say how they are made
        reasons = {"engagement": left(session, counts), "attention": left(session, spread)}
        backend.kept(spread)
        sums = spread.selectExpr("dst as id", "a as one", "a as two", "a as three")  # of the types of an engine's
        reasons["influence"] = left(session, influence.everybody(backend, found, sums, spread, None))
    for part, lines in reasons.items():
        for line in lines or ["nothing"]:
            print("left", f"{part}: {line}", flush=True)


def left(session: "SparkSession", frame: "DataFrame") -> list[str]:
    """Why Comet leaves parts of the frame's plan to the JVM."""
    if session._jvm is None:
        return []
    plan = frame._jdf.queryExecution().executedPlan()
    reasons = session._jvm.org.apache.comet.ExtendedExplainInfo().getFallbackReasons(plan)
    return [reasons.apply(number) for number in range(reasons.length())]


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields the warm seconds and the peak memory of the job, beside those of Spark and of DuckDB. The limits are multiples of
    DuckDB's values."""
    peers = [way for way in WAYS if way != "clout"]
    for figure in figures:
        warm = {way: seconds[1] for way, seconds in figure.seconds.items()}
        for what, values, unit, times in (
            ("engagement", warm, "s", LIMITS[0]),
            ("peak memory of engagement", figure.peak_gb, "GB", LIMITS[1]),
        ):
            yield Measured(
                name="acts",
                what=f"{what}, {figure.name}",
                value=values["clout"],
                unit=unit,
                limit=times * values["duckdb"],
                peers={way: values[way] for way in peers},
            )


def table(figures: list[Figure]) -> Table:
    """A row per size and way. Ratios are to DuckDB, of warm seconds and of peak memory."""
    shown = Table(title="engagement, from Parquet to Parquet")
    heads = ("acts", "by", "rows", "cold s", "warm s", "to DuckDB", "processor s", "peak GB", "to DuckDB", "limit", "")
    for head in heads:
        shown.add_column(head, justify="left" if head in ("by", "") else "right", overflow="fold")
    for figure in figures:
        for way in WAYS:
            cold, warm = figure.seconds[way]
            time_ratio, memory_ratio = (
                warm / figure.seconds["duckdb"][1],
                figure.peak_gb[way] / figure.peak_gb["duckdb"],
            )
            over = way == "clout" and (time_ratio > LIMITS[0] or memory_ratio > LIMITS[1])
            shown.add_row(
                f"{figure.acts:,}",
                way,
                f"{figure.rows[way]:,}",
                *(f"{value:.1f}" for value in (cold, warm, time_ratio, figure.processor_s[way])),
                *(f"{value:.2f}" for value in (figure.peak_gb[way], memory_ratio)),
                "{}, {}".format(*LIMITS) if way == "clout" else "",
                "other rows" if figure.rows[way] != figure.rows["duckdb"] else "over the limit" if over else "",
            )
        for what, lines in (("left to the JVM", figure.left), ("other bits than the JVM's", figure.differing)):
            for line in lines:
                shown.add_row("", what, *[""] * (len(heads) - 3), line)
    return shown


if __name__ == "__main__":
    way, kept, folder = sys.argv[1:]
    if way == "duckdb":
        by_duckdb(Warehouse(kept), folder)
    elif way == CHECK:
        check(kept, folder)
    elif way == "clout":
        by_job(kept, folder)
    else:
        by_spark(kept, folder)
