"""engagement -> influence: how much attention each person holds at the end of a day, and its parts.

Reads the window's days of `engagement`, `coverage`, the newest `accounts`, `links` and `objections`; replaces only
(methodology, day) of `influence` and, if people have several accounts, of `influence_by_account`.
README's "How a score is made" has the equations. An engine (`jobs.engines`) sums the attention that arrives in each step;
everything else is Spark SQL here.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from pyspark import StorageLevel
from pyspark.sql import functions as F

from jobs import comet, spark_partitions
from jobs.engines import AUTO, choice
from jobs.errors import CloutError
from jobs.night_settings import nights
from jobs.score import attention, linked, measures
from jobs.score.attention import real
from jobs.score.ranks import ranked
from jobs.spark_steps import step
from jobs.warehouse import counted, digests, known_accounts, leavers, links, methodologies, runs
from jobs.warehouse.commits import Span
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.known_accounts import Known
from jobs.warehouse.links import People, Versions
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import (
    activity_digests,
    covered_days,
    days_between,
    stale_days,
    uncovered_days,
)
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.kinds import POST, SIMULATED_PREFIX
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

JOB = runs.INFLUENCE

# If a window's engagement has at most this many rows, its people (fewer than twice as many) are sent to every task that reads
# accounts: some 200 MB. Otherwise, Spark shuffles and sorts all accounts ever observed.
BROADCAST_ROWS = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Params:
    """The UTC day at whose end people are scored, and the methodology."""

    day: date
    methodology: Methodology


class EmptyWindowError(CloutError):
    """There is nobody to score: the window holds no act between two people, or none of its days is covered."""


def score(influence: "Column", methodology: Methodology) -> "Column":
    """0 to 100: min(100, 100 * log1p(influence / resolution) / log1p(full_scale / resolution))."""
    resolution = F.lit(methodology.resolution)
    full = F.log1p(F.lit(methodology.full_scale) / resolution)
    return F.least(F.lit(100.0), F.lit(100.0) * F.log1p(influence / resolution) / full)


def people(
    sums: "DataFrame",
    beside: "DataFrame",
    accounts: "DataFrame",
    coverage: Mapping[str, float],
    params: Params,
) -> "DataFrame":
    """The rows of `influence`: one per person of `sums` (id, one, two, three as multiples of 2^-36).

    `beside` is (id, engager_count, amplification, inclusion), `accounts` is (id, handle), `coverage` is platform -> covered
    share of the window.
    """
    platform = F.substring_index("id", ":", 1)
    covered = F.create_map(*[F.lit(item) for pair in sorted(coverage.items()) for item in pair])
    return (
        ranked(sums)
        .join(beside, "id", "left")
        .join(accounts.select("id", "handle"), "id", "left")
        .select(
            F.lit(params.day).alias("day"),
            F.lit(params.methodology.version).alias("methodology"),
            F.col("id").alias("person_id"),
            platform.alias("platform"),
            "handle",
            platform.startswith(SIMULATED_PREFIX).alias("simulated"),
            real(F.col("total")).alias("influence"),
            real(F.col("one")).alias("direct"),
            real(F.col("two")).alias("second"),
            real(F.col("three")).alias("third"),
            score(real(F.col("total")), params.methodology).alias("score"),
            "rank",
            "percentile",
            F.coalesce("engager_count", F.lit(0)).cast("long").alias("engager_count"),
            F.coalesce(F.element_at(covered, platform), F.lit(0.0)).alias("window_coverage"),
            "amplification",
            "inclusion",
        )
    )


def window_attention(found: "Read", params: Params) -> "DataFrame":
    """How attention is spread at the end of the day, as `attention.attention` computes it."""
    methodology = params.methodology
    # One exchange serves every grouping of weights and shares, because all of them keep an actor's rows together.
    by_actor = found.engagement.repartition(found.spark_partitions, "src")
    return attention.attention(
        attention.weights(by_actor, found.factors(params), methodology, measures.carried(methodology)),
        found.engagement.sparkSession.createDataFrame(attention.doubted(found.bots)),
        methodology,
    )


@dataclass(frozen=True)
class Read:
    """The inputs of a day's score: versions of the tables, the window's engagement, what is known of accounts at the end of the
    day, the ids of the bots among them, platform -> covered days of the window, and who has several accounts."""

    snapshot: Snapshot
    engagement: "DataFrame"
    row_count: int  # of engagement
    accounts: Known
    bots: list[str]
    covered: dict[str, set[date]]
    people: People
    links: Versions

    @property
    def spark_partitions(self) -> int:
        """Spark partitions to use for the window's engagement and its pairs."""
        return spark_partitions.enough(self.engagement.sparkSession, self.row_count)

    @cached_property
    def linked(self) -> "DataFrame | None":
        """(account, person) of the people who have several accounts; None if nobody has."""
        accounts = self.people.accounts
        return linked.frame(self.engagement.sparkSession, accounts) if len(accounts) else None

    def parts(self, sums: "DataFrame", spread: "DataFrame", params: Params) -> "DataFrame | None":
        """The parts of people who have several accounts, as rows of `linked.of_accounts`; None if nobody has."""
        if self.linked is None:
            return None
        return linked.of_accounts(spread, sums, self.linked, params.methodology.rounds)

    def known(self, ids: "DataFrame") -> "DataFrame":
        """(id, handle) of these accounts (id)."""
        asked = F.broadcast(ids) if self.row_count <= BROADCAST_ROWS else ids
        return self.accounts.frame(self.engagement.sparkSession, asked)

    def factors(self, params: Params) -> "DataFrame":
        """The decay factors of the window's covered days, with the days that `measures` reads. Raises `EmptyWindowError` if no
        day is covered."""
        days = days_between(params.methodology.first_day(params.day), params.day)
        fading = attention.decay_factors(days, self.covered, params.day, params.methodology)
        if not fading:
            raise EmptyWindowError(
                f"coverage {days[0]}..{days[-1]}: 0 rows, expected one for each platform pulled; no day of the window is"
                f" covered, so no act counts. Pull days of this window first (`clout pull --day {params.day} --source ...`)"
            )
        # Through Arrow: Python rows would start a Python worker on every executor.
        table = measures.with_days(attention.decay_table(fading), params.methodology)
        return self.engagement.sparkSession.createDataFrame(table)


