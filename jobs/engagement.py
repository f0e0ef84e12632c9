"""activity -> engagement: who acted on whose content, per day, with each act counted once however many reports it has.

Reads `activity` of one day, from all platforms and sources, and of the earlier days of its window that were pulled since they
were last counted. For a platform that several sources cover, it also reads the day before each of these days. It leaves out
acts of upheld `objections`, and replaces only the days of `engagement` that it counts: a day whose acts have expired
(`keep_activity_days`) keeps its count. It refuses acts of people who left. DuckDB counts few acts (`jobs.few_acts`), Spark many
(`jobs.many_acts`).
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from jobs import few_acts
from jobs.backends import duck
from jobs.days import ONE_DAY
from jobs.warehouse import counted, grain, leavers, objections, runs
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import LostRaceError, Warehouse
from jobs.warehouse.window import activity_digests, expired_days, shared_days, stale_days
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT

if TYPE_CHECKING:
    import pyarrow.dataset as ds
    from pyspark.sql import SparkSession

log = logging.getLogger(__name__)

JOB = runs.ENGAGEMENT
TRIES = 5  # attempts of one run while other runs commit counts of the same days


@dataclass(frozen=True, kw_only=True)
class Params:
    """`day` is always counted again, unless its activity has expired; earlier days, from `first_day` on, only if their count is
    stale."""

    day: date
    first_day: date


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
        if duck.counts(row_count):
            before = _reports_before(warehouse, days, found, shared)
            with few_acts.counted(reports, disputed, before) as counts:
                warehouse.replace(ENGAGEMENT, counts, place, run_id=batch.id, job=JOB)
            written = {day: warehouse.row_count(ENGAGEMENT, {"day": day}) for day in days}
        else:
            from jobs import many_acts

            counting_days = many_acts.Days(warehouse, found, days, shared, disputed, row_count)
            with many_acts.counted(session(), counting_days) as counts_by_spark:
                warehouse.replace_by_spark(ENGAGEMENT, counts_by_spark, place, run_id=batch.id, job=JOB)
            # Spark cannot enforce a unique grain, which `replace` checks. If this check fails, the run fails: the day stays
            # stale, and no score uses it.
            written = {day: grain.count(ENGAGEMENT, warehouse.reader(ENGAGEMENT, {"day": day})) for day in days}
        for item in counting:
            item.counts["rows"] = written[item.day]


def _shared(warehouse: Warehouse, days: Sequence[date], found: Snapshot) -> dict[str, list[date]]:
    """Platform -> those of its `shared_days` that are among these days; only platforms with such a day. The usual single source
    has none."""
    shared = shared_days(warehouse, days[0], days[-1], found.coverage)
    among = {platform: [day for day in days if day in theirs] for platform, theirs in sorted(shared.items())}
    return {platform: theirs for platform, theirs in among.items() if theirs}


def _reports_before(
    warehouse: Warehouse, days: list[date], found: Snapshot, shared: Mapping[str, list[date]]
) -> "ds.Dataset | None":
    """The activity of the day before each of the `shared` days of these platforms; only rows of pulls that count. Returns None
    if there is no such day."""
    if not shared:
        return None
    places = [
        (pc.field("platform") == platform) & pc.field("day").isin([day - ONE_DAY for day in theirs])
        for platform, theirs in shared.items()
    ]
    first, last = days[0] - ONE_DAY, days[-1] - ONE_DAY
    return counted.dataset(warehouse, ACTIVITY, found.activity, found.coverage, first, last).filter(reduce(or_, places))
