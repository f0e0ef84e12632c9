"""The DAGs as they are read: what each task would run for one day, in golden files, and when.

After a change that is meant, `CLOUT_WRITE_GOLDEN=1 pytest tests/dags/test_dags.py` writes the golden files again.
"""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import DAG, Asset, AssetAlias, CronDataIntervalTimetable
from airflow.sdk.execution_time import macros
from airflow.serialization.serialized_objects import DagSerialization

from dags import common, lineage, maintain, pull_activity, repair, score_influence, validate
from jobs.errors import UsageError
from jobs.night_settings import nights
from jobs.places import ROOT
from jobs.sources.types import TYPES

GOLDEN = Path(__file__).parent / "golden"
DAY = datetime(2012, 7, 2, tzinfo=UTC)  # a Monday
PARAMS = {"wait_hours": 7, "accept": None}
CONTEXT = {
    "data_interval_start": DAY,
    "data_interval_end": DAY + timedelta(days=1),
    "params": PARAMS,
    "macros": macros,
}
DAGS = {
    "pull_activity": pull_activity.dag,
    "score_influence": score_influence.dag,
    "repair": repair.dag,
    "maintain": maintain.dag,
    "validate": validate.dag,
}
TASKS = [f"{dag_id}.{task_id}" for dag_id, dag in DAGS.items() for task_id in dag.task_ids]
MAPPED, ITS_ARGUMENTS = "pull_activity.pull", "pull_activity.pulls"

SOURCES = """
- source: higgs=/data/higgs activity.txt.gz
- source: gh:gharchive=/data/2012-07-01.json.gz
- source: gh:gharchive=/data/2012-07-02.json.gz
- source: late:higgs=/data/late.txt
  from: 2012-07-03
- source: reddit=/data/reddit.zst
  enabled: false
- source: jetstream=/data/later
  from: 2023-01-01
"""


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "sources.yaml"
    path.write_text(SOURCES, encoding="utf-8")
    monkeypatch.setenv("CLOUT_SOURCES", str(path))
    monkeypatch.setenv("CLOUT_WAREHOUSE", "/warehouse")
    return path


def rendered(task: Any, **params: Any) -> dict[str, Any]:
    """The template fields that hold something, rendered for the day; what differs between machines by name."""
    task = task.prepare_for_execution()
    ours = task.dag.user_defined_macros
    task.render_template_fields({**CONTEXT, **ours, "params": PARAMS | params, "task": task})
    fields = {name: value for name in task.template_fields if (value := getattr(task, name)) not in (None, {}, ())}
    text = json.dumps(fields, indent=2)
    for here, name in ((ROOT.as_uri(), "<file:root>"), (str(ROOT), "<root>")):
        text = text.replace(here, name)
    return json.loads(text)


def task_of(name: str) -> Any:
    dag_id, _, task_id = name.partition(".")
    return DAGS[dag_id].get_task(task_id)


def pull_arguments() -> list[dict[str, Any]]:
    task = task_of(ITS_ARGUMENTS).prepare_for_execution()
    task.render_template_fields({**CONTEXT, "task": task})
    return task.python_callable(*task.op_args)


def compare(name: str, found: Any) -> None:
    path = GOLDEN / f"{name}.json"
    if os.environ.get("CLOUT_WRITE_GOLDEN"):
        path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    assert found == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", sorted(set(TASKS) - {MAPPED, ITS_ARGUMENTS}))
def test_rendered_arguments(name: str) -> None:
    compare(name, rendered(task_of(name)))


def test_rendered_arguments_of_pull_activity() -> None:
    mapped = task_of(MAPPED)
    compare(MAPPED, [rendered(mapped.unmap(arguments)) for arguments in pull_arguments()])


@pytest.mark.parametrize("name", sorted(set(TASKS) - {MAPPED, ITS_ARGUMENTS}))
def test_every_command_says_what_it_reads_and_writes(name: str) -> None:
    fields = rendered(task_of(name))
    if command := fields.get("arguments") or fields.get("application_args"):
        assert command[0] in lineage.TABLES


