"""Ranks 100 million people in a heap of 1 GB, which cannot hold them: the only step of engine `spark` that compares everybody.

A process of its own makes the people by expressions, half of them without attention, and ranks them. Nothing is written.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import event_log
import graphs
from measuring import Command, Figure
from measuring import table as shown
from records import Measured, of_rows
from rich.table import Table

from jobs.session import settings_file

PEOPLE = 100_000_000
GROUP = "ranks"
MOST_GB = 2.5  # of the whole process, whose heap has 1 GB
MOST_PERCENT = 5  # of the tasks' time that the longest may take: with it, 20 cores are busy
# Spark would join small partitions until there is one for each core, and a cluster has many.
SETTINGS = """
spark.driver.memory                              1g
spark.sql.adaptive.coalescePartitions.enabled    false
spark.comet.enabled                              false
spark.eventLog.enabled                           true
spark.eventLog.compress                          false
spark.eventLog.rolling.enabled                   false
"""


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields the figures of this number of people."""
    (people,) = wanted
    with TemporaryDirectory(dir=graphs.folder()) as name:
        events, own = Path(name) / "events", Path(name) / "spark.conf"
        events.mkdir()
        where = f"spark.eventLog.dir {events.as_uri()}\nspark.local.dir {name}\n"
        own.write_text(settings_file().read_text(encoding="utf-8") + SETTINGS + where, encoding="utf-8")
        ran = Command(sys.executable, __file__, people, str(events), CLOUT_SPARK_SETTINGS=str(own))
    used = event_log.Used(**json.loads(ran.lines[-1][1]))
    yield Figure(f"{int(people):,} people ranked: processor time", ran.processor_s, "s")
    yield Figure("  peak memory", ran.peak_gb, "GB", MOST_GB)
    yield Figure("  shuffled", used.shuffled_bytes / 1e9, "GB")
    yield Figure("  spilled", used.spilled_bytes / 1e9, "GB")
    yield Figure("  tasks", used.tasks, "")
    yield Figure("  the longest task's share of their time", 100 * used.task_s / used.processor_s, "%", MOST_PERCENT)


def measure(people: int, events: Path) -> dict[str, Any]:
    """Ranks the people, and returns what the tasks used."""
    from pyspark.sql import functions as F

    from jobs import session, spark_partitions
    from jobs.score.ranks import ranked_sql

    spark = session.build()
    spark.sparkContext.setJobGroup(GROUP, GROUP)
    luck = F.pmod(F.xxhash64("number"), F.lit(1 << 30)).cast("double") / (1 << 30)
    # Attention as in real graphs: of each ten times more, one in ten has it.
    one = F.when(luck < 0.5, F.floor((1 << 30) / (0.5 - luck))).otherwise(0).cast("long")
    with spark_partitions.enough_for(spark, people):
        numbers = spark.range(people, numPartitions=spark_partitions.enough(spark, people)).toDF("number")
        sums = numbers.select(
            F.format_string("sample-birdsong:a%09d", "number").alias("id"),
            one.alias("one"),
            *(F.lit(0).cast("long").alias(name) for name in ("two", "three")),
        )
        ranked = spark.sql(ranked_sql("{sums}", people), sums=sums)
        ranked.write.format("noop").mode("overwrite").save()
    spark.stop()
    (log,) = events.iterdir()
    with log.open(encoding="utf-8") as lines:
        return asdict(event_log.read(lines, GROUP).steps[GROUP])


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields each figure."""
    return of_rows("ranks", figures)


def table(figures: list[Figure]) -> Table:
    """A row per figure."""
    return shown("ranks of people who fit no heap", figures)


if __name__ == "__main__":  # a process that ranks
    print(json.dumps(measure(int(sys.argv[1]), Path(sys.argv[2]))))
