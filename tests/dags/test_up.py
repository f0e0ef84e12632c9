"""`infra/up.sh` as a process: it starts once, on a free port, and stops without leaving anything."""

import signal
import subprocess
from pathlib import Path
from signal import Signals

import pytest

from jobs.warehouse.storage import Warehouse
from schemas.runs import RUNS
from tests.dags.up import COMMAND, READY_S, environment, up, wait_until, webhook

pytestmark = pytest.mark.rehearsal


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_in_the_middle_of_a_task_leaves_nothing(number: Signals, tmp_path: Path) -> None:
    # The nightly run of yesterday begins at once; this number of people keeps it busy for some seconds.
    with webhook() as receiver, up(
        tmp_path,
        environment(
            tmp_path,
            "sample=people=400000",
            CLOUT_DEADLINE="00:00",  # passed, whenever this test runs
            AIRFLOW_CONN_CLOUT_NOTIFY=receiver.url,
        ),
    ) as started:  # fmt: skip
        warehouse = Warehouse(started.environment["CLOUT_WAREHOUSE"])

        def pulls() -> list[str]:
            return warehouse.read(RUNS)["status"].to_pylist() if warehouse.exists() else []

        wait_until(pulls, READY_S, lambda: str(started.processes()))
        late = {"what": "score_influence missed its deadline", "runbook": "infra/runbooks/late_or_missing_day.md"}
        wait_until(lambda: receiver.about(**late), READY_S, lambda: str(receiver.notices))
        assert started.stop(number) == 0
        assert started.processes() == {}
        assert started.said.read_text().endswith("clout: stopping\n")
        assert pulls() == ["failed"]


def test_a_second_start_is_refused_and_a_taken_port_is_named(tmp_path: Path) -> None:
    with up(tmp_path, environment(tmp_path, "sample", AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False")) as started:
        again = subprocess.run(COMMAND, env=started.environment, capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert f"Airflow of {started.home} is running already" in again.stderr
        other = started.environment | {"AIRFLOW_HOME": str(tmp_path / "other")}
        beside = subprocess.run(COMMAND, env=other, capture_output=True, text=True, check=False)
        assert beside.returncode == 1
        assert (
            f"port {started.environment['AIRFLOW__API__PORT']} is taken; to fix it: AIRFLOW__API__PORT="
            in beside.stderr
        )
