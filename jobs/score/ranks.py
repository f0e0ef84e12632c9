"""Ranks of people by the attention they hold: the only step of a score that compares everybody with everybody."""

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame
    from pyspark.sql.window import WindowSpec

# Of 300,000 people, one task takes 0.7 s less than ranges, which must be counted and joined first. Of more people than this, it
# would sort for many seconds while the other tasks wait.
PEOPLE_OF_A_TASK = 2_000_000

# Ranges of totals from one power of two to the next. Of 750 million people at most some hundred thousand share a range.
RANGES_OF_A_DOUBLING = 1_000


def ranked(sums: "DataFrame", most_people: int) -> "DataFrame":
    """Adds `total`, `rank` and `percentile` to (id, one, two, three), of at most this many people.

    `rank` is 1 for the highest total; people with equal totals share the best of their ranks. `percentile` is the share of
    people with a lower total, from 0 to below 1. `most_people` decides only how they are sorted: all by one task, or each task
    those of similar totals.
    """
    everybody = sums.withColumn("total", F.col("one") + F.col("two") + F.col("three"))
    return _by_one_task(everybody) if most_people <= PEOPLE_OF_A_TASK else _by_ranges(everybody)


def _by_one_task(everybody: "DataFrame") -> "DataFrame":
    whole = Window.partitionBy(F.lit(1))
    downwards = whole.orderBy(F.col("total").desc())
    people, not_less = F.count("*").over(whole), _not_less(downwards)
    return everybody.select(
        "*", F.rank().over(downwards).cast("long").alias("rank"), _share(people - not_less, people).alias("percentile")
    )


def _by_ranges(everybody: "DataFrame") -> "DataFrame":
    """Counts ranges of totals first, so that a task knows how many people are above those of its ranges."""
    everybody = everybody.withColumn("range", F.floor(F.log2(F.col("total") + 1) * RANGES_OF_A_DOUBLING))
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
    less = F.when(F.col("total") > 0, F.col("people") - F.col("above") - _not_less(downwards)).otherwise(0)
    return (
        everybody.join(F.broadcast(ranges), "range")
        .select(
            *everybody.columns,
            (F.col("above") + F.rank().over(downwards)).cast("long").alias("rank"),
            _share(less, F.col("people")).alias("percentile"),
        )
        .drop("range")
    )


def _not_less(downwards: "WindowSpec") -> "Column":
    """How many people of the window's partition have at least the row's total."""
    return F.count("*").over(downwards.rangeBetween(Window.unboundedPreceding, Window.currentRow))


def _share(part: "Column", whole: "Column") -> "Column":
    return part.cast("double") / whole.cast("double")
