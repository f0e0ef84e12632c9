"""Pools: created once, left as an operator set them, and given to each mapped pull by the scheduler's policy."""

import json
import os
import subprocess
import sys

import pytest

from tests.dags.up import list_sources

# In a process and a database of its own: what a scheduler does between the task `pulls` and its mapped pulls.
SCHEDULER = """
import json
from datetime import UTC, datetime
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.dagrun import DagRun
from airflow.models.pool import Pool
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskmap import TaskMap
from airflow.models.xcom import XComModel
from airflow.utils.db import initdb
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType, DagRunType

from dags import pools
from jobs.places import ROOT

initdb()
with create_session() as session:
    Pool.create_or_update_pool("source_b", slots=5, description="an operator's", include_deferred=False, session=session)
with create_session() as session:
    created = pools.create(session)
with create_session() as session:
    again = pools.create(session)
    kept = session.query(Pool.slots).filter(Pool.pool == "source_b").scalar()
    from airflow.models.dagbundle import DagBundleModel
    session.add(DagBundleModel(name="clout"))
sync_bag_to_db(DagBag(dag_folder=str(ROOT / "dags"), bundle_name="clout"), "clout", None)
with create_session() as session:
    day = datetime(2026, 11, 3, tzinfo=UTC)
    dag = SerializedDagModel.get_dag("pull_activity", session=session)
    run = dag.create_dagrun(
        run_id="test", logical_date=day, data_interval=(day, day), run_after=day, run_type=DagRunType.MANUAL,
        triggered_by=DagRunTriggeredByType.TEST, state=DagRunState.RUNNING, session=session,
    )
    asked = [{"source": name, "pool": f"source_{name}", "arguments": []} for name in ("a", "b", "unknown")]
    first = run.get_task_instance("pulls", session=session)
    first.state = TaskInstanceState.SUCCESS
    XComModel.set(
        key="return_value", value=asked, dag_id="pull_activity", task_id="pulls", run_id="test", serialize=False,
        session=session,
    )
    session.add(TaskMap.from_task_instance_xcom(first, asked))
    session.flush()
    TaskMap.expand_mapped_task(dag.get_task("pull"), "test", session=session)
    run.verify_integrity(dag_version_id=run.created_dag_version_id, session=session)  # as the scheduler does later
    given = {ti.map_index: ti.pool for ti in run.get_task_instances(session=session) if ti.task_id == "pull"}
print(json.dumps({"created": sorted(created), "again": again, "kept": kept, "given": given}))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict:
    folder = tmp_path_factory.mktemp("pools")
    list_sources(folder / "sources.yaml", "a:sample=seed=1", "b:sample=seed=2")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW"))}
    own = {"AIRFLOW_HOME": str(folder), "CLOUT_SOURCES": str(folder / "sources.yaml")}
    ran = subprocess.run([sys.executable, "-c", SCHEDULER], env=kept | own, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    return json.loads(ran.stdout.splitlines()[-1])


def test_missing_pools_are_created_and_others_left_alone(said: dict) -> None:
    assert said["created"] == ["source_a", "spark"]
    assert (said["again"], said["kept"]) == ([], 5)


def test_each_mapped_pull_gets_the_pool_of_its_source_if_it_exists(said: dict) -> None:
    assert said["given"] == {"0": "source_a", "1": "source_b", "2": "default_pool"}
