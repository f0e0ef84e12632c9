"""The DAGs as they are read: what each task would run for one day, in golden files, and when.

After a change that is meant, `CLOUT_WRITE_GOLDEN=1 pytest tests/dags/test_dags.py` writes the golden files again.
"""

import json
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, CronDataIntervalTimetable

from dags import common, pull_activity, score_influence
from jobs import readiness
from jobs.errors import UsageError
from jobs.places import ROOT
from jobs.session import jars

GOLDEN = Path(__file__).parent / "golden"
DAY = datetime(2012, 7, 2, tzinfo=UTC)
CONTEXT = {"data_interval_start": DAY, "data_interval_end": DAY + timedelta(days=1), "params": {"wait_hours": 6}}
DAGS = {"pull_activity": pull_activity.dag, "score_influence": score_influence.dag}

SOURCES = """
- source: higgs=/data/higgs activity.txt.gz
- source: gh:gharchive=/data/2012-07-01.json.gz
- source: gh:gharchive=/data/2012-07-02.json.gz
- source: reddit=/data/reddit.zst
  enabled: false
"""


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(SOURCES, encoding="utf-8")
    monkeypatch.setenv("CLOUT_SOURCES", str(path))
    monkeypatch.setenv("CLOUT_WAREHOUSE", "/warehouse")
    return path


def rendered(task: Any) -> dict[str, Any]:
    """The template fields that hold something, rendered for the day; what differs between machines by name."""
    task = task.prepare_for_execution()
    task.render_template_fields({**CONTEXT, "task": task})
    fields = {name: value for name in task.template_fields if (value := getattr(task, name)) not in (None, {}, ())}
    text = json.dumps(fields, indent=2)
    for found, name in ((",".join(jars()), "<jars>"), (ROOT.as_uri(), "<file:root>"), (str(ROOT), "<root>")):
        text = text.replace(found, name)
    return json.loads(text)


def pull_commands() -> list[str]:
    task = pull_activity.dag.get_task("commands").prepare_for_execution()
    task.render_template_fields({**CONTEXT, "task": task})
    return task.python_callable(*task.op_args)


def compare(name: str, found: Any) -> None:
    path = GOLDEN / f"{name}.json"
    if os.environ.get("CLOUT_WRITE_GOLDEN"):
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


def test_jars_are_there_to_be_named():
    assert jars()


@pytest.mark.parametrize("task_id", ["wait_for_pulls", "engagement", "influence", "checks", "publish"])
def test_rendered_arguments_of_score_influence(task_id):
    compare(f"score_influence.{task_id}", rendered(score_influence.dag.get_task(task_id)))


def test_rendered_arguments_of_pull_activity():
    mapped = pull_activity.dag.get_task("pull")
    pulls = [rendered(mapped.unmap({"bash_command": command})) for command in pull_commands()]
    compare("pull_activity.pull", pulls)


def test_every_task_has_a_golden_file():
    named = {f"{dag_id}.{task_id}.json" for dag_id, dag in DAGS.items() for task_id in dag.task_ids}
    assert named - {"pull_activity.commands.json"} == {path.name for path in GOLDEN.iterdir()}


