"""Airflow's connection names a Spark cluster, the warehouse is in an object store, and nothing else is changed: a real day has
the same rows."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

from jobs.days import ONE_DAY
from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.cluster import ENVIRONMENT, SETTINGS, Cluster
from tests.fixture_types import FindFile
from tests.jobs import higgs as week
from tests.object_store import SECRETS, ObjectStore
from tests.tiny_days import settings_file

BIN = Path(sys.prefix) / "bin"
LAST = date(2012, 7, 2)  # the week's first two days: 20 thousand acts
MOST_NOT_COUNTED = 150  # by the wait, which is no run, and after runs have ended
MOST_REQUESTS = 1000  # of a night: count, score, check and publish a window of two days
RUN_S = 900  # patience, on a machine that is busy with other things


def test_a_real_day_has_the_same_rows(
    cluster: Cluster,
    data: FindFile,
    store: ObjectStore,
    store_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    """Counted, scored and published, against DuckDB, the disk and engine memory on this machine.

    Executors find no Python: nothing but expressions of Spark SQL reaches them. Their master and workers began without the
    secrets of the store, which only the driver gives them.
    """
    here = Warehouse(str(tmp_path / "here"))
    week.pull(here, data, LAST)
    warehouse = Warehouse(store.put(Path(here.root), "cluster"))
    week.score(here, LAST)
    sources = tmp_path / "sources.yaml"
    sources.write_text(f"- source: {json.dumps(week.source_of(data))}\n", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW"))}
    environment = kept | ENVIRONMENT | store_environment | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYSPARK_DRIVER_PYTHON": sys.executable,
        "PYSPARK_PYTHON": "/nowhere/python",
        "CLOUT_DEADLINE": "off",  # `airflow dags test` of Airflow 3.3.2 ends in an error if a DAG has a deadline
        "CLOUT_SOURCES": str(sources),
        "CLOUT_SPARK_SETTINGS": str(settings_file(tmp_path, SETTINGS)),
        "CLOUT_WAREHOUSE": warehouse.root,
        "CLOUT_MEMORY_GB": "0.001",  # too little for DuckDB and engine `memory`, so that the cluster counts and scores
        "AIRFLOW_HOME": str(tmp_path / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW_CONN_SPARK_DEFAULT": cluster.master,
    }  # fmt: skip

    def run(*command: str | Path) -> str:
        output = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=RUN_S, check=False,
        )  # fmt: skip
        assert output.returncode == 0, output.stdout
        return output.stdout

    before = [len(list(folder.glob("app-*/*"))) for folder in cluster.work]
    run(sys.executable, "-c", "from airflow.utils.db import initdb; initdb()")
    ended = LAST + ONE_DAY  # a run by hand covers the day that ended then
    store.clients()
    output = run(BIN / "airflow", "dags", "test", "score_influence", str(ended))
    asked = store.clients()
    assert asked.total() <= MOST_REQUESTS
    assert SECRETS["AWS_SECRET_ACCESS_KEY"] not in output
    assert [key for key in store.objects() if "staging" in key] == []

    for table in (ENGAGEMENT, INFLUENCE, SCORES):
        ours, theirs = (sorted_by_grain(table, of.read(table)) for of in (warehouse, here))
        assert ours.num_rows == theirs.num_rows > 0, output
        assert ours.equals(theirs), table.name
    assert {row["job"]: row["engine"] for row in warehouse.read(RUNS).to_pylist()}["influence"] == "spark"
    counts = [json.loads(row["counts"]) for row in warehouse.read(RUNS).to_pylist()]
    counted = {client: sum(row.get(f"store_requests_{client}", 0) for row in counts) for client in asked}
    assert asked.total() - sum(counted.values()) <= MOST_NOT_COUNTED, f"{counted} of {asked}"
    # Executors made almost half of Spark's. One that is stopped on a busy machine may not have reported its last ones.
    assert 0.95 * asked["spark"] <= counted["spark"] <= asked["spark"], f"{counted} of {asked}"
    # Counting and scoring each had an executor on each worker.
    assert [len(list(folder.glob("app-*/*"))) for folder in cluster.work] == [count + 2 for count in before]
