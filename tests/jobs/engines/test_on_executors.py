"""Engine `spark` and a night on a cluster whose executors hold far less than the data, and some of which are killed in the
middle."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pyarrow.parquet as pq
import pytest

from jobs import pull_activity
from jobs.engines.memory import influence, numbered
from jobs.places import ROOT
from jobs.sources.spec import parse_specs
from jobs.spark_steps import DESCRIPTION
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.table import Table
from tests.cluster import ENVIRONMENT, SETTINGS, Cluster
from tests.jobs.engines.on_executors import ADDING, FIRST, GROUP, LARGER, SMALLER, STEPS, night
from tests.tiny_days import settings_file

SCRIPT = Path(__file__).with_name("on_executors.py")
PEOPLE = 5_000  # of the nights, who act 8,000 times a day
FAILURES = {"ExecutorLostFailure", "FetchFailed", "Resubmitted"}
RUN_S = 900  # patience, on a machine that is busy with other things

# A driver that could hold none of it; executors that keep 5 % of what is left of 512 MB, 10 MB each, for rows. Spark sends
# small tables to all executors by way of the driver, up to a fixed size: here none, so that whatever comes is a result. The
# driver remembers one of everything that ran: by default it remembers a thousand, which say nothing of people or edges.
SMALL = """
spark.driver.memory                     512m
spark.driver.maxResultSize              512k
spark.executor.memory                   512m
spark.memory.fraction                   0.05
spark.sql.autoBroadcastJoinThreshold    -1
spark.sql.adaptive.enabled              true
spark.ui.retainedJobs                   1
spark.ui.retainedStages                 1
spark.ui.retainedTasks                  1
spark.ui.retainedDeadExecutors          1
spark.sql.ui.retainedExecutions         1
spark.eventLog.enabled                  true
spark.eventLog.compress                 false
spark.eventLog.rolling.enabled          false
"""


@dataclass(frozen=True)
class Ran:
    """What the script left: its folder, what the driver held after later graphs in bytes, and Spark's own log of events."""

    folder: Path
    held: dict[int, int]
    events: list[dict[str, Any]]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["Event"] == f"SparkListener{kind}"]

    def adding(self) -> dict[int, int]:
        """Stage -> job, of the jobs that the engine ran on the graphs."""
        jobs = [job for job in self.of("JobStart") if job["Properties"].get(GROUP) == ADDING]
        return {stage: job["Job ID"] for job in jobs for stage in job["Stage IDs"]}


def pull(warehouse: Warehouse) -> None:
    """Two simulated days."""
    warehouse.create_tables()
    (source,) = parse_specs([f"sample=people={PEOPLE}"])
    days = pull_activity.Params(source=source, first_day=date(2026, 11, 2), last_day=date(2026, 11, 3))
    pull_activity.run(warehouse, days, Batch("pull"))


def session_refused() -> NoReturn:
    """For a night without Spark."""
    raise AssertionError("a session was asked for")


@pytest.fixture(scope="module")
def ran(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    folder = tmp_path_factory.mktemp("executors")
    log = folder / "events"
    log.mkdir()
    pull(Warehouse(str(folder / "warehouse")))
    settings = settings_file(folder, SETTINGS + SMALL + f"spark.eventLog.dir {log.as_uri()}\n")
    environment = os.environ | ENVIRONMENT | {
        "PYTHONPATH": str(ROOT),
        "CLOUT_SPARK_MASTER": cluster.master,
        "CLOUT_SPARK_SETTINGS": str(settings),
    }  # fmt: skip
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, SCRIPT, folder],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
        try:
            output, _ = process.communicate(timeout=RUN_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, (folder / "said.txt").read_text()
    night(session_refused, shutil.copytree(folder / "warehouse", folder / "night-0"), "memory")
    (events,) = log.iterdir()
    held = {int(count): size for count, size in json.loads(output).items()}
    return Ran(folder, held, [json.loads(line) for line in events.read_text().splitlines()])


@pytest.mark.parametrize("count", [FIRST, SMALLER, LARGER])
def test_the_same_bits(ran: Ran, count: int) -> None:
    edges, sums = (pq.read_table(ran.folder / f"{name}-{count}") for name in ("edges", "sums"))
    people, src, dst = numbered(edges["src"], edges["dst"])
    expected = influence(src, dst, edges["a"].to_numpy(), len(people)).sums
    found = sums.sort_by("id")
    assert found["id"].combine_chunks().equals(people)
    for name, whole in zip(("one", "two", "three"), expected, strict=True):
        assert np.array_equal(found[name].to_numpy(), whole), name
    assert len(edges) > 0.9 * count
    assert (expected[2] > 0).sum() > 0.1 * len(people)


@pytest.mark.parametrize("table", [ENGAGEMENT, INFLUENCE], ids=lambda table: table.name)
def test_a_night_has_the_same_rows_on_any_number_of_workers(ran: Ran, table: Table) -> None:
    """Also on none, where DuckDB counts and scores in this process."""
    none, one, two = (
        sorted_by_grain(table, Warehouse(str(ran.folder / f"night-{count}")).read(table)) for count in (0, 1, 2)
    )
    assert none.num_rows > PEOPLE / 2
    assert one.equals(none)
    assert two.equals(none), "other rows after workers were killed"


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_was_lost_in_each_step(ran: Ran, step: str) -> None:
    """And with it work of that step, which was done again."""
    stages = {
        stage for job in ran.of("JobStart") if job["Properties"].get(DESCRIPTION) == step for stage in job["Stage IDs"]
    }
    assert "Command exited with code 137" in {lost["Removed Reason"] for lost in ran.of("ExecutorRemoved")}
    tasks = [task for task in ran.of("TaskEnd") if task["Stage ID"] in stages]
    # Work of a stage that had ended is done again by a further attempt of the stage, without a failure.
    assert any(task["Stage Attempt ID"] or task["Task End Reason"]["Reason"] in FAILURES for task in tasks)


def test_executors_spilled(ran: Ran) -> None:
    """While the engine added; what made its edges spills too."""
    stages = ran.adding()
    tasks = [task for task in ran.of("TaskEnd") if task["Stage ID"] in stages and "Task Metrics" in task]
    assert sum(task["Task Metrics"]["Disk Bytes Spilled"] for task in tasks) > 10e6


def test_the_driver_holds_neither_people_nor_edges(ran: Ran) -> None:
    """Ten times as many of both: what it holds of its heap is the same, and no job brings it more than what tasks say of
    themselves."""
    as_bare_numbers = 3 * 8 * (LARGER - SMALLER)  # src, dst, a: the least that a driver could hold them in
    assert ran.held[LARGER] - ran.held[SMALLER] < 0.9 * as_bare_numbers
    job, results = ran.adding(), defaultdict[int, int](int)
    for task in ran.of("TaskEnd"):
        if task["Stage ID"] in job:
            results[job[task["Stage ID"]]] += task.get("Task Metrics", {}).get("Result Size", 0)
    assert max(results.values()) < 256e3
