"""Engine `graphframes`: the same messages on a `GraphFrame`: `aggregateMessages` adds them, a motif finds the loops.

GraphFrames' JVM package is not part of Spark, and not every mirror serves it: asking for the engine where it is missing says
how to get it. `GraphFrame.pageRank` is of no use here: it does not see weights.
"""

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from graphframes import GraphFrame
from graphframes.lib import AggregateMessages as AM
from py4j.protocol import Py4JJavaError
from pyspark import StorageLevel
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import session
from jobs.engines.spark import ends, passed_on, pointing, second
from jobs.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession

PACKAGE = f"io.graphframes:graphframes-spark4_2.13:{version('graphframes-py')}"
ENTRY_CLASS = "org.graphframes.GraphFramePythonAPI"

# `find` joins in the order that is written. From a, the lowest of the three, a loop is found once and a hub costs nothing;
# written from ab on, the first join would be at b, which may be a hub.
LOOP = "(c)-[ca]->(a); (a)-[ab]->(b); (b)-[bc]->(c)"

LINK = {"id": "src", "other": "dst", "out": "a", "in": "back"}  # a row of `ends`, in GraphFrames' words


def require() -> None:
    """Raises `UsageError` where GraphFrames' JVM package is missing. Starts no JVM; where one is there, as under
    `spark-submit`, its class path decides."""
    if session.submitted():
        _load(session.build())
    elif not session.graphframes_jars():
        raise UsageError(
            f"engine graphframes: its JVM package {PACKAGE} is not here; name its jars by CLOUT_GRAPHFRAMES_JARS, with commas,"
            f" or let set-up try again: rm '{session.environment_folder()}/.clout/graphframes.stamp' && bash infra/setup.sh"
            " (engine spark gives the same bits without it)"
        )


def _load(spark: "SparkSession") -> None:
    jvm: Any = spark._jvm
    try:
        # As GraphFrames' Python package does it: packages of `spark.jars` are in the thread's loader alone.
        jvm.Thread.currentThread().getContextClassLoader().loadClass(ENTRY_CLASS)
    except Py4JJavaError as error:
        raise UsageError(
            f"engine graphframes: {PACKAGE} is not on Spark's class path; give it to spark-submit by --packages or --jars"
        ) from error


def cut(frame: DataFrame) -> DataFrame:
    """The same rows without the plan that made them, which GraphFrames would repeat dozens of times and Spark analyse again
    each time. Unlike `localCheckpoint`, it keeps what is needed to make rows again that an executor took with it."""
    spark = frame.sparkSession
    return DataFrame(spark._jsparkSession.createDataFrame(frame._jdf.javaRDD(), frame._jdf.schema()), spark)


def arrived(people: DataFrame, edges: DataFrame, message: "Column", name: str) -> DataFrame:
    """(id, name): the sum of the messages that came to each account. Computed at once, and persisted by GraphFrames."""
    return GraphFrame(people, edges).aggregateMessages([F.sum(AM.msg).alias(name)], sendToDst=[message])


def both_ways(pointing: DataFrame) -> DataFrame:
    """(x, y, out, back, _) -> (src, dst, a, up): edges both ways, `up` where they lead from lower to higher (degree, id)."""

    def edge(src: str, dst: str, a: str, up: bool) -> "Column":
        return F.struct(F.col(src).alias("src"), F.col(dst).alias("dst"), F.col(a).alias("a"), F.lit(up).alias("up"))

    return pointing.select(F.inline(F.array(edge("x", "y", "out", True), edge("y", "x", "back", False)))).where(
        F.col("a") > 0
    )


def loops(people: DataFrame, core: DataFrame) -> DataFrame:
    """(src, dst, loop): for each edge that closes loops, what src holds from dst through one more account."""

    def closed(src: str, dst: str, *back: str) -> "Column":
        out, on = (F.col(edge)["a"] for edge in back)
        return F.struct(F.col(src)["id"].alias("src"), F.col(dst)["id"].alias("dst"), passed_on(out, on).alias("loop"))

    found = GraphFrame(people, core).find(LOOP).where(F.col("ab")["up"] & ~F.col("ca")["up"])
    sides = F.array(closed("a", "b", "bc", "ca"), closed("b", "c", "ca", "ab"), closed("c", "a", "ab", "bc"))
    return found.select(F.inline(sides)).groupBy("src", "dst").agg(F.sum("loop").alias("loop"))


class GraphFramesEngine:
    """Adds by GraphFrames' own primitives. Raises `UsageError` where its JVM package is missing."""

    name = "graphframes"

    def __init__(self) -> None:
        require()

    def sums(self, edges: DataFrame, rounds: int) -> DataFrame:
        # A row for each end of each pair: so everybody is sent something, and an edge knows the one that goes back.
        held = cut(second(ends(edges)).select("id", "other", "out", "in", "out_core", "in_core"))
        held.persist(StorageLevel.MEMORY_AND_DISK)
        linked = held.select(*(F.col(old).alias(new) for old, new in LINK.items()))
        people = cut(held.select("id").distinct())
        core = both_ways(pointing(held)).persist(StorageLevel.MEMORY_AND_DISK)
        with_loops = linked.join(loops(people, core), ["src", "dst"], "left") if rounds >= 3 else linked

        a, back, nothing = AM.edge["a"], AM.edge["back"], F.lit(0).cast("long")
        m2_back = passed_on(back, AM.dst["one"] - a)
        held_from_others = AM.src["two"] - m2_back - F.coalesce(AM.edge["loop"], nothing)
        steps = {
            "one": (linked, a),
            "two": (linked, passed_on(a, AM.src["one"] - back)),
            "three": (with_loops, passed_on(a, F.greatest(nothing, held_from_others))),
        }
        kept = [held, core]
        for name, (graph, message) in list(steps.items())[:rounds]:
            kept.append(arrived(people, graph, message, name))
            people = cut(people.join(kept[-1], "id"))
        sums = people.select("id", *(name if name in people.columns else nothing.alias(name) for name in steps))
        sums.persist(StorageLevel.MEMORY_AND_DISK).count()
        for frame in kept:
            frame.unpersist()
        return sums
