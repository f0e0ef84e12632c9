"""Runs the nights of warehouses with engine `spark`, one after the other, and measures them: a process of its own for `cost`.

    python cost_night.py EVENTS WAREHOUSE...

EVENTS is the folder of Spark's log of events. Prints a JSON object for each night but the first, after which Java has compiled
what nights run: its size, and what it used by step, by job and by table.
"""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import event_log

from jobs import checks, engagement, influence, publish, session
from jobs.backends import duck
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


def night(spark: Any, warehouse: Warehouse) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yields the jobs of the night of the last day, by name. The first counts all days."""
    days = sorted(date.fromisoformat(place["day"]) for place in warehouse.partitions(ACTIVITY))
    chosen, batch = load(official(days[-1])), Batch("bench")
    yield (
        "engagement",
        lambda: engagement.run(spark, warehouse, engagement.Params(day=days[-1], first_day=days[0]), batch),
    )
    scored = influence.Params(day=days[-1], methodology=chosen)
    yield "influence", lambda: influence.run(spark, warehouse, scored, batch, engine="spark")
    yield "checks", lambda: checks.run(warehouse, checks.Params(day=days[-1], methodology=chosen.version), batch)
    yield "publish", lambda: publish.run(warehouse, publish.Params(day=days[-1], methodology=chosen), batch)


def process(number: int | str = "self") -> tuple[float, int]:
    """Processor seconds of a process until now, and its peak memory in bytes since it was reset."""
    fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    lines = Path(f"/proc/{number}/status").read_text().splitlines()
    peak = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
    return (int(fields[11]) + int(fields[12])) / 100, peak  # in hundredths of a second


def measure(spark: Any, events: Path, root: str, number: int) -> dict[str, Any]:
    """Runs a night. Returns its size, and what it used."""
    warehouse, driver, counts = Warehouse(root), {}, {}
    java, group = spark.sparkContext._gateway.proc.pid, f"night {number}"
    spark.sparkContext.setJobGroup(group, "")
    began = process(java)[0]
    for name, job in night(spark, warehouse):
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before = process()[0]
        counts[name] = job()
        after, peak = process()
        driver[name] = (after - before, peak)
    java_s = process(java)[0] - began
    spark.sparkContext._jsc.sc().listenerBus().waitUntilEmpty()
    (log,) = events.iterdir()
    with log.open(encoding="utf-8") as lines:
        read = event_log.read(lines, group)
    tables = (ACTIVITY, ACCOUNTS, ENGAGEMENT, INFLUENCE, SCORES)
    at_rest = {table.name: files(warehouse.delta(table)) for table in tables}
    return {
        "acts": warehouse.row_count(ACTIVITY, {}),
        "rows": warehouse.row_count(ENGAGEMENT, {}),
        "accounts": warehouse.row_count(ACCOUNTS, {}),
        "pairs": counts["influence"]["pairs"],
        "people": counts["influence"]["people"],
        "java_s": java_s,
        "driver": driver,
        "kept_bytes": read.kept_bytes,
        "steps": {name: asdict(used) for name, used in read.steps.items()},
        "bytes_at_rest": {name: sum(of["size_bytes"].to_pylist()) for name, of in at_rest.items()},
    }


def main(events: Path, roots: list[str]) -> None:
    """Runs the nights of the warehouses."""
    spark = session.build()
    duck.LEAST_BYTES = sys.maxsize  # the lines are of Spark's tasks, and clusters have more acts
    for number, root in enumerate(roots):
        measured = measure(spark, events, root, number)
        if number:
            print(json.dumps(measured), flush=True)
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