def read(session: "SparkSession", warehouse: Warehouse, params: Params) -> Read:
    """Reads the inputs of the day's score. Raises `CloutError` if a day of the window was pulled since it was last counted, or
    like `leavers.refuse`, and `EmptyWindowError` if the window holds no act between two people."""
    first_day = params.methodology.first_day(params.day)
    found = counted.snapshot(warehouse)
    _refuse_stale(warehouse, found.coverage, first_day, params)
    window = {"day": Span(first_day, params.day)}
    leavers.refuse(warehouse, ENGAGEMENT, warehouse.dataset(ENGAGEMENT, window, version=found.engagement))
    row_count = warehouse.row_count(ENGAGEMENT, window, found.engagement)
    engagement = warehouse.frame(session, ENGAGEMENT, window, version=found.engagement)
    acts = warehouse.dataset(ENGAGEMENT, window, version=found.engagement).filter(pc.field("kind") != POST)
    if not acts.head(1, columns=["kind"]).num_rows:  # a Spark query would take a second
        raise EmptyWindowError(
            f"engagement {first_day}..{params.day}: no act between two people, expected some; pull days of this window"
            f" first (`clout pull --day {params.day} --source ...`)"
        )
    accounts = known_accounts.at_end_of(params.day, warehouse, found)
    covered = covered_days(warehouse, first_day, params.day, found.coverage)
    versions = links.versions(warehouse)
    people = links.at_end_of(params.day, warehouse, versions)
    return Read(found, engagement, row_count, accounts, accounts.bots(), covered, people, versions)


