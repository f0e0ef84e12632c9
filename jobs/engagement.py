"""activity -> engagement: who acted on whose content, per day, one human act counted once.

Reads `activity` (all platforms and sources) of one day and of the earlier days of its window that are not counted as they
were last pulled, and of the day before each where a platform has several sources; replaces those days of `engagement` and
nothing else.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from jobs.days import ONE_DAY
from jobs.warehouse import counted, grain, runs
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import LostRaceError, Warehouse
from jobs.warehouse.window import activity_digests, shared_days, stale_days
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.kinds import INTERACTIONS, POST

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

log = logging.getLogger(__name__)

JOB = runs.ENGAGEMENT
ACT = ("day", "platform", "actor_id", "target_id", "activity_id")  # what two reports of one act have in common
TRIES = 5  # of a run that shares its window with others that count it at the same time


@dataclass(frozen=True, kw_only=True)
class Params:
    """`day` is counted again in any case; the days from `first_day` on where they are not counted as they are now."""

    day: date
    first_day: date


def person_id(account: str) -> "Column":
    """`platform:account_id`: a person is an account until accounts are linked."""
    return F.concat_ws(":", F.col("platform"), F.col(account))


def engagement(activity: "DataFrame", before: "DataFrame | None" = None) -> "DataFrame":
    """One row per (day, src, dst, platform, kind): distinct acts of `src` on content of `dst`.

    Reports of one platform with the same actor, target and activity_id are one act, whichever source brings them; it counts
    as its most specific kind. Acts on oneself are dropped; `post` is kept, with src = dst. `before` holds rows of the days
    before these, which are not counted: acts that they and a day share are left out of it as `first_reports` says.
    """
    if before is not None:
        activity = first_reports(activity, before)
    kinds = F.array(*map(F.lit, INTERACTIONS))  # in order of specificity
    acts = (
        activity.where((F.col("kind") != POST) & (F.col("actor_id") != F.col("target_id")))
        .groupBy(*ACT)
        .agg(F.element_at(kinds, F.min(F.array_position(kinds, F.col("kind"))).cast("int")).alias("kind"))
    )
    posts = (
        activity.where(F.col("kind") == POST)
        .select("day", "platform", "actor_id", F.col("actor_id").alias("target_id"), "activity_id", "kind")
        .distinct()
    )
    return (
        acts.unionByName(posts)
        .select("day", person_id("actor_id").alias("src"), person_id("target_id").alias("dst"), "platform", "kind")
        .groupBy("day", "src", "dst", "platform", "kind")
        .agg(F.count("*").alias("act_count"))
    )


def first_reports(activity: "DataFrame", before: "DataFrame") -> "DataFrame":
    """The rows of `activity` but those of acts that were reported on the day before as well and, over both days, by more than
    one source: clocks of sources differ, so these are one act. What one source alone reports on two days are two."""
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


def run(session: "SparkSession", warehouse: Warehouse, params: Params, batch: Batch) -> list[date]:
    """Counts the days that need it, in one commit, and returns them. Where another run counts the same days at the same
    time, what it counted stands and only the rest is counted here."""
    for attempt in range(1, TRIES + 1):
        found = counted.snapshot(warehouse)
        digests = activity_digests(warehouse, params.first_day, params.day, found.coverage)
        stale = stale_days(warehouse, digests, params.first_day, params.day)
        days = sorted({*stale, params.day} if attempt == 1 else stale)
        try:
            _count(session, warehouse, days, found, digests, batch)
        except LostRaceError as lost:
            if attempt == TRIES:
                raise
            log.info("%s; looking again at what is left to count", lost)
            continue
        return days
    return []


def _count(
    session: "SparkSession",
    warehouse: Warehouse,
    days: list[date],
    found: Snapshot,
    digests: Mapping[date, str],
    batch: Batch,
) -> None:
    if not days:
        return
    inputs = {COVERAGE.name: found.coverage, ACTIVITY.name: found.activity}
    counting = [Run(JOB, day, batch, {"activity_digest": digests.get(day, "")}, inputs=dict(inputs)) for day in days]
    with runs.recorded_together(warehouse, counting):
        activity = counted.frame(session, warehouse, ACTIVITY, found.activity, found.coverage, days[0], days[-1])
        # One file a day: a window of days is read often, and a Spark partition holds many days of a small platform.
        before = _day_before(session, warehouse, days, found)
        counts = engagement(activity.where(F.col("day").isin(days)), before).repartition("day")
        warehouse.replace_by_spark(ENGAGEMENT, counts, {"day": tuple(days)}, run_id=batch.id, job=JOB)
        for item in counting:
            # Spark has no constraint for it. Where this fails the day is not counted, so no score is made from it.
            item.counts["rows"] = grain.count(ENGAGEMENT, warehouse.reader(ENGAGEMENT, {"day": item.day}))


def _day_before(session: "SparkSession", warehouse: Warehouse, days: list[date], found: Snapshot) -> "DataFrame | None":
    """The activity that counts of the day before each of these, of platforms that several sources cover; None if there is no
    such platform, so that one source alone costs nothing."""
    shared = shared_days(warehouse, days[0], days[-1], found.coverage)
    places = [
        (F.col("platform") == platform) & F.col("day").isin([day - ONE_DAY for day in shared_of if day in days])
        for platform, shared_of in sorted(shared.items())
        if shared_of & set(days)
    ]
    if not places:
        return None
    first, last = days[0] - ONE_DAY, days[-1] - ONE_DAY
    activity = counted.frame(session, warehouse, ACTIVITY, found.activity, found.coverage, first, last)
    return activity.where(reduce(or_, places))
