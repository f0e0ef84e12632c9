"""Runs the nights of warehouses with engine `spark`, one after the other, and measures them: a process of its own for `cost`.

    python cost_night.py EVENTS WAREHOUSE...

EVENTS is the folder of Spark's log of events. Prints a JSON object for each night but the first, after which Java has compiled
most of what nights run: its size, and what it used by step, by job and by table.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import event_log

from jobs import checks, engagement, influence, kept_frames, publish, score_inputs, session
from jobs.backends import duck
from jobs.score import ranks
from jobs.warehouse.pruning import files
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.scores import SCORES
from schemas.versions import official

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SELF = Path("/proc/self")
# Start of a thread's name in the JVM -> what it does
THREADS = {
    **dict.fromkeys(("C1 ", "C2 "), "compiling_s"),
    **dict.fromkeys(("GC ", "G1 ", "VM Thread"), "collecting_s"),
}


def night(built: "Callable[[], SparkSession]", warehouse: Warehouse) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yields the jobs of the night of the last day, by name. The first counts all days."""
    days = sorted(date.fromisoformat(place["day"]) for place in warehouse.partitions(ACTIVITY))
    chosen, batch = load(official(days[-1])), Batch("bench")
    yield (
        "engagement",
        lambda: engagement.run(built, warehouse, engagement.Params(day=days[-1], first_day=days[0]), batch),
    )
    scored = influence.Params(day=days[-1], methodology=chosen)
    yield "influence", lambda: influence.run(built, warehouse, scored, batch, engine="spark")
    yield "checks", lambda: checks.run(warehouse, checks.Params(day=days[-1], methodology=chosen.version), batch)
    yield "publish", lambda: publish.run(warehouse, publish.Params(day=days[-1], methodology=chosen), batch)


def processor_s(process: Path) -> float:
    """Processor seconds until now of a process or a thread, by its folder."""
    fields = (process / "stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100  # in hundredths of a second


def peak() -> int:
    """The peak memory of this process since it was reset, in bytes."""
    lines = (SELF / "status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def java_s(java: Path) -> dict[str, float]:
    """Processor seconds of a JVM until now: `java_s` of all its threads, and those of `THREADS`."""
    seconds = dict.fromkeys(THREADS.values(), 0.0)
    for thread in (java / "task").iterdir():
        with suppress(OSError):  # it has ended
            name = (thread / "comm").read_text()
            for kind in (kind for start, kind in THREADS.items() if name.startswith(start)):
                seconds[kind] += processor_s(thread)
    return seconds | {"java_s": processor_s(java)}


def measure(spark: Any, events: Path, root: str, number: int) -> dict[str, Any]:
    """Runs a night. Returns its size, and what it used."""
    warehouse, driver, counts = Warehouse(root), {}, {}
    java, group = Path(f"/proc/{spark.sparkContext._gateway.proc.pid}"), f"night {number}"
    spark.sparkContext.setJobGroup(group, "")
    began = java_s(java)
    for name, job in night(lambda: spark, warehouse):
        (SELF / "clear_refs").write_text("5")  # resets the peak
        before = processor_s(SELF)
        counts[name] = job()
        driver[name] = (processor_s(SELF) - before, peak())
    ended = java_s(java)
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    (log,) = events.iterdir()
    with log.open(encoding="utf-8") as lines:
        read = event_log.read(lines, group)
    tables = (ACTIVITY, ACCOUNTS, ENGAGEMENT, INFLUENCE, SCORES)
    at_rest = {table.name: files(warehouse.delta(table)) for table in tables}
    return {
        "days": len(counts["engagement"]),
        "acts": warehouse.row_count(ACTIVITY, {}),
        "rows": warehouse.row_count(ENGAGEMENT, {}),
        "accounts": warehouse.row_count(ACCOUNTS, {}),
        "pairs": counts["influence"]["pairs"],
        "people": counts["influence"]["people"],
        **{kind: ended[kind] - before for kind, before in began.items()},
        "driver": driver,
        "kept_bytes": read.kept_bytes,
        "steps": {name: asdict(used) for name, used in read.steps.items()},
        "bytes_at_rest": {name: sum(of["size_bytes"].to_pylist()) for name, of in at_rest.items()},
    }


def run_as_large() -> None:
    """Makes small nights run as large ones do: Spark counts and scores them, without its short cuts for few rows."""
    duck.LEAST_BYTES = sys.maxsize
    kept_frames.MOST_ROWS = score_inputs.BROADCAST_ROWS = ranks.PEOPLE_OF_A_TASK = 0


def main(events: Path, roots: list[str]) -> None:
    """Runs the nights of the warehouses."""
    spark = session.build()
    run_as_large()
    for number, root in enumerate(roots):
        measured = measure(spark, events, root, number)
        if number:
            print(json.dumps(measured), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