def everybody(
    found: Read, sums: "DataFrame", spread: "DataFrame", parts: "DataFrame | None", params: Params
) -> "DataFrame":
    """The rows of `influence`, from the data read, an engine's sums, the spread of attention and the result of
    `found.parts`."""
    methodology = params.methodology
    share = {platform: len(days) / methodology.lookback_days for platform, days in found.covered.items()}
    beside = measures.beside(
        spread, found.engagement, found.factors(params), sums, methodology, found.spark_partitions, found.linked
    )
    if parts is not None and found.linked is not None:
        sums = linked.of_people(sums, parts, found.linked)
    return people(sums, beside, found.known(sums.select("id")), share, params)


def run(
    session: "SparkSession", warehouse: Warehouse, params: Params, batch: Batch, engine: str = AUTO
) -> dict[str, float]:
    """Scores everybody of the window with the named engine. Returns the counts `pairs` and `people`. Raises as `read` does, and
    `CloutError` if scores exist under other values of the methodology."""
    methodology = params.methodology
    with runs.recorded(warehouse, JOB, params.day, batch, methodology=methodology.version) as row:
        methodologies.refuse_changed(warehouse, methodology)
        known_accounts.make_copy(warehouse, counted.snapshot(warehouse), params.day, run_id=row.id)
        found = read(session, warehouse, params)
        row.inputs = found.snapshot.versions | found.links._asdict()
        first_day, coverage = methodology.first_day(params.day), found.snapshot.coverage
        counted_from = activity_digests(warehouse, first_day, params.day, coverage)
        row.parameters["activity_digests"] = {str(day): digest for day, digest in counted_from.items()}
        row.parameters["accounts_digest"] = digests.of_texts(found.bots)
        row.parameters[runs.MAX_ACCOUNTS] = nights().max_accounts
        if found.people.digest:
            row.parameters[digests.LINKS] = found.people.digest
        known = counted.platforms(warehouse, found.snapshot, params.day)
        row.uncovered_days = uncovered_days(found.covered, known, first_day, params.day)
        partition = {"methodology": methodology.version, "day": params.day}
        with comet.used_for(session, found.row_count), ExitStack() as ended:
            spread = window_attention(found, params)
            ended.callback(spread.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
            with step(session, "weigh pairs"):
                row.counts["pairs"] = spread.count()
            adding = choice.chosen(engine, spread)
            row.engine = adding.name
            with step(session, "pass attention on"):
                sums = adding.sums(spread, methodology.rounds)
            ended.callback(sums.unpersist)
            parts = found.parts(sums, spread, params)
            if parts is not None:
                ended.callback(parts.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
                by_account = linked.rows(parts, found.known(parts.select("id")), params.day, methodology.version)
                warehouse.replace_by_spark(INFLUENCE_BY_ACCOUNT, by_account, partition, run_id=row.id, job=JOB)
            elif warehouse.row_count(INFLUENCE_BY_ACCOUNT, partition):
                warehouse.delete(INFLUENCE_BY_ACCOUNT, partition, run_id=row.id, job=JOB)
            scored = everybody(found, sums, spread, parts, params)
            with step(session, "write everybody"), spark_partitions.enough_for(session, int(row.counts["pairs"])):
                warehouse.replace_by_spark(INFLUENCE, scored, partition, run_id=row.id, job=JOB)
            row.counts["people"] = warehouse.row_count(INFLUENCE, partition)
            row.parameters[digests.INFLUENCE] = digests.of_stream(INFLUENCE, warehouse.reader(INFLUENCE, partition))
    return row.counts


def _refuse_stale(warehouse: Warehouse, coverage: int, first_day: date, params: Params) -> None:
    """Raises `CloutError` if a day of the window is stale. `coverage` is a version of that table. Call this only after the
    tables were opened: a count whose run has not finished by now may already be in an opened table."""
    stale = stale_days(warehouse, activity_digests(warehouse, first_day, params.day, coverage), first_day, params.day)
    if stale:
        raise CloutError(
            f"engagement {stale[0]}..{stale[-1]}: {len(stale)} days of the window are not counted as they were last pulled;"
            f" run `clout engagement --day {params.day} --methodology {params.methodology.version}` first"
        )
