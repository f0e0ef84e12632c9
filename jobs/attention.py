"""engagement -> attention: how each actor's one unit of attention is spread over a window. Pure Spark SQL, no table.

Every number added across rows is a whole multiple of 2^-36 (`schemas.fixed_point`), so no sum depends on an order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import Window
from pyspark.sql import functions as F

from schemas.fixed_point import SCALE, UNIT
from schemas.kinds import INTERACTIONS, POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

DECAY = pa.schema([("day", pa.date32()), ("platform", pa.string()), ("factor", pa.float64())])


def fixed(value: "Column") -> "Column":
    """A double as a whole multiple of 2^-36, half to even."""
    return F.rint(value * F.lit(SCALE)).cast("long")


def real(value: "Column") -> "Column":
    """A multiple of 2^-36 as a double."""
    return value.cast("double") * F.lit(UNIT)


def decay_factors(
    days: Iterable[date], covered: Mapping[str, set[date]], last_day: date, methodology: Methodology
) -> list[tuple[date, str, float]]:
    """What an act of each day and platform weighs at the end of `last_day`: platform_weight * 2^(-age / half_life_days).

    Age counts the days after the act on which the platform was covered: acts do not age while nothing could arrive. A day
    without coverage has no factor, so that acts of a pull that never ended do not count.
    """
    return [
        (day, platform, methodology.platform_weight(platform) * 2.0 ** (-age / methodology.half_life_days))
        for platform, arrived in sorted(covered.items())
        for day in sorted(arrived.intersection(days))
        for age in [sum(day < later <= last_day for later in arrived)]
    ]


def decay_frame(session: "SparkSession", factors: Sequence[tuple[date, str, float]]) -> "DataFrame":
    """The factors as (day, platform, factor), through Arrow: rows of Python would start a Python worker on every executor."""
    columns = zip(*factors, strict=True) if factors else [()] * len(DECAY)
    return session.createDataFrame(pa.table(list(map(pa.array, columns, DECAY.types)), schema=DECAY))


def weights(engagement: "DataFrame", factors: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) of the window with `weight`, W(src, dst) as a multiple of 2^-36.

    Repetition on one day and platform saturates: log2(1 + weighted acts), faded by the day's factor.
    """
    counts = {kind: F.sum(F.when(F.col("kind") == kind, F.col("act_count")).otherwise(0)) for kind in INTERACTIONS}
    # Kinds are added in one fixed order: a sum of doubles in the order of rows would differ in its last bit.
    acts = reduce(add, [F.lit(methodology.kind_weights[kind]) * F.col(kind) for kind in INTERACTIONS])
    return (
        engagement.where(F.col("kind") != POST)
        # One exchange serves every grouping here and in `attention`: all of them keep an actor's rows together.
        .repartition("src")
        .groupBy("day", "platform", "src", "dst")
        .agg(*[count.alias(kind) for kind, count in counts.items()])
        .join(F.broadcast(factors), ["day", "platform"])
        .select("src", "dst", fixed(F.col("factor") * F.log2(1 + acts)).alias("term"))
        .groupBy("src", "dst")
        .agg(F.sum("term").alias("weight"))
    )


def attention(weights: "DataFrame", credibility: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) with `a`, what src's attention passes on to dst, and src's `credibility`.

    `credibility` has the rows (id, credibility) of accounts below 1. a = damping * credibility * W / (rest_weight + all
    of src's W), as a multiple of 2^-36.
    """
    spent = F.sum("weight").over(Window.partitionBy("src"))
    c = F.coalesce(F.col("credibility"), F.lit(1.0))
    share = real(F.col("weight")) / (F.lit(methodology.rest_weight) + real(F.col("spent")))
    return (
        weights.withColumn("spent", spent)
        .join(credibility.withColumnRenamed("id", "src"), "src", "left")
        .select(
            "src",
            "dst",
            # An actor whose acts all weigh nothing spends nothing, whatever stays with nobody.
            F.when(F.col("weight") == 0, F.lit(0))
            .otherwise(fixed(F.lit(methodology.damping) * c * share))
            .cast("long")
            .alias("a"),
            c.alias("credibility"),
        )
    )


def newest_accounts(accounts: "DataFrame", last_day: date) -> "DataFrame":
    """One row per account, as observed on the newest day not later than `last_day`: (id, handle, is_bot)."""
    newest = Window.partitionBy("platform", "account_id").orderBy(F.col("day").desc(), F.col("source"))
    return (
        accounts.where(F.col("day") <= F.lit(last_day))
        .withColumn("newest", F.row_number().over(newest))
        .where(F.col("newest") == 1)
        .select(F.concat_ws(":", "platform", "account_id").alias("id"), "handle", "is_bot")
    )


def credibility(accounts: "DataFrame") -> "DataFrame":
    """(id, credibility) of the accounts whose credibility is not 1: those that say of themselves that they are bots."""
    return accounts.where(F.col("is_bot")).select("id", F.lit(0.0).alias("credibility"))
