"""Engine `spark`: computes the messages with DataFrames alone, for graphs that do not fit one process.

Every pair has a row at both of its ends: row (id, other) has `out`, the share from id to other, and `in`, the share from other
to id. So the attention that arrives at an account is a sum over its own rows, and values of the other end come from the pair's
other row. Only the search for triangles joins a frame with itself. The driver collects no edges; Spark spills what exceeds
memory.
"""

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import Window
from pyspark.sql import functions as F

from jobs.engines.numbers import in_numbers, named
from jobs.spark_partitions import enough_for
from schemas.fixed_point import UNIT

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def at_account(sum_or_max: "Column") -> "Column":
    """The aggregate, such as `F.sum(...)`, over all rows of the account, in each of its rows."""
    return sum_or_max.over(Window.partitionBy("id"))


def at_the_other_end(column: str) -> "Column":
    """The value of the column in the pair's other row."""
    pair = Window.partitionBy(F.least("id", "other"), F.greatest("id", "other"))
    return F.sum(column).over(pair) - F.col(column)


def passed_on(a: "Column", arrived: "Column") -> "Column":
    """The part of `arrived` that an edge with share `a` passes on. All are multiples of 2^-36; the result is rounded half to
    even."""
    return F.rint(a.cast("double") * F.lit(UNIT) * arrived.cast("double")).cast("long")


def ends(edges: "DataFrame") -> "DataFrame":
    """(src, dst, a) -> (id, other, out, in), one row for each end of each pair. `out` or `in` is 0 if there is no such edge."""
    nothing = F.lit(0).cast("long")
    outs = edges.select(
        F.col("src").alias("id"), F.col("dst").alias("other"), F.col("a").alias("out"), nothing.alias("in")
    )
    ins = edges.select(
        F.col("dst").alias("id"), F.col("src").alias("other"), nothing.alias("out"), F.col("a").alias("in")
    )
    return (
        outs.unionByName(ins)
        .repartition("id")
        .groupBy("id", "other")
        .agg(F.sum("out").alias("out"), F.sum("in").alias("in"))
    )


def second(ends: "DataFrame") -> "DataFrame":
    """Adds columns to `ends`: the messages of the second round, `out_2` and `in_2`; `two`, the sum of `in_2` at id; and
    `out_core` and `in_core`, which are `out` and `in` of the edges that may be in a loop, else 0: edges whose source has an
    edge in and whose target has an edge out.
    """
    entered, left = (at_account(F.max(column)) > 0 for column in ("in", "out"))
    return (
        ends.withColumns(
            {
                "out_2": passed_on(F.col("out"), at_account(F.sum("in")) - F.col("in")),
                "may_out": F.when(entered, F.col("out")).otherwise(0),
                "may_in": F.when(left, F.col("in")).otherwise(0),
            }
        )
        .withColumns(
            {
                "in_2": at_the_other_end("out_2"),
                "other_in": at_the_other_end("may_in"),
                "other_out": at_the_other_end("may_out"),
            }
        )
        .withColumns(
            {
                "out_core": F.least("may_out", "other_in"),
                "in_core": F.least("may_in", "other_out"),
                "two": at_account(F.sum("in_2")),
            }
        )
        .drop("may_out", "may_in", "other_in", "other_out")
    )


def third(second: "DataFrame", loops: "DataFrame") -> "DataFrame":
    """Adds column `out_3`, the messages of the third round, to the result of `second`. `loops` is (id, other, loop)."""
    arrived = F.col("two") - F.col("in_2") - F.coalesce("loop", F.lit(0))
    return second.join(loops, ["id", "other"], "left").withColumn(
        "out_3", passed_on(F.col("out"), F.greatest(F.lit(0), arrived))
    )


