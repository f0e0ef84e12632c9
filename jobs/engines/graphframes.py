"""Engine `graphframes`: adds the messages with `GraphFrame.aggregateMessages`, and finds loops with a motif.

The JVM package of GraphFrames is not part of Spark, and not every mirror serves it. If it is missing, the engine's error states
how to get it. `GraphFrame.pageRank` is unsuitable because it ignores weights.
"""

from contextlib import ExitStack
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from graphframes import GraphFrame
from graphframes.lib import AggregateMessages as AM
from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import session
from jobs.engines.numbers import in_numbers, named
from jobs.engines.spark import closed, ends, passed_on, pointing, second
from jobs.errors import UsageError
from jobs.spark_partitions import enough_for

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

PACKAGE = f"io.graphframes:graphframes-spark4_2.13:{version('graphframes-py')}"
ENTRY_CLASS = "org.graphframes.GraphFramePythonAPI"

# `find` joins in the written order. All edges point from lower to higher (degree, id), so the first join is at x, the account
# of lowest degree. That finds each triangle, with its loops in both directions, once, and keeps the join small at hubs.
TRIANGLE = "(x)-[xy]->(y); (x)-[xz]->(z); (y)-[yz]->(z)"

LINK = {"id": "src", "other": "dst", "out": "a", "in": "back"}  # columns of `ends` -> GraphFrames' names


def require() -> None:
    """Raises `UsageError` if the JVM package of GraphFrames is missing. Under `spark-submit`, checks the class path of the
    running JVM; otherwise looks for the package's jars, without starting a JVM."""
    if session.submitted():
        _load(session.build())
    elif not session.has_graphframes():
        raise UsageError(
            f"engine graphframes: its JVM package {PACKAGE} is not installed; list its jars in CLOUT_GRAPHFRAMES_JARS, with"
            f" commas, or let set-up try again: rm '{session.environment_folder()}/.clout/graphframes.stamp' &&"
            " bash infra/setup.sh (engine spark gives the same bits without it)"
        )


def _load(spark: "SparkSession") -> None:
    jvm: Any = spark._jvm
    try:
        # Only the thread's class loader has the packages of `spark.jars`. The Python package of GraphFrames uses it too.
        jvm.Thread.currentThread().getContextClassLoader().loadClass(ENTRY_CLASS)
    except Py4JJavaError as error:
        raise UsageError(
            f"engine graphframes: {PACKAGE} is not on Spark's class path; pass it to spark-submit with --packages or --jars"
        ) from error


def cut(frame: DataFrame) -> DataFrame:
    """The same rows without their query plan. GraphFrames would repeat the plan dozens of times, and Spark would analyze each
    copy. Unlike `localCheckpoint`, this keeps the lineage, so that Spark can recompute rows lost with an executor."""
    spark = frame.sparkSession
    return DataFrame(spark._jsparkSession.createDataFrame(frame._jdf.javaRDD(), frame._jdf.schema()), spark)


def arrived(people: DataFrame, edges: DataFrame, message: "Column", name: str) -> DataFrame:
    """(id, sum of the messages to the account, in column `name`). GraphFrames computes the frame at once and persists it; the
    caller unpersists it."""
    return GraphFrame(people, edges).aggregateMessages([F.sum(AM.msg).alias(name)], sendToDst=[message])


def loops(people: DataFrame, pointing: DataFrame) -> DataFrame:
    """(id, other, loop), one row per edge id -> other in a loop: the attention that id holds from other through one more
    account, as a multiple of 2^-36. `pointing` is the result of `jobs.engines.spark.pointing`."""
    edges = pointing.select(F.col("x").alias("src"), F.col("y").alias("dst"), "out", "back", "degree")
    y, z = (F.struct(F.col(edge)["degree"], F.col(edge)["dst"]) for edge in ("xy", "xz"))
    triangles = GraphFrame(people, edges).find(TRIANGLE).where(y < z)
    ends = {end: F.col(end)["id"] for end in "xyz"}
    ways_out = {edge: F.col(edge)["out"] for edge in ("xy", "xz", "yz")}
    ways_back = {edge[::-1]: F.col(edge)["back"] for edge in ways_out}
    return closed(triangles.select(*(column.alias(name) for name, column in (ends | ways_out | ways_back).items())))


class GraphFramesEngine:
    """Computes the messages with GraphFrames' own primitives. Creating it raises `UsageError` if the JVM package is missing."""

    name = "graphframes"

    def __init__(self) -> None:
        require()

    def sums(self, edges: DataFrame, rounds: int) -> DataFrame:
        """As `Engine.sums`. The returned frame is computed and persisted; the caller unpersists it."""
        rows = 2 * edges.count()  # at most: a row for each end of each edge
        with enough_for(edges.sparkSession, rows), in_numbers(edges) as (pairs, names), ExitStack() as ended:
            sums = named(self._sums(pairs, cut(names.select("id")), rounds, ended), names)
            sums.persist(StorageLevel.MEMORY_AND_DISK).count()
        return sums

    def _sums(self, pairs: DataFrame, people: DataFrame, rounds: int, ended: ExitStack) -> DataFrame:
        """The sums, with account numbers for `id`. Intermediate frames stay persisted until `ended` closes."""
        # One row for each end of each pair: every account gets a message, and each edge has the values of its reverse edge.
        held = cut(second(ends(pairs)).select("id", "other", "out", "in", "out_core", "in_core"))
        ended.callback(held.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
        linked = with_loops = held.select(*(F.col(old).alias(new) for old, new in LINK.items()))
        if rounds >= 3:
            turning = pointing(held)
            ended.callback(turning.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
            with_loops = linked.join(loops(people, turning).withColumnsRenamed(LINK), ["src", "dst"], "left")

        a, back, nothing = AM.edge["a"], AM.edge["back"], F.lit(0).cast("long")
        m2_back = passed_on(back, AM.dst["one"] - a)
        held_from_others = AM.src["two"] - m2_back - F.coalesce(AM.edge["loop"], nothing)
        steps = {
            "one": (linked, a),
            "two": (linked, passed_on(a, AM.src["one"] - back)),
            "three": (with_loops, passed_on(a, F.greatest(nothing, held_from_others))),
        }
        for name, (graph, message) in list(steps.items())[:rounds]:
            sums = arrived(people, graph, message, name)
            ended.callback(sums.unpersist)
            people = cut(people.join(sums, "id"))
        return people.select("id", *(name if name in people.columns else nothing.alias(name) for name in steps))
