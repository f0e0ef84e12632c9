"""Ranks of people by the attention they hold: the only step of a score that compares everybody with everybody."""

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Ranges of totals from one power of two to the next. Of 750 million people at most some hundred thousand share a range.
RANGES_OF_A_DOUBLING = 1_000


def ranked(sums: "DataFrame") -> "DataFrame":
    """Adds `total`, `rank` and `percentile` to (id, one, two, three).

    `rank` is 1 for the highest total; people with equal totals share the best of their ranks. `percentile` is the share of
    people with a lower total, from 0 to below 1. Each task sorts people of similar totals only: ranges of totals are counted
    first, so a task knows how many people are above its own.
    """
    everybody = sums.withColumn("total", F.col("one") + F.col("two") + F.col("three")).withColumn(
        "range", F.floor(F.log2(F.col("total") + 1) * RANGES_OF_A_DOUBLING)
    )
    of_ranges, above = Window.partitionBy(F.lit(1)), Window.partitionBy(F.lit(1)).orderBy(F.col("range").desc())
    ranges = (
        everybody.groupBy("range")
        .agg(F.count("*").alias("held"))
        .select(
            "range",
            F.sum("held").over(of_ranges).alias("people"),
            (F.sum("held").over(above) - F.col("held")).alias("above"),
        )
    )
    # A total of 0, which half of all may have, is a range alone: its people are spread over tasks.
    spread = F.when(F.col("total") == 0, F.pmod(F.xxhash64("id"), F.lit(RANGES_OF_A_DOUBLING)))
    downwards = Window.partitionBy("range", spread).orderBy(F.col("total").desc())
    not_less = F.count("*").over(downwards.rangeBetween(Window.unboundedPreceding, Window.currentRow))
    less = F.when(F.col("total") > 0, F.col("people") - F.col("above") - not_less).otherwise(0)
    return (
        everybody.join(F.broadcast(ranges), "range")
        .select(
            *everybody.columns,
            (F.col("above") + F.rank().over(downwards)).cast("long").alias("rank"),
            (less.cast("double") / F.col("people").cast("double")).alias("percentile"),
        )
        .drop("range")
    )
