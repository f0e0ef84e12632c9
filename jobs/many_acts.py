"""Counts the acts of days of any size with Spark. The rows are those of `jobs.few_acts`, because counts are whole numbers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from jobs import comet
from jobs.days import ONE_DAY
from jobs.spark_partitions import enough_for
from jobs.spark_steps import step
from jobs.warehouse import counted as counted_rows
from jobs.warehouse import objections
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.kinds import KINDS, POST

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

ACT = ("day", "platform", "actor_id", "target_id", "activity_id")  # columns that two reports of one act share
ACTS_OF_A_FILE = 5_000_000  # one task writes a file, in some 10 s


@dataclass(frozen=True)
class Days:
    """The ascending days to count, with what `jobs.engagement` knows of them: the table versions, the days on which several
    sources cover a platform, the acts that do not count, and the number of reports."""

    warehouse: Warehouse
    found: Snapshot
    days: Sequence[date]
    shared: Mapping[str, Sequence[date]]
    disputed: Sequence[objections.Row]
    row_count: int

    def activity(self, session: "SparkSession", first_day: date, last_day: date) -> "DataFrame":
        """The rows of `activity` of these days that count."""
        now = self.found
        return counted_rows.frame(session, self.warehouse, ACTIVITY, now.activity, now.coverage, first_day, last_day)


def person_id(account: str) -> "Column":
    """`platform:account_id`: a person is an account until accounts are linked."""
    return F.concat_ws(":", F.col("platform"), F.col(account))


def engagement(activity: "DataFrame", before: "DataFrame | None" = None) -> "DataFrame":
    """One row per (day, src, dst, platform, kind), with `act_count`: the number of distinct acts of `src` on content of `dst`.

    A platform's reports with the same day, actor, target and activity_id are one act, whichever source sends them. The act
    counts as its most specific kind. Acts on oneself are dropped; `post` is kept, with src = dst. `before` holds `activity` of
    the days before these. Its acts are not counted: `first_reports` uses it to drop acts that were already reported the day
    before.
    """
    if before is not None:
        activity = first_reports(activity, before)
    kinds, is_post = F.array(*map(F.lit, KINDS)), F.col("kind") == POST  # in order of specificity
    acts = (
        activity.where(is_post | (F.col("actor_id") != F.col("target_id")))
        .withColumn("target_id", F.when(is_post, F.col("actor_id")).otherwise(F.col("target_id")))
        .select(*ACT, F.array_position(kinds, F.col("kind")).cast("byte").alias("place"))
        # One exchange serves both groupings, because both keep an actor's rows of a day together.
        .repartition("day", "platform", "actor_id")
        .groupBy(*ACT)
        .agg(F.min("place").alias("place"))
    )
    # Names and kinds are texts only after the counting, because shorter keys are cheaper to group.
    return (
        acts.groupBy("day", "platform", "actor_id", "target_id", "place")
        .agg(F.count("*").alias("act_count"))
        .select(
            "day",
            person_id("actor_id").alias("src"),
            person_id("target_id").alias("dst"),
            "platform",
            F.element_at(kinds, F.col("place").cast("int")).alias("kind"),
            "act_count",
        )
    )


def undisputed(activity: "DataFrame", disputed: Sequence[objections.Row]) -> "DataFrame":
    """The rows of `activity` without acts of upheld objections."""
    for act in disputed:
        ends = (F.col(end) == act[name].partition(":")[2] for end, name in (("actor_id", "src"), ("target_id", "dst")))
        named = (F.col(name) == act[name] for name in ("day", "platform", "activity_id"))
        activity = activity.where(~reduce(and_, (*named, *ends)))
    return activity


def first_reports(activity: "DataFrame", before: "DataFrame") -> "DataFrame":
    """The rows of `activity` without acts that were already reported the day before. If several sources report an act over the
    two days, their clocks differ and it is one act, so its second day is dropped. If one source alone reports an act on both
    days, it is two acts, and both are kept."""
    reports = [
        activity.select(*ACT, "source", F.lit(False).alias("is_before")),
        before.select(F.date_add("day", 1).alias("day"), *ACT[1:], "source", F.lit(True).alias("is_before")),
    ]
    again = (
        reports[0]
        .unionByName(reports[1])
        .groupBy(*ACT)
        .agg(F.bool_or("is_before").alias("is_again"), F.min("source").alias("one"), F.max("source").alias("other"))
        .where(F.col("is_again") & (F.col("one") < F.col("other")))
    )
    return activity.join(again, list(ACT), "left_anti")


@contextmanager
def counted(session: "SparkSession", of: Days) -> Iterator["DataFrame"]:
    """The rows of `engagement` of the days. Write them inside the block."""
    rows = of.row_count
    with comet.used_for(session, rows), step(session, "count acts"), enough_for(session, rows):
        activity = of.activity(session, of.days[0], of.days[-1]).where(F.col("day").isin(list(of.days)))
        counts = engagement(undisputed(activity, of.disputed), _day_before(session, of))
        # Few files per day, because readers often read a window of days. Without this, each Spark partition would write a small
        # file for every day that it holds.
        files = F.lit(1 + rows // (len(of.days) * ACTS_OF_A_FILE))
        yield counts.repartition("day", F.pmod(F.xxhash64("src"), files))


def _day_before(session: "SparkSession", of: Days) -> "DataFrame | None":
    """The activity of the day before each of the shared days of each platform; only rows of pulls that count. Returns None if
    there is no such day."""
    if not of.shared:
        return None
    places = [
        (F.col("platform") == platform) & F.col("day").isin([day - ONE_DAY for day in theirs])
        for platform, theirs in of.shared.items()
    ]
    return of.activity(session, of.days[0] - ONE_DAY, of.days[-1] - ONE_DAY).where(reduce(or_, places))