def test_spark_has_the_settings_of_infra_unless_somebody_names_others(monkeypatch: pytest.MonkeyPatch) -> None:
    assert common.spark_settings() == str(ROOT / "infra" / "spark-defaults.conf")
    monkeypatch.setenv("CLOUT_SPARK_SETTINGS", "/etc/other.conf")
    assert common.spark_settings() == "/etc/other.conf"


def test_every_task_has_a_golden_file() -> None:
    assert {f"{name}.json" for name in TASKS} - {f"{ITS_ARGUMENTS}.json"} == {path.name for path in GOLDEN.iterdir()}


def test_a_source_that_reads_like_a_template_or_a_script_is_taken_literally(sources: Path) -> None:
    sources.write_text("- source: higgs=/data/{{ ds }}/$HOME/it's.sh", encoding="utf-8")
    (arguments,) = pull_arguments()
    pull = task_of(MAPPED).unmap(arguments)
    assert "higgs:higgs=/data/{{ ds }}/$HOME/it's.sh" in pull.command


def test_each_source_is_pulled_in_its_own_pool_and_every_jvm_in_one() -> None:
    assert [(pull["source"], pull["pool"]) for pull in pull_arguments()] == [
        ("higgs", "source_higgs"),
        ("gh", "source_gh"),
    ]
    pools = {name: task_of(name).pool for name in TASKS}
    in_spark = {name for name, pool in pools.items() if pool == "spark"}
    assert in_spark == {"score_influence.engagement", "score_influence.influence", "repair.repair"}
    assert all(task_of(name).max_active_tis_per_dag is None for name in TASKS)


def test_a_pull_may_take_the_minutes_of_its_budget_and_the_parsing_after_them(sources: Path) -> None:
    accounts = "ask: {instance: https://social.example, accounts: [ana]}"
    sources.write_text(
        f"- {{source: usual, type: mastodon, {accounts}}}\n"
        f"- {{source: large, type: mastodon, {accounts}, budget: {{minutes: 600}}}}\n"
        f"- {{source: small, type: mastodon, {accounts}, budget: {{minutes: 5}}}}\n"
        "- source: higgs=/data\n"
    )
    found = {pull["source"]: task_of(MAPPED).unmap(pull).execution_timeout for pull in pull_arguments()}
    hours = {"usual": 6 + 1, "large": 10 + 1, "small": 2, "higgs": 2}
    assert found == {source: timedelta(hours=most) for source, most in hours.items()}


def test_pulls_have_a_deadline_before_bluesky_forgets_the_day() -> None:
    alerts: Any = pull_activity.dag.deadline
    (alert,) = alerts
    assert timedelta(days=1) < alert.interval <= timedelta(hours=TYPES["bluesky"].memory_hours)


@pytest.mark.parametrize("name", TASKS)
def test_every_task_ends(name: str) -> None:
    assert task_of(name).execution_timeout > timedelta(0)


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_every_run_ends_before_the_next_night_begins(dag: DAG) -> None:
    assert dag.dagrun_timeout
    assert timedelta(0) < dag.dagrun_timeout < timedelta(days=1)


def test_a_pull_is_tried_until_the_day_is_settled() -> None:
    pull = task_of(MAPPED)
    tries = [min(pull.retry_delay * 2**n, pull.max_retry_delay) for n in range(pull.retries)]
    assert sum(tries, timedelta(0)) > timedelta(hours=nights().settle_hours)


def test_an_operator_accepts_a_day_by_a_parameter() -> None:
    publish = task_of("score_influence.publish")
    assert (
        rendered(publish, accept="the world changed; it's true")["arguments"][3]
        == "--accept=the world changed; it's true"
    )
    assert "" not in publish.prepare_for_execution().command


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_the_serialized_dag_holds_no_path_and_no_setting(dag: DAG, tmp_path: Path) -> None:
    text = json.dumps(DagSerialization.to_dict(dag), default=str)
    text = re.sub(r'"(relative_)?fileloc": "[^"]*"', "", text)  # Airflow's own
    for here in (str(ROOT), sys.prefix, "/warehouse", str(tmp_path)):
        assert here not in text.replace("clout://warehouse", ""), here


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_every_dag_names_its_owner(dag: DAG) -> None:
    assert {task.owner for task in dag.tasks} == {"clout"}
    assert dag.owner_links == {"clout": "mailto:clout@localhost"}