def test_a_source_that_reads_like_a_template_or_a_script_is_taken_literally(sources):
    sources.write_text("- source: higgs=/data/{{ ds }}/$HOME/it's.sh", encoding="utf-8")
    (command,) = pull_commands()
    pull = pull_activity.dag.get_task("pull").unmap({"bash_command": command})
    assert not pull.bash_command.endswith(tuple(pull.template_ext))
    told = subprocess.run(
        ["bash", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True
    ).stdout
    assert "higgs:higgs=/data/{{ ds }}/$HOME/it's.sh" in told.splitlines()


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_a_run_covers_one_utc_day_and_needs_no_other_run(dag: DAG):
    assert dag.timetable == CronDataIntervalTimetable("0 0 * * *", timezone="UTC")
    assert not dag.catchup
    assert not any(task.depends_on_past for task in dag.tasks)


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_documentation_names_what_to_read_next(dag: DAG):
    assert dag.doc_md.count("infra/runbooks/") >= 2
    assert all(word in dag.doc_md for word in ("**Arrives**", "**Read by**", "**When it fails**"))


def test_steps_of_a_scored_day_are_in_order_and_readers_wake_after_the_last():
    task_id, order = "wait_for_pulls", ["wait_for_pulls"]
    while following := score_influence.dag.get_task(task_id).downstream_task_ids:
        (task_id,) = following
        order.append(task_id)
    assert order == ["wait_for_pulls", "engagement", "influence", "checks", "publish"]
    outlets = {task.task_id: task.outlets for dag in DAGS.values() for task in dag.tasks if task.outlets}
    assert outlets == {"publish": [Asset("scores")]}


def test_waiting_holds_no_slot():
    assert score_influence.dag.get_task("wait_for_pulls").mode == "reschedule"


class TestWait:
    """The sensor's callable, `missing` aside: when it goes on, and what it tells."""

    def wait(self, monkeypatch, found: list[str], started_before: timedelta, wait_hours: str = "6") -> Any:
        monkeypatch.setattr(readiness, "missing", lambda warehouse, sources, first_day, day, now: found)
        run = SimpleNamespace(start_date=datetime.now(UTC) - started_before)
        task = score_influence.dag.get_task("wait_for_pulls")
        return task.python_callable("2012-07-02", "/warehouse", wait_hours, dag_run=run)

    def test_goes_on_when_nothing_is_missing(self, monkeypatch):
        answer = self.wait(monkeypatch, [], timedelta(minutes=1))
        assert (answer.is_done, answer.xcom_value) == (True, [])

    def test_waits_while_the_run_is_young(self, monkeypatch):
        assert not self.wait(monkeypatch, ["source a: no coverage"], timedelta(hours=5, minutes=59)).is_done

    def test_goes_on_without_it_when_the_run_is_old_and_says_so(self, monkeypatch, caplog):
        with caplog.at_level(logging.WARNING):
            answer = self.wait(monkeypatch, ["source a: no coverage"], timedelta(hours=6))
        assert (answer.is_done, answer.xcom_value) == (True, ["source a: no coverage"])
        assert caplog.messages == ["source a: no coverage; scoring without it"]

    def test_need_not_wait(self, monkeypatch):
        assert self.wait(monkeypatch, ["source a: no coverage"], timedelta(0), wait_hours="0").is_done

    def test_asks_for_the_enabled_sources_and_the_official_window(self, monkeypatch):
        asked = []
        monkeypatch.setattr(readiness, "missing", lambda *arguments: asked.extend(arguments[1:4]) or [])
        run = SimpleNamespace(start_date=datetime.now(UTC))
        score_influence.dag.get_task("wait_for_pulls").python_callable("2012-07-02", "/warehouse", "6", dag_run=run)
        assert asked == [["higgs", "gh"], DAY.date() - timedelta(days=179), DAY.date()]


class TestWarehouse:
    """One for all tasks of a night."""

    @pytest.fixture(autouse=True)
    def no_choice(self, monkeypatch, tmp_path):
        monkeypatch.delenv("CLOUT_WAREHOUSE")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def test_real_data_and_the_simulation_have_their_own(self, sources, tmp_path):
        assert common.warehouse() == str(tmp_path / "clout" / "warehouse")
        sources.write_text("- source: sample", encoding="utf-8")
        assert common.warehouse() == str(tmp_path / "clout" / "sample")

    @pytest.mark.parametrize(
        ("listed", "fault"), [("- source: sample\n- source: gharchive=", "mixed"), ("[]", "no source")]
    )
    def test_where_it_cannot_be_told_the_task_fails(self, sources, listed, fault):
        sources.write_text(listed, encoding="utf-8")
        with pytest.raises(UsageError, match=fault):
            common.warehouse()


def test_airflow_reads_them_without_a_fault_or_anything_heavy(tmp_path):
    """The dag-processor reads the files again and again, each time in a new process."""
    script = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
from airflow.providers.standard.operators.bash import BashOperator
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
assert set(bag.dags) == {"pull_activity", "score_influence"}, bag.dags
heavy = {"pyspark", "pyarrow", "deltalake", "duckdb", "numpy"} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "dags")], env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr


def test_nothing_of_airflow_2_is_left():
    told = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "AIR", ROOT / "dags"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == 0, told.stdout