def pointing(second: "DataFrame") -> "DataFrame":
    """(x, y, out, back, degree), one row per pair with an edge that may be in a loop. x is the end of lower (degree, id);
    `degree` is that of y. `out` is the share from x to y, `back` that from y to x."""
    is_lower = (F.col("degree") < F.col("other_degree")) | (
        (F.col("degree") == F.col("other_degree")) & (F.col("id") < F.col("other"))
    )
    return (
        second.where((F.col("out_core") > 0) | (F.col("in_core") > 0))
        .select("id", "other", "out_core", "in_core")
        .withColumn("degree", at_account(F.count("*")))
        .withColumn("other_degree", at_the_other_end("degree"))
        .where(is_lower)
        .select(
            F.col("id").alias("x"),
            F.col("other").alias("y"),
            F.col("out_core").alias("out"),
            F.col("in_core").alias("back"),
            F.col("other_degree").alias("degree"),
        )
    )


def loops(pointing: "DataFrame") -> "DataFrame":
    """(id, other, loop), one row per edge id -> other in a loop: the attention that id holds from other through one more
    account, as a multiple of 2^-36.

    Finds each triangle once, at its account of lowest degree, so that hubs do not multiply the work.
    """
    xy = pointing.select(
        "x", "y", F.col("out").alias("xy"), F.col("back").alias("yx"), F.col("degree").alias("y_degree")
    )
    xz = pointing.select("x", F.col("y").alias("z"), F.col("out").alias("xz"), F.col("back").alias("zx"), "degree")
    yz = pointing.select(
        F.col("x").alias("y"), F.col("y").alias("z"), F.col("out").alias("yz"), F.col("back").alias("zy")
    )
    in_order = (F.col("y_degree") < F.col("degree")) | (
        (F.col("y_degree") == F.col("degree")) & (F.col("y") < F.col("z"))
    )
    return closed(xy.join(xz, "x").where(in_order).join(yz, ["y", "z"]))


def closed(triangles: "DataFrame") -> "DataFrame":
    """(id, other, loop) for both directions of each side of the triangles (x, y, z, xy, yx, xz, zx, yz, zy), summed per
    edge."""

    def side(edge: str, *back: str) -> "Column":
        """One side of a triangle, and the attention that returns along the two other sides, `back`."""
        source, target = edge[0], edge[1]
        return F.struct(
            F.col(source).alias("id"),
            F.col(target).alias("other"),
            passed_on(F.col(back[0]), F.col(back[1])).alias("loop"),
        )

    sides = F.array(
        side("xy", "yz", "zx"), side("yz", "zx", "xy"), side("zx", "xy", "yz"),
        side("yx", "xz", "zy"), side("xz", "zy", "yx"), side("zy", "yx", "xz"),
    )  # fmt: skip
    return (
        triangles.select(F.inline(sides))
        .where(F.col("loop") > 0)
        .groupBy("id", "other")
        .agg(F.sum("loop").alias("loop"))
    )


class SparkEngine:
    """Computes the messages on Spark's executors or, with a local master, on this machine; spills to disk."""

    name = "spark"

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """As `Engine.sums`. The returned frame is computed and persisted; the caller unpersists it."""
        rows = 2 * edges.count()  # at most: a row for each end of each edge
        with enough_for(edges.sparkSession, rows), in_numbers(edges) as (pairs, names), ExitStack() as ended:
            sums = named(self._sums(pairs, rounds, ended), names)
            sums.persist(StorageLevel.MEMORY_AND_DISK).count()
        return sums

    def _sums(self, pairs: "DataFrame", rounds: int, ended: ExitStack) -> "DataFrame":
        """The sums, with account numbers for `id`. Intermediate frames stay persisted until `ended` closes."""
        nothing = F.lit(0).cast("long")
        messages = held = second(ends(pairs))
        ended.callback(held.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
        if rounds >= 3:
            turning = pointing(held)
            ended.callback(turning.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
            messages = third(held, loops(turning))
        return messages.groupBy(F.col("other").alias("id")).agg(
            F.sum("out").alias("one"),
            F.sum("out_2" if rounds >= 2 else nothing).alias("two"),
            F.sum("out_3" if rounds >= 3 else nothing).alias("three"),
        )