@pytest.mark.parametrize(("text", "hours"), [("08:00", 8.0), ("06:30", 6.5)])
def test_the_deadline_is_a_time_of_day(text: str, hours: float) -> None:
    assert common.deadline_of(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["8 o'clock", "08:00+02:00", "08:00:30", "2026-11-03", ""])
def test_a_deadline_that_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"CLOUT_DEADLINE={re.escape(text)}: expected HH:MM"):
        common.deadline_of(text)


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_a_run_covers_one_utc_day_and_needs_no_other_run(dag: DAG) -> None:
    crons = {"repair": "0 10 * * *", "maintain": "0 12 * * 0", "validate": "0 14 * * 1"}
    assert dag.timetable == CronDataIntervalTimetable(crons.get(dag.dag_id, "0 0 * * *"), timezone="UTC")
    assert not dag.catchup
    assert not any(task.depends_on_past for task in dag.tasks)


@pytest.mark.parametrize("dag", DAGS.values(), ids=DAGS)
def test_documentation_names_what_to_read_next(dag: DAG) -> None:
    assert dag.doc_md
    assert dag.doc_md.count("infra/runbooks/") >= 2
    assert all(word in dag.doc_md for word in ("**Arrives**", "**Read by**", "**When it fails**"))


def test_steps_of_a_scored_day_are_in_order_and_readers_wake_after_the_last() -> None:
    task_id, order = "wait_for_pulls", ["wait_for_pulls"]
    while following := score_influence.dag.get_task(task_id).downstream_task_ids:
        (task_id,) = following
        order.append(task_id)
    computed, decided = ["wait_for_pulls", "engagement", "influence"], ["checks", "publish", "report"]
    assert order == [*computed, "wait_for_earlier_days", *decided]
    outlets = {task.task_id: task.outlets for dag in DAGS.values() for task in dag.tasks if task.outlets}
    assert outlets == {
        "publish": [Asset("scores", uri="clout://warehouse/scores")],
        "pull": [AssetAlias("activity")],
    }


class TestWarehouse:
    """One for all tasks of a night."""

    @pytest.fixture(autouse=True)
    def no_choice(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.delenv("CLOUT_WAREHOUSE")
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

    def test_real_data_and_the_simulation_have_their_own(self, sources: Path, tmp_path: Path) -> None:
        assert common.warehouse() == str(tmp_path / "clout" / "warehouse")
        sources.write_text("- source: sample", encoding="utf-8")
        assert common.warehouse() == str(tmp_path / "clout" / "sample")

    @pytest.mark.parametrize(
        ("listed", "fault"), [("- source: sample\n- source: gharchive=", "mixed"), ("[]", "no source")]
    )
    def test_where_it_cannot_be_decided_the_task_fails(self, sources: Path, listed: str, fault: str) -> None:
        sources.write_text(listed, encoding="utf-8")
        with pytest.raises(UsageError, match=fault):
            common.warehouse()


def test_airflow_reads_them_without_a_fault_or_anything_heavy(tmp_path: Path) -> None:
    """The dag-processor reads the files again and again, each time in a new process."""
    script = """
import sys
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator
bag = DagBag(dag_folder=sys.argv[1])
assert not bag.import_errors, bag.import_errors
assert set(bag.dags) == {"pull_activity", "score_influence", "repair", "maintain", "validate"}, bag.dags
heavy = {"pyspark", "pyarrow", "deltalake", "duckdb", "numpy", "aiohttp"} & set(sys.modules)
assert not heavy, heavy
"""
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    process = subprocess.run(
        [sys.executable, "-c", script, str(ROOT / "dags")], env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr


def test_nothing_of_airflow_2_is_left() -> None:
    process = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "AIR", ROOT / "dags"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout
