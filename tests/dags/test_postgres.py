"""Airflow on PostgreSQL: the same backfill writes the same scores."""

import os
import signal
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.scores import SCORES
from tests import postgres
from tests.dags.conftest import DAYS, FIRST_DAY, LAST_DAY, SOURCE
from tests.dags.up import environment, up

# In CI infra/test.sh installs it.
pytestmark = [
    pytest.mark.rehearsal,
    pytest.mark.skipif(
        postgres.programs() is None and not os.environ.get("CI"),
        reason="no PostgreSQL server; to install: apt-get install postgresql",
    ),
]


def test_a_backfill_writes_what_clout_run_writes(by_hand: pa.Table, tmp_path: Path) -> None:
    installed = postgres.programs()
    assert installed is not None
    settings = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}
    with (
        postgres.server(installed) as address,
        up(tmp_path, environment(tmp_path, SOURCE, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=address, **settings)) as airflow,
    ):
        api = airflow.api()
        for dag_id in ("pull_activity", "score_influence"):
            runs = airflow.backfill(api, dag_id, FIRST_DAY, LAST_DAY, "--max-active-runs", "4")
            assert [run["state"] for run in runs] == ["success"] * len(DAYS), airflow.logs()
        tasks = api.get("/dags/~/dagRuns/~/taskInstances").json()["task_instances"]
        assert {task["pool"] for task in tasks} == {"default_pool", "source_sample", "spark"}
        assert {task["try_number"] for task in tasks} == {1}, airflow.logs()
        assert not (airflow.home / "airflow.db").exists()
        assert airflow.stop(signal.SIGINT) == 0
    published = Warehouse(str(tmp_path / "warehouse")).read(SCORES)
    assert sorted_by_grain(SCORES, published).equals(by_hand)
