"""Times `engagement` of 10 and 50 million acts with Comet and without, beside one query of DuckDB on the same files.

Each measurement has a process of its own, which counts twice: cold and warm. The process with Comet then lists what the plans
of `engagement` and `influence` leave to the JVM, and why, and for how many random arguments a function has other bits than in
the JVM.
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

PEOPLE = graphs.PEOPLE["realistic-16M"]  # who act 2.5 million times a day
MILLIONS = {"10": 4, "50": 20}  # of acts -> days
LIMITS = 2.2, 1.5  # times DuckDB's seconds, times DuckDB's memory
ARGUMENTS, SLICE = 10_000_000, 1_000_000
WAYS = ("comet", "spark", "duckdb")


@dataclass
class Figure:
    """One size: cold and warm seconds and peak memory of each way, and what Comet leaves to the JVM."""

    name: str
    acts: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    peak_gb: dict[str, float] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per size, which is a key of `MILLIONS`."""
    for size in wanted:
        figure = Figure(f"{size} million acts")
        kept = path(MILLIONS[size])
        for way in WAYS:
            with TemporaryDirectory(dir=graphs.folder()) as folder:
                ran = Command(
                    sys.executable, __file__, way, str(kept), folder, CLOUT_SPARK_SETTINGS=_settings(way, folder)
                )
            figure.peak_gb[way] = ran.peak_gb
            found = [line.partition(" ") for _, line in ran.lines]
            figure.seconds[way] = [float(value) for name, _, value in found if name == "seconds"]
            (figure.rows[way],) = {int(value) for name, _, value in found if name == "rows"}
            figure.acts = next((int(value) for name, _, value in found if name == "acts"), figure.acts)
            figure.left += [value for name, _, value in found if name == "left"]
            figure.differing += [value for name, _, value in found if name == "differing"]
        yield figure


def _settings(way: str, folder: str) -> str:
    """The settings file of a way."""
    own = Path(folder) / "spark.conf"
    text = settings_file().read_text(encoding="utf-8")
    own.write_text(text + (f"\n{comet.ENABLED} false\n" if way != "comet" else ""), encoding="utf-8")
    return str(own)


def path(days: int) -> Path:
    """A warehouse with `activity` of these days. Makes it if it does not exist."""
    kept = graphs.folder() / f"acts-{days}.warehouse"
    if not kept.exists():
        half = graphs.folder() / f"acts-{days}.half.warehouse"
        shutil.rmtree(half, ignore_errors=True)  # from an interrupted bench
        make(Warehouse(str(half)), [graphs.FIRST_DAY + timedelta(days=number) for number in range(days)])
        half.rename(kept)
    return kept


