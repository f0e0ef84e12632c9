"""The real thing: `infra/up.sh` with its scheduler, triggerer, dag-processor and api-server, and backfills of days in it."""

import json
import signal
from collections.abc import Iterator
from itertools import pairwise

import httpx
import pyarrow as pa
import pytest

from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.scores import SCORES
from tests.dags.conftest import DAYS, FIRST_DAY, LAST_DAY, SOURCE
from tests.dags.up import Up, Webhook, environment, list_sources, up, webhook

DAY_AFTER = "2012-07-03"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Webhook]:
    with webhook() as started:
        yield started


@pytest.fixture(scope="module")
def airflow(receiver: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("airflow")
    settings = {
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",  # nightly runs stay out of it; a backfill's runs are not theirs
        "AIRFLOW_CONN_CLOUT_NOTIFY": receiver.url,
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(folder / "lineage.jsonl"), "append": True}
        ),
    }
    with up(folder, environment(folder, SOURCE, **settings)) as started:
        yield started
        assert started.stop(signal.SIGINT) == 0
        assert started.processes() == {}


@pytest.fixture(scope="module")
def api(airflow: Up) -> httpx.Client:
    return airflow.api()


@pytest.fixture(scope="module")
def pulled(airflow: Up, api: httpx.Client) -> list[dict]:
    """The tasks of the pulls."""
    runs = airflow.backfill(api, "pull_activity", FIRST_DAY, LAST_DAY, "--max-active-runs", "10")
    assert [run["state"] for run in runs] == ["success"] * len(DAYS), airflow.logs()
    return api.get("/dags/pull_activity/dagRuns/~/taskInstances").json()["task_instances"]


def published(airflow: Up) -> pa.Table:
    return sorted_by_grain(SCORES, Warehouse(airflow.environment["CLOUT_WAREHOUSE"]).read(SCORES))


def test_every_pull_has_the_pool_of_its_source(pulled: list[dict]) -> None:
    pools = {(task["task_id"], task["pool"]) for task in pulled}
    assert pools == {("pulls", "default_pool"), ("pull", "source_sample")}


@pytest.mark.parametrize("at_once", ["10", pytest.param("1", marks=pytest.mark.rehearsal)])
def test_a_backfill_writes_what_clout_run_writes(
    airflow: Up, api: httpx.Client, pulled: list[dict], by_hand: pa.Table, at_once: str
) -> None:
    again = ("--max-active-runs", at_once, "--reprocess-behavior", "completed")
    runs = airflow.backfill(api, "score_influence", FIRST_DAY, LAST_DAY, *again)
    assert [run["state"] for run in runs] == ["success"] * len(DAYS), airflow.logs()
    tasks = api.get("/dags/score_influence/dagRuns/~/taskInstances").json()["task_instances"]
    assert {task["pool"] for task in tasks if task["task_id"] in ("engagement", "influence")} == {"spark"}
    assert published(airflow).equals(by_hand)
    if at_once == "10":
        assert {task["try_number"] for task in [*pulled, *tasks]} == {1}, airflow.logs()


@pytest.mark.rehearsal
def test_no_two_jvms_ran_side_by_side(api: httpx.Client) -> None:
    tasks = api.get("/dags/score_influence/dagRuns/~/taskInstances").json()["task_instances"]
    spans = sorted(
        (task["start_date"], task["end_date"]) for task in tasks if task["task_id"] in ("engagement", "influence")
    )
    assert len(spans) == 2 * len(DAYS)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


@pytest.mark.rehearsal
def test_assets_say_which_day_arrived_and_what_was_published(airflow: Up, api: httpx.Client, by_hand: pa.Table) -> None:
    events = api.get("/assets/events", params={"limit": 100}).json()["asset_events"]
    by_uri: dict[str, list[dict]] = {}
    for event in events:
        by_uri.setdefault(event["uri"], []).append(event["extra"])
    assert sorted({extra["day"] for extra in by_uri["clout://warehouse/activity/sample"]}) == [*DAYS]
    people = {str(row["day"]): row["count"] for row in _counts(by_hand)}
    for extra in by_uri["clout://warehouse/scores"]:
        assert (extra["methodology"], extra["people"]) == ("2026.11", people[extra["day"]])
        assert len(extra["run"]) == 32


@pytest.mark.rehearsal
def test_lineage_names_what_each_task_reads_and_writes(airflow: Up) -> None:
    root = airflow.environment["CLOUT_WAREHOUSE"].lstrip()
    lines = (airflow.home.parent / "lineage.jsonl").read_text().splitlines()
    ends = [event for event in map(json.loads, lines) if event["eventType"] == "COMPLETE"]
    datasets = {
        event["job"]["name"]: tuple(
            {dataset["name"].removeprefix(f"{root}/") for dataset in event[side] if dataset["namespace"] == "file"}
            for side in ("inputs", "outputs")
        )
        for event in ends
    }
    assert datasets["pull_activity.pull"][1] == {"activity", "accounts", "rejects", "coverage"}
    assert datasets["score_influence.engagement"] == ({"activity", "coverage"}, {"engagement"})
    assert datasets["score_influence.influence"] == ({"engagement", "accounts", "coverage"}, {"influence"})
    assert datasets["score_influence.checks"][0] >= {"influence"}
    assert datasets["score_influence.publish"][0] == {"influence"}
    assert datasets["score_influence.publish"][1] >= {"scores"}


@pytest.mark.rehearsal
def test_a_night_without_a_source_is_published_and_reported(
    airflow: Up, api: httpx.Client, pulled: list[dict], receiver: Webhook
) -> None:
    """The second source's setting is wrong: wrong use is not retried, and the night goes on without it."""
    list_sources(airflow.home.parent / "sources.yaml", SOURCE, "broken:sample=people=none")
    (run,) = airflow.backfill(api, "pull_activity", DAY_AFTER, DAY_AFTER)
    assert run["state"] == "failed"
    tasks = api.get(f"/dags/pull_activity/dagRuns/{run['dag_run_id']}/taskInstances").json()["task_instances"]
    states = {(task["rendered_map_index"], task["state"], task["try_number"]) for task in tasks}
    assert states == {(None, "success", 1), ("sample", "success", 1), ("broken", "failed", 1)}, airflow.logs()
    (failed,) = receiver.about(what="pull_activity.pull failed")
    assert (failed["day"], failed["source"]) == (DAY_AFTER, "broken")
    assert "people" in failed["reason"]

    now = ("--dag-run-conf", json.dumps({"wait_hours": 0}))
    (run,) = airflow.backfill(api, "score_influence", DAY_AFTER, DAY_AFTER, *now)
    assert run["state"] == "success", airflow.logs()
    (lacking,) = receiver.about(what="published, but incomplete", source="broken")
    assert (lacking["day"], lacking["runbook"]) == (DAY_AFTER, "infra/runbooks/late_or_missing_day.md")
    assert lacking["reason"] == f"no coverage of {DAY_AFTER}"


def _counts(scores: pa.Table) -> list[dict]:
    counts = scores.group_by("day").aggregate([("person_id", "count")])
    return [{"day": row["day"], "count": row["person_id_count"]} for row in counts.to_pylist()]
