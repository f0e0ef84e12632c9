"""Engine `spark` on executors that are processes of their own, in a session of its own: the one of the tests is another.

    python on_executors.py FOLDER

makes graphs by expressions, adds their messages, and leaves `edges-N` and `sums-N` as Parquet for each number of edges N. In
the middle of the largest one executors are killed. Prints, as JSON, what the driver held of its heap after each but the first
one, in bytes by N: the first one is for what Spark makes once, as the code that it compiles.
"""

import gc
import json
import math
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from jobs.engines.spark import SparkEngine
from jobs.session import build
from schemas.fixed_point import SCALE

FIRST, SMALLER, LARGER = 2_000, 20_000, 200_000
EDGES_PER_PERSON = 5
GROUP, ADDING = (
    "spark.jobGroup.id",
    "sums",
)  # property by which Spark's log distinguishes jobs, and its value for the engine's


def make_edges(session: Any, count: int, path: str) -> None:
    """This number of edges, less those drawn twice; some accounts are drawn far more often than others."""
    people = count // EDGES_PER_PERSON

    def drawn(seed: int) -> Any:
        return F.pmod(F.xxhash64("id", F.lit(seed)), F.lit(1 << 30)) / F.lit(1 << 30)

    def account(seed: int) -> Any:
        return F.concat(F.lit("twitter:"), F.floor(F.pow(drawn(seed), 2) * people))

    edges = session.range(count).select(account(1).alias("src"), account(2).alias("dst"), drawn(3).alias("share"))
    a = F.floor(F.max("share") * F.lit(SCALE / EDGES_PER_PERSON))
    edges.where("src <> dst").groupBy("src", "dst").agg(a.alias("a")).write.parquet(path)


def heap_held(session: Any) -> int:
    """What cannot be collected of the driver's heap, in bytes."""
    runtime = session._jvm.java.lang.Runtime.getRuntime()
    gc.collect()  # what Python holds of it
    held: list[int] = []
    while len(held) < 3 or min(held[-3:]) < 0.998 * min(held[:-3], default=math.inf):
        runtime.gc()
        time.sleep(0.5)  # for Spark's cleaner, which lets go of more for what one finds dead
        held.append(runtime.totalMemory() - runtime.freeMemory())
    return min(held)


def executors(session: Any) -> list[int]:
    """Process ids."""
    marks = (b"CoarseGrainedExecutorBackend", session.sparkContext.applicationId.encode())
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command_line = path.read_bytes()
        except OSError:
            continue  # ended meanwhile
        if all(mark in command_line for mark in marks):
            found.append(int(path.parent.name))
    return found


def kill_some(session: Any, ended: threading.Event) -> None:
    """One when two stages are done, which left it a part of what they made, and a third is at work; and so on until a stage
    has to be made again: what was lost may have been of no more use."""
    tracker, begun, enough = session.sparkContext.statusTracker(), set(), 3
    while not ended.wait(0.05):
        begun.update(tracker.getActiveStageIds())
        if any((stage := tracker.getStageInfo(number)) and stage.currentAttemptId for number in begun):
            return
        if len(begun) >= enough and (there := executors(session)):
            os.kill(there[0], signal.SIGKILL)
            enough = len(begun) + 3


def main(folder: Path) -> None:
    session = build()
    held = {}
    for count in (FIRST, SMALLER, LARGER):
        make_edges(session, count, str(folder / f"edges-{count}"))
        ended = threading.Event()
        killer = threading.Thread(target=kill_some, args=(session, ended))
        if count == LARGER:
            killer.start()
        edges = session.read.parquet(str(folder / f"edges-{count}"))
        session.sparkContext.setJobGroup(ADDING, "what the engine runs, apart from what makes its edges")
        sums = SparkEngine().sums(edges, rounds=3)
        session.sparkContext.setLocalProperty(GROUP, None)  # type: ignore[arg-type] # it documents None, which removes it
        sums.write.parquet(str(folder / f"sums-{count}"))
        sums.unpersist()
        ended.set()
        if count != FIRST:
            held[count] = heap_held(session)
    killer.join()
    session.stop()
    print(json.dumps(held))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