def make(warehouse: Warehouse, days: Sequence[date]) -> None:
    """Writes `activity` and `coverage` of the days. Holds one page in memory at a time."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    source = sample.SampleSource(growth.SOURCE, [f"people={PEOPLE},seed=1"])
    none = dict.fromkeys(("rejected_count", "unresolved_count", "ignored_count", "repeated_count"), 0)
    for day in days:
        counts: Counter[str] = Counter()
        batches: dict[str, list[pa.RecordBatch]] = {}
        for page in source.pages(day, day):
            counts[page.platform] += len(page.acts)
            batches.setdefault(page.platform, []).append(page.acts)
        for platform, acts in batches.items():
            partition = {"platform": platform, "day": day, "source": growth.SOURCE}
            growth._write(warehouse, ACTIVITY, (_activity(batch, partition) for batch in acts), partition)
        complete = {"day": day, "source": growth.SOURCE, "status": COMPLETE, "scope": EVERYONE, "pull": growth.RUN}
        covered = [complete | none | {"platform": name, "act_count": count} for name, count in counts.items()]
        growth._write(warehouse, COVERAGE, rows(COVERAGE, covered).to_batches(), {"day": day})


def _activity(acts: pa.RecordBatch, partition: growth.Partition) -> pa.RecordBatch:
    given = partition | {"pull": growth.RUN}
    columns = {name: acts[name] for name in acts.schema.names} | {
        name: pa.repeat(pa.scalar(value), len(acts)) for name, value in given.items()
    }
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


def by_spark(kept: str, folder: str) -> None:
    """Counts all days by the job, and prints what its plans leave to the JVM."""
    from jobs import engagement, influence
    from jobs.session import build
    from jobs.warehouse.runs import Batch
    from schemas.methodology import load
    from schemas.versions import official

    session = build()
    for turn in range(2):
        copy = shutil.copytree(kept, f"{folder}/{turn}", copy_function=os.link)
        warehouse = Warehouse(str(copy))
        days = sorted({date.fromisoformat(partition["day"]) for partition in warehouse.partitions(ACTIVITY)})
        params = engagement.Params(day=days[-1], first_day=days[0])
        began = time.monotonic()
        engagement.run(session, warehouse, params, Batch("bench"))
        print("seconds", time.monotonic() - began, flush=True)
    print("rows", warehouse.row_count(ENGAGEMENT, {}), flush=True)
    acts = warehouse.row_count(ACTIVITY, {})
    print("acts", acts, flush=True)
    if session.conf.get(comet.VERSION, None):
        for function, count in compared(session, Path(folder)).items():
            print("differing", f"{function}: {count} of {ARGUMENTS:,} arguments", flush=True)
        with comet.used_for(session, acts):
            for reason in left(engagement.engagement(warehouse.frame(session, ACTIVITY)).repartition("day")):
                print("left", "engagement:", reason, flush=True)
            scoring = influence.Params(day=days[-1], methodology=load(official(days[-1])))
            found = influence.read(session, warehouse, scoring)
            spread = influence.window_attention(found, scoring)
            sums = spread.selectExpr("dst as id", "a as one", "a as two", "a as three")
            for reason in left(influence.everybody(found, sums, spread, None, scoring)):
                print("left", "influence:", reason, flush=True)


def compared(session: "SparkSession", folder: Path) -> Counter[str]:
    """Function -> how many of `ARGUMENTS` random arguments Comet has other bits for than the JVM."""
    import bits

    found: Counter[str] = Counter()
    for seed in range(ARGUMENTS // SLICE):
        found.update(bits.differing(session, folder, SLICE, seed))
    return found


def left(frame: "DataFrame") -> list[str]:
    """Why Comet leaves parts of the frame's plan to the JVM."""
    jvm = frame.sparkSession.sparkContext._jvm
    reasons = jvm.org.apache.comet.ExtendedExplainInfo().getFallbackReasons(frame._jdf.queryExecution().executedPlan())
    return [reasons.apply(number) for number in range(reasons.length())]


def table(figures: list[Figure]) -> Table:
    """A row per size and way. Ratios are to DuckDB, of warm seconds and of peak memory."""
    shown = Table(title="engagement, from Parquet to Parquet")
    for head in ("acts", "by", "rows", "cold s", "warm s", "to DuckDB", "peak GB", "to DuckDB", "limit", ""):
        shown.add_column(head, justify="left" if head in ("by", "") else "right", overflow="fold")
    for figure in figures:
        for way in WAYS:
            cold, warm = figure.seconds[way]
            time_ratio, memory_ratio = (
                warm / figure.seconds["duckdb"][1],
                figure.peak_gb[way] / figure.peak_gb["duckdb"],
            )
            over = way == "comet" and (time_ratio > LIMITS[0] or memory_ratio > LIMITS[1])
            wrong = figure.rows[way] != figure.rows["duckdb"]
            shown.add_row(
                f"{figure.acts:,}",
                way,
                f"{figure.rows[way]:,}",
                *(f"{value:.1f}" for value in (cold, warm, time_ratio)),
                *(f"{value:.2f}" for value in (figure.peak_gb[way], memory_ratio)),
                "{}, {}".format(*LIMITS) if way == "comet" else "",
                "other rows" if wrong else "over the limit" if over else "",
            )
    for reason in dict.fromkeys(reason for figure in figures for reason in figure.left):
        shown.add_row("", "left to the JVM", *[""] * 7, reason)
    for function in dict.fromkeys(function for figure in figures for function in figure.differing):
        shown.add_row("", "differs from the JVM", *[""] * 7, function)
    return shown


if __name__ == "__main__":
    way, kept, folder = sys.argv[1:]
    by_duckdb(Warehouse(kept), folder) if way == "duckdb" else by_spark(kept, folder)
