"""A night of the cost benchmark, run by Spark, and what is read of Spark's log of events."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import kept_frames, score_inputs
from jobs.backends import duck
from jobs.score import ranks
from jobs.warehouse.storage import Warehouse
from schemas.scores import SCORES
from tests.benchmarks import modules


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return modules(monkeypatch, "acts", "cost_night", "event_log", "graphs", "growth")


@pytest.fixture
def as_large(bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the test, small nights run as large ones do."""
    for module, name in (
        (duck, "LEAST_BYTES"), (kept_frames, "MOST_ROWS"), (score_inputs, "BROADCAST_ROWS"), (ranks, "PEOPLE_OF_A_TASK"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, getattr(module, name))  # restores it after the test
    bench.cost_night.run_as_large()


@pytest.mark.usefixtures("as_large")
def test_spark_counts_and_scores_even_a_small_night(
    bench: SimpleNamespace, spark: SparkSession, tmp_path: Path
) -> None:
    warehouse = Warehouse(str(tmp_path))
    bench.acts.make(warehouse, people=60, days=2)
    bench.growth.write_accounts(warehouse, bench.graphs.crowds(60))
    context, found = spark.sparkContext, {}
    for name, job in bench.cost_night.night(lambda: spark, warehouse):
        context.setJobGroup(f"night: {name}", "")
        found[name] = job(), len(context.statusTracker().getJobIdsForGroup(f"night: {name}"))
    context.setLocalProperty("spark.jobGroup.id", None)  # type: ignore[arg-type] # it documents None, which removes it
    assert {name: jobs > 0 for name, (_, jobs) in found.items()} == {
        "engagement": True, "influence": True, "checks": False, "publish": False,
    }  # fmt: skip
    assert len(found["engagement"][0]) == 2
    assert warehouse.row_count(SCORES, {}) == found["influence"][0]["people"] > 0


def test_seconds_of_java_are_told_apart_by_thread(bench: SimpleNamespace, spark: SparkSession) -> None:
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    seconds = bench.cost_night.java_s(Path(f"/proc/{gateway.proc.pid}"))
    assert seconds.keys() == {"java_s", "compiling_s", "collecting_s"}
    assert 0 < seconds["compiling_s"] + seconds["collecting_s"] < seconds["java_s"]
    assert min(seconds["compiling_s"], seconds["collecting_s"]) > 0


# Spark's log of events


def events() -> Iterator[dict[str, Any]]:
    """Two jobs of the group and one of another, each with frames."""

    def held(block: str, in_memory: int, on_disk: int = 0) -> dict[str, Any]:
        info = {"Block ID": block, "Memory Size": in_memory, "Disk Size": on_disk}
        return {"Event": "SparkListenerBlockUpdated", "Block Updated Info": info}

    for job, group, step in (
        (0, "measured", "weigh pairs"),
        (1, "other", "weigh pairs"),
        (2, "measured", "count acts"),
    ):
        properties, stages = {"spark.jobGroup.id": group, "spark.job.description": step}, [2 * job, 2 * job + 1]
        yield {"Event": "SparkListenerJobStart", "Job ID": job, "Stage IDs": stages, "Properties": properties}
        yield held(f"rdd_9_{job}", 500 if group == "other" else 5)
        yield {"Event": "SparkListenerUnpersistRDD", "RDD ID": 9}
    for stage in (0, 1, 2, 4):
        yield {"Event": "SparkListenerTaskEnd", "Stage ID": stage, "Task Metrics": {
            "Executor CPU Time": (stage + 1) * 10**9, "Peak Execution Memory": 100 * (5 - stage), "Disk Bytes Spilled": 7,
            "Input Metrics": {"Bytes Read": 10, "Records Read": 2}, "Output Metrics": {"Bytes Written": 3},
            "Shuffle Write Metrics": {"Shuffle Bytes Written": 11},
        }}  # fmt: skip
    yield {"Event": "SparkListenerTaskEnd", "Stage ID": 0}  # lost with its executor
    yield held("rdd_1_0", 50)
    yield held("rdd_1_1", 40)
    yield held("rdd_1_0", 0, 30)
    yield held("broadcast_3", 900)
    yield held("rdd_2_0", 1)
    yield {"Event": "SparkListenerUnpersistRDD", "RDD ID": 1}
    yield held("rdd_2_1", 60)


def test_tasks_are_summed_by_step_and_blocks_at_their_peak(bench: SimpleNamespace) -> None:
    log = bench.event_log.read(map(json.dumps, events()), "measured")
    weigh = bench.event_log.Used(2, 3.0, 4, 20, 6, 22, 14, 500, 2.0)
    assert log.steps == {"weigh pairs": weigh, "count acts": bench.event_log.Used(1, 5.0, 2, 10, 3, 11, 7, 100, 5.0)}
    assert log.kept_bytes == 90
