"""The real thing: `infra/up.sh` with its scheduler, dag-processor and api-server, and a backfill of real days in it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from jobs.places import ROOT
from jobs.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.runs import RUNS
from schemas.scores import SCORES

UP = ("bash", str(ROOT / "infra" / "up.sh"))
BIN = Path(sys.prefix) / "bin"
FIRST_DAY, LAST_DAY = "2012-07-01", "2012-07-03"
READY_S, BACKFILL_S, STOP_S = 120, 600, 40  # patience, on a machine that is busy with other things


@dataclass
class Up:
    """A running `infra/up.sh`, and what it said."""

    process: subprocess.Popen
    home: Path
    said: Path
    environment: dict[str, str]

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(STOP_S)

    def processes(self) -> dict[str, str]:
        """Process id -> command of everything that works for this home, whoever its parent is by now."""
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if f"AIRFLOW_HOME={self.home}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found[folder.name] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # ended meanwhile, or of another user
        return found


def wait_until(found: Callable[[], Any], seconds: float, what: Callable[[], str]) -> Any:
    ends = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < ends, what()
        time.sleep(0.5)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(folder: Path, sources: str, **settings: str) -> dict[str, str]:
    """The user's, without settings of clout and Airflow, and with all that is written under `folder`."""
    listed = folder / "sources.yaml"
    listed.write_text(f"- source: {json.dumps(sources)}\n", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW"))}
    return kept | {
        "CLOUT_VENV": sys.prefix,
        "CLOUT_SOURCES": str(listed),
        "CLOUT_WAREHOUSE": str(folder / "warehouse"),
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__API__PORT": str(free_port()),
        "JAVA_TOOL_OPTIONS": "-XX:TieredStopAtLevel=1",  # half the processor time of a JVM that lives for seconds
        **settings,
    }


@contextmanager
def up(folder: Path, environment: dict[str, str]) -> Iterator[Up]:
    """Airflow, ready; killed at the end if it was not stopped."""
    said = folder / "said.txt"
    with said.open("wb") as stream:
        process = subprocess.Popen(UP, env=environment, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL)
    started = Up(process, folder / "home", said, environment)
    try:
        wait_until(lambda: "to stop:" in said.read_text() or process.poll() is not None, READY_S, said.read_text)
        assert process.poll() is None, said.read_text()
        yield started
    finally:
        process.kill()
        for process_id in started.processes():
            os.kill(int(process_id), signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_in_the_middle_of_a_task_leaves_nothing(number, tmp_path):
    # The nightly run of yesterday begins at once; so many people keep it at work for some seconds.
    with up(tmp_path, environment(tmp_path, "sample=people=400000")) as started:
        warehouse = Warehouse(started.environment["CLOUT_WAREHOUSE"])

        def pulls() -> list[str]:
            return warehouse.read(RUNS)["status"].to_pylist() if warehouse.exists() else []

        wait_until(pulls, READY_S, lambda: str(started.processes()))
        assert started.stop(number) == 0
        assert started.processes() == {}
        assert started.said.read_text().endswith("clout: stopping\n")
        assert pulls() == ["failed"]


@pytest.fixture(scope="module")
def source(data) -> str:
    return f"higgs={data('twitter-higgs/higgs-activity_time.txt.gz')}"


@pytest.fixture(scope="module")
def airflow(source, tmp_path_factory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("airflow")
    # Nightly runs stay out of it; runs of a backfill are not the scheduler's to create.
    with up(folder, environment(folder, source, AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False")) as started:
        yield started
        assert started.stop(signal.SIGINT) == 0
        assert started.processes() == {}


@pytest.fixture(scope="module")
def by_hand(source, tmp_path_factory) -> Iterator[Callable[[], pa.Table]]:
    """`scores` as `clout run` writes them, at work meanwhile."""
    folder = tmp_path_factory.mktemp("by-hand")
    asked = ("run", "--source", source, "--first-day", FIRST_DAY, "--last-day", LAST_DAY)
    said = (folder / "said.txt").open("w+b")
    process = subprocess.Popen((BIN / "clout", *asked), env=environment(folder, source), stdout=said, stderr=said)

    def scores() -> pa.Table:
        assert process.wait(BACKFILL_S) == 0, (folder / "said.txt").read_text()
        return Warehouse(str(folder / "warehouse")).read(SCORES)

    yield scores
    process.kill()
    said.close()


def test_a_second_start_is_refused(airflow):
    told = subprocess.run(UP, env=airflow.environment, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert f"Airflow of {airflow.home} is running already" in told.stderr


def test_a_taken_port_is_told(airflow, tmp_path):
    other = airflow.environment | {"AIRFLOW_HOME": str(tmp_path)}
    told = subprocess.run(UP, env=other, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert f"port {airflow.environment['AIRFLOW__API__PORT']} is taken; to mend: AIRFLOW__API__PORT=" in told.stderr


def test_two_backfills_write_what_clout_run_writes(airflow, by_hand):
    address, user, password = re.search(
        r"^Airflow is ready: (\S+), user (\S+), password (\S+)$", airflow.said.read_text(), re.MULTILINE
    ).groups()
    login = httpx.post(f"{address}/auth/token", json={"username": user, "password": password}, timeout=60)
    api = httpx.Client(
        base_url=f"{address}/api/v2",
        headers={"Authorization": f"Bearer {login.json()['access_token']}"},
        timeout=60,
    )
    for dag_id in ("pull_activity", "score_influence"):
        backfill(airflow, api, dag_id)
    assert api.get("/dags").json()["total_entries"] == 2
    assert not any(dag["is_paused"] for dag in api.get("/dags").json()["dags"])

    published = Warehouse(airflow.environment["CLOUT_WAREHOUSE"]).read(SCORES)
    assert sorted(map(str, published["day"].unique().to_pylist())) == [FIRST_DAY, "2012-07-02", LAST_DAY]
    assert sorted_by_grain(SCORES, published).equals(sorted_by_grain(SCORES, by_hand()))


def backfill(airflow: Up, api: httpx.Client, dag_id: str) -> None:
    """As somebody types it beside a running Airflow, who has nothing but its home."""
    asked = ("backfill", "create", "--dag-id", dag_id, "--from-date", FIRST_DAY, "--to-date", LAST_DAY)
    home = {"AIRFLOW_HOME": str(airflow.home), "PATH": os.environ["PATH"]}
    told = subprocess.run((BIN / "airflow", *asked), env=home, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr

    def states() -> list[str]:
        return [run["state"] for run in api.get(f"/dags/{dag_id}/dagRuns").json()["dag_runs"]]

    ended = {"success", "failed"}
    wait_until(lambda: len(states()) == 3 and ended.issuperset(states()), BACKFILL_S, lambda: f"{dag_id}: {states()}")
    assert states() == ["success"] * 3, failures(airflow)
    tasks = api.get(f"/dags/{dag_id}/dagRuns/~/taskInstances").json()["task_instances"]
    assert {task["try_number"] for task in tasks} == {1}, failures(airflow)


def failures(airflow: Up) -> str:
    logs = sorted((airflow.home / "logs").glob("dag_id=*/**/*.log"))
    return "\n".join(f"{path}\n{path.read_text()[-3000:]}" for path in logs)
