"""activity -> engagement: who acted on whose content, per day, with each act counted once however many reports it has.

Reads `activity` of one day, from all platforms and sources, and of the earlier days of its window that were pulled since they
were last counted. For a platform that several sources cover, it also reads the day before each of these days. It leaves out
acts of upheld `objections`, and replaces only the days of `engagement` that it counts: a day whose acts have expired
(`keep_activity_days`) keeps its count. It refuses acts of people who left. `jobs.few_acts` counts small days without Spark.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from pyspark.sql import functions as F

from jobs import comet, few_acts
from jobs.days import ONE_DAY
from jobs.spark_partitions import enough_for
from jobs.spark_steps import step
from jobs.warehouse import counted, grain, leavers, objections, runs
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import LostRaceError, Warehouse
from jobs.warehouse.window import activity_digests, expired_days, shared_days, stale_days
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.kinds import KINDS, POST

if TYPE_CHECKING:
    import pyarrow.dataset as ds
    from pyspark.sql import Column, DataFrame, SparkSession

log = logging.getLogger(__name__)

JOB = runs.ENGAGEMENT
ACT = ("day", "platform", "actor_id", "target_id", "activity_id")  # columns that two reports of one act share
ACTS_OF_A_FILE = 5_000_000  # one task writes a file, in some 10 s
TRIES = 5  # attempts of one run while other runs commit counts of the same days


@dataclass(frozen=True, kw_only=True)
class Params:
    """`day` is always counted again, unless its activity has expired; earlier days, from `first_day` on, only if their count is
    stale."""

    day: date
    first_day: date


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


def run(session: "Callable[[], SparkSession]", warehouse: Warehouse, params: Params, batch: Batch) -> list[date]:
    """Counts the stale days and `day` in one commit, and returns the counted days. If another run that counts the same days
    commits first, its count stays, and this run counts only the days that are still stale. Raises `LostRaceError` after `TRIES`
    attempts, and `CloutError` like `leavers.refuse`."""
    for attempt in range(1, TRIES + 1):
        found = counted.snapshot(warehouse)
        disputed = objections.upheld(warehouse, params.first_day, params.day)
        digests = activity_digests(warehouse, params.first_day, params.day, found.coverage, disputed)
        days = stale_days(warehouse, digests, params.first_day, params.day)
        if attempt == 1 and params.day not in days and not expired_days(warehouse, [params.day]):
            days.append(params.day)
        try:
            _count(session, warehouse, days, found, digests, disputed, batch)
        except LostRaceError as lost:
            if attempt == TRIES:
                raise
            log.info("%s; looking again at what is left to count", lost)
            continue
        return days
    return []


def _count(
    session: "Callable[[], SparkSession]",
    warehouse: Warehouse,
    days: list[date],
    found: Snapshot,
    digests: Mapping[date, str],
    disputed: Sequence[objections.Row],
    batch: Batch,
) -> None:
    if not days:
        return
    reports = counted.dataset(warehouse, ACTIVITY, found.activity, found.coverage, days[0], days[-1])
    reports = reports.filter(pc.field("day").isin(days))
    leavers.refuse(warehouse, ACTIVITY, reports)
    inputs = {COVERAGE.name: found.coverage, ACTIVITY.name: found.activity}
    counting = [Run(JOB, day, batch, {"activity_digest": digests.get(day, "")}, inputs=dict(inputs)) for day in days]
    row_count = warehouse.row_count(ACTIVITY, {"day": tuple(days)}, found.activity)
    with runs.recorded_together(warehouse, counting):
        place = {"day": tuple(days)}
        shared = _shared(warehouse, days, found)
        if row_count <= few_acts.MOST:
            with few_acts.counted(reports, disputed, _reports_before(warehouse, days, found, shared)) as counts:
                warehouse.replace(ENGAGEMENT, counts, place, run_id=batch.id, job=JOB)
        else:
            spark = session()
            with comet.used_for(spark, row_count), step(spark, "count acts"), enough_for(spark, row_count):
                before = _day_before(spark, warehouse, days, found, shared)
                activity = _activity(spark, warehouse, found, days[0], days[-1]).where(F.col("day").isin(days))
                # Few files per day, because readers often read a window of days. Without this, each Spark partition would write
                # a small file for every day that it holds.
                files = F.lit(1 + row_count // (len(days) * ACTS_OF_A_FILE))
                by_spark = engagement(undisputed(activity, disputed), before)
                by_spark = by_spark.repartition("day", F.pmod(F.xxhash64("src"), files))
                warehouse.replace_by_spark(ENGAGEMENT, by_spark, place, run_id=batch.id, job=JOB)
        for item in counting:
            # Spark cannot enforce a unique grain. If this check fails, the run fails: the day stays stale, and no score uses
            # it.
            item.counts["rows"] = grain.count(ENGAGEMENT, warehouse.reader(ENGAGEMENT, {"day": item.day}))


def _activity(
    session: "SparkSession", warehouse: Warehouse, found: Snapshot, first_day: date, last_day: date
) -> "DataFrame":
    """The rows of `activity` of these days that count."""
    return counted.frame(session, warehouse, ACTIVITY, found.activity, found.coverage, first_day, last_day)


def _shared(warehouse: Warehouse, days: Sequence[date], found: Snapshot) -> dict[str, list[date]]:
    """Platform -> those of its `shared_days` that are among these days; only platforms with such a day. The usual single source
    has none."""
    shared = shared_days(warehouse, days[0], days[-1], found.coverage)
    among = {platform: [day for day in days if day in theirs] for platform, theirs in sorted(shared.items())}
    return {platform: theirs for platform, theirs in among.items() if theirs}


def _day_before(
    session: "SparkSession", warehouse: Warehouse, days: list[date], found: Snapshot, shared: Mapping[str, list[date]]
) -> "DataFrame | None":
    """The activity of the day before each of the `shared` days of these platforms; only rows of pulls that count. Returns None
    if there is no such day."""
    if not shared:
        return None
    places = [
        (F.col("platform") == platform) & F.col("day").isin([day - ONE_DAY for day in theirs])
        for platform, theirs in shared.items()
    ]
    return _activity(session, warehouse, found, days[0] - ONE_DAY, days[-1] - ONE_DAY).where(reduce(or_, places))


def _reports_before(
    warehouse: Warehouse, days: list[date], found: Snapshot, shared: Mapping[str, list[date]]
) -> "ds.Dataset | None":
    """Like `_day_before`, for DuckDB."""
    if not shared:
        return None
    places = [
        (pc.field("platform") == platform) & pc.field("day").isin([day - ONE_DAY for day in theirs])
        for platform, theirs in shared.items()
    ]
    first, last = days[0] - ONE_DAY, days[-1] - ONE_DAY
    return counted.dataset(warehouse, ACTIVITY, found.activity, found.coverage, first, last).filter(reduce(or_, places))
