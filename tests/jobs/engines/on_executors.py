"""Engine `spark`, and a night, on executors that are processes of their own: the session of the tests is another.

    python on_executors.py FOLDER

makes graphs by expressions, adds their messages, and leaves `edges-N` and `sums-N` as Parquet for each number of edges N. Then
counts and scores the last day of the warehouse in `FOLDER/warehouse`, each time in a copy of its own: `night-2` with two
executors, one of which is killed in each of `STEPS`, and `night-1` with one. Prints, as JSON, what the driver held of its heap
after each graph but the first, in bytes by N: the first one is for what Spark makes once, as the code that it compiles.
"""

import gc
import json
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

from pyspark.sql import functions as F

from jobs import engagement, influence
from jobs.backends import duck
from jobs.engines.spark import SparkEngine
from jobs.session import build
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.fixed_point import SCALE
from schemas.methodology import load
from tests.tiny_days import TINY_DAYS

FIRST, SMALLER, LARGER = 2_000, 12_000, 120_000
EDGES_PER_PERSON = 5
EXECUTORS, METHODOLOGY = (2, 1), "2026.11"
STEPS = ("count acts", "weigh pairs", "number accounts", "pass attention on", "write everybody")
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


def executors(session: Any) -> dict[str, int]:
    """Executor -> process id."""
    marks = (b"CoarseGrainedExecutorBackend", session.sparkContext.applicationId.encode())
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # ended meanwhile
        if all(mark in b" ".join(words) for mark in marks):
            found[words[words.index(b"--executor-id") + 1].decode()] = int(path.parent.name)
    return found


def listed(sequence: Any) -> list[Any]:
    """A sequence of Scala's."""
    return [sequence.apply(number) for number in range(sequence.size())]


def kill_in_each_step(session: Any, left: set[str], ended: threading.Event) -> None:
    """Kills an executor at work on a step's second stage or, as long as the step has lost nothing by that, on a later one.
    Takes a step that has lost work from those `left`."""
    store = session._jsc.sc().statusStore()
    begun: dict[str, set[int]] = {step: set() for step in left}
    processes: dict[str, int] = {}

    def busy() -> list[str]:
        return [each.id() for each in listed(store.executorList(True)) if each.activeTasks()]

    while left and not ended.wait(0.01):
        for stage in listed(store.activeStages()):
            named = stage.description()
            step = named.get() if named.isDefined() else ""
            if stage.attemptId() or stage.numFailedTasks():
                left.discard(step)
            if step not in left:
                continue
            begun[step].add(stage.stageId())
            for executor in busy() if len(begun[step]) > 1 else ():
                if executor not in processes:
                    processes = executors(session)
                with suppress(KeyError, ProcessLookupError):  # killed before, or ended by itself meanwhile
                    os.kill(processes[executor], signal.SIGSTOP)
                    time.sleep(0.2)  # for the driver to hear what was done before that
                    if executor in busy():
                        os.kill(processes.pop(executor), signal.SIGKILL)
                        break
                    os.kill(processes[executor], signal.SIGCONT)


def keep_executors(session: Any, count: int) -> None:
    """Gives executors back until this many are left."""
    context, jvm = session._jsc.sc(), session._jvm
    while len(there := executors(session)) != count:
        ids = listed(context.getExecutorIds())
        if len(there) == len(ids) > count:
            context.killExecutors(jvm.PythonUtils.toSeq(ids[count:]))
        time.sleep(0.1)


def night(session: Callable[[], Any], root: Path, engine: str = "spark") -> None:
    """Counts and scores the last day."""
    warehouse, batch = Warehouse(str(root)), Batch("night")
    first, *_, last = sorted(date.fromisoformat(place["day"]) for place in warehouse.partitions(ACTIVITY))
    params = influence.Params(day=last, methodology=load(METHODOLOGY))
    engagement.run(session, warehouse, engagement.Params(day=last, first_day=first), batch)
    influence.run(session, warehouse, params, batch, engine)


def nights(session: Any, folder: Path) -> None:
    """With each number of executors. The days are tiny, so Spark plans and compiles little."""
    duck.LEAST_BYTES = sys.maxsize  # the driver would count such days alone
    for name, value in TINY_DAYS.items():
        session.conf.set(name, value)
    for count in EXECUTORS:
        keep_executors(session, count)
        root = shutil.copytree(folder / "warehouse", folder / f"night-{count}")
        left, ended = set(STEPS if count == max(EXECUTORS) else ()), threading.Event()
        killer = threading.Thread(target=kill_in_each_step, args=(session, left, ended))
        killer.start()
        try:
            night(lambda: session, root)
            while left and killer.is_alive():  # a step may end before its second stage is seen
                night(lambda: session, root)
        finally:
            ended.set()
            killer.join()


def main(folder: Path) -> None:
    session = build()
    held = {}
    for count in (FIRST, SMALLER, LARGER):
        make_edges(session, count, str(folder / f"edges-{count}"))
        edges = session.read.parquet(str(folder / f"edges-{count}"))
        session.sparkContext.setJobGroup(ADDING, "what the engine runs, apart from what makes its edges")
        sums = SparkEngine().sums(edges, rounds=3)
        session.sparkContext.setLocalProperty(GROUP, None)  # type: ignore[arg-type] # it documents None, which removes it
        sums.write.parquet(str(folder / f"sums-{count}"))
        sums.unpersist()
        if count != FIRST:
            held[count] = heap_held(session)
    nights(session, folder)
    session.stop()
    print(json.dumps(held))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
