"""engagement -> influence: how much attention each person holds at the end of a day, and its parts.

Reads what `jobs.score_inputs` reads; replaces only (methodology, day) of `influence` and, if people have several accounts, of
`influence_by_account`. Before that, makes the copies of past months that are missing, which change no score.
README's "How a score is made" has the equations. An engine (`jobs.engines`) sums the attention that arrives in each step;
everything else is Spark SQL here.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F

from jobs import comet, kept_frames, monthly_weights, score_inputs, spark_partitions
from jobs.engines import AUTO, choice
from jobs.night_settings import nights
from jobs.score import linked, measures
from jobs.score.attention import real
from jobs.score.ranks import ranked
from jobs.score_inputs import Inputs
from jobs.spark_steps import step
from jobs.warehouse import counted, digests, known_accounts, methodologies, runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window, uncovered_days
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.kinds import SIMULATED_PREFIX
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

JOB = runs.INFLUENCE


@dataclass(frozen=True, kw_only=True)
class Params:
    """The UTC day at whose end people are scored, and the methodology."""

    day: date
    methodology: Methodology


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
    """The rows of `influence`: one per person of `sums`, a result of `ranked`.

    `beside` is (id, engager_count, amplification, inclusion), `accounts` is (id, handle), `coverage` is platform -> covered
    share of the window.
    """
    platform = F.substring_index("id", ":", 1)
    covered = F.create_map(*[F.lit(item) for pair in sorted(coverage.items()) for item in pair])
    return (
        sums.join(beside, "id", "left")
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


def everybody(found: Inputs, sums: "DataFrame", spread: "DataFrame", parts: "DataFrame | None") -> "DataFrame":
    """The rows of `influence`, from the inputs read, an engine's sums, the spread of attention and the result of
    `found.parts`."""
    methodology = found.window.methodology
    share = {platform: len(days) / methodology.lookback_days for platform, days in found.window.covered.items()}
    beside = measures.beside(spread, found.posts(), sums, methodology, found.spark_partitions, found.linked)
    if parts is not None and found.linked is not None:
        sums = linked.of_people(sums, parts, found.linked)
    params = Params(day=found.window.day, methodology=methodology)
    return people(ranked(sums, 2 * found.row_count), beside, found.known(sums.select("id")), share, params)


def run(
    session: "SparkSession", warehouse: Warehouse, params: Params, batch: Batch, engine: str = AUTO
) -> dict[str, float]:
    """Scores everybody of the window with the named engine. Returns the counts `pairs` and `people`. Raises as `counted_window`
    and `score_inputs.read` do, and `CloutError` if scores exist under other values of the methodology."""
    methodology = params.methodology
    with runs.recorded(warehouse, JOB, params.day, batch, methodology=methodology.version) as row:
        methodologies.refuse_changed(warehouse, methodology)
        known_accounts.make_copy(warehouse, counted.snapshot(warehouse), params.day, run_id=row.id)
        window = counted_window(warehouse, params.day, methodology)
        roll_ups = monthly_weights.make(session, warehouse, window, run_id=row.id)
        found = score_inputs.read(session, warehouse, window, roll_ups)
        row.inputs = found.versions
        row.parameters["activity_digests"] = {str(day): digest for day, digest in window.digests.items()}
        row.parameters["accounts_digest"] = digests.of_texts(found.bots)
        row.parameters[runs.MAX_ACCOUNTS] = nights().max_accounts
        if found.people.digest:
            row.parameters[digests.LINKS] = found.people.digest
        known = counted.platforms(warehouse, window.snapshot, params.day)
        row.uncovered_days = uncovered_days(window.covered, known, window.first_day, params.day)
        partition = {"methodology": methodology.version, "day": params.day}
        rows = found.row_count
        with comet.used_for(session, rows), kept_frames.uncompressed(session, rows), ExitStack() as ended:
            spread = found.spread()
            ended.callback(spread.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
            with step(session, "weigh pairs"):
                measured = choice.measured(spread)
            row.counts["pairs"] = measured.pairs
            adding = choice.chosen(engine, measured)
            row.engine = adding.name
            with step(session, "pass attention on"):
                sums = adding.sums(spread, methodology.rounds)
            ended.callback(sums.unpersist)
            parts = found.parts(sums, spread)
            if parts is not None:
                ended.callback(parts.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
                by_account = linked.rows(parts, found.known(parts.select("id")), params.day, methodology.version)
                warehouse.replace_by_spark(INFLUENCE_BY_ACCOUNT, by_account, partition, run_id=row.id, job=JOB)
            elif warehouse.row_count(INFLUENCE_BY_ACCOUNT, partition):
                warehouse.delete(INFLUENCE_BY_ACCOUNT, partition, run_id=row.id, job=JOB)
            scored = everybody(found, sums, spread, parts)
            with step(session, "write everybody"), spark_partitions.enough_for(session, int(row.counts["pairs"])):
                warehouse.replace_by_spark(INFLUENCE, scored, partition, run_id=row.id, job=JOB)
            row.counts["people"] = warehouse.row_count(INFLUENCE, partition)
            row.parameters[digests.INFLUENCE] = digests.of_partition(warehouse, INFLUENCE, partition)
    return row.counts
