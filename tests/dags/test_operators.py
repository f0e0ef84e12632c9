"""Operators: the process they start, what its exit code means for a retry, the event they leave, the datasets they name."""

import os
import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset, AssetAlias, RetryAction
from airflow.sdk.execution_time.context import OutletEventAccessors

from dags import common, lineage, secrets
from dags.operators import CloutOperator, PublishOperator, PullOperator, failure
from jobs.errors import CloutError, RefusedError, UsageError
from jobs.nights import outcome
from jobs.sources.types import TYPES
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse

DAY = date(2026, 11, 3)
POLICY = common.settings("any.md")["default_args"]["retry_policy"]


@pytest.fixture
def clout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """`clout(SCRIPT)`: the command `clout` of PATH is this shell script."""

    def put(script: str) -> None:
        path = tmp_path / "clout"
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")

    return put


def operator(*arguments: str, of: type[CloutOperator] = CloutOperator, **options: Any) -> CloutOperator:
    return of(task_id="task", arguments=list(arguments), environment={"CLOUT_WAREHOUSE": "/warehouse"}, **options)


def test_arguments_arrive_as_they_are_and_empty_ones_do_not(clout: Callable[[str], None], tmp_path: Path) -> None:
    clout(f'printf "%s|" "$@" "$CLOUT_WAREHOUSE" > {tmp_path}/said')
    operator("publish", "", "--accept=it's $HOME; true").execute({})
    assert (tmp_path / "said").read_text() == "publish|--accept=it's $HOME; true|/warehouse|"


@pytest.mark.parametrize(
    ("code", "error", "action"),
    [(1, CloutError, RetryAction.DEFAULT), (2, UsageError, RetryAction.FAIL), (3, RefusedError, RetryAction.FAIL)],
)
def test_wrong_use_and_refused_days_are_not_tried_again(
    clout: Callable[[str], None], code: int, error: type[CloutError], action: RetryAction
) -> None:
    clout(f"echo noise; echo 'clout: people: 3, expected 4' >&2; exit {code}")
    with pytest.raises(CloutError, match=r"^people: 3, expected 4$") as raised:
        operator("checks").execute({})
    assert type(raised.value) is error
    assert POLICY.evaluate(raised.value, 1, 3).action is action


def test_a_command_that_dies_without_a_word_is_tried_again(clout: Callable[[str], None]) -> None:
    clout("kill -9 $$")
    with pytest.raises(CloutError, match="exit code"):
        operator("checks").execute({})


def test_the_complaint_is_the_last_of_the_output() -> None:
    output = "clout: first\nINFO shut down hook\n26/11/28 clout: second\nbye"
    assert str(failure(1, output)) == "second"


def test_spark_submit_exits_with_the_code_of_its_program(
    clout: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`spark-submit` aside, which a test of the whole DAG runs."""
    submit = tmp_path / "spark-submit"
    submit.write_text("#!/bin/sh\necho 'clout: no such methodology'; exit 2\n")
    submit.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_DEFAULT", '{"conn_type": "spark", "host": "local[1]"}')
    job = common.spark_job("influence")
    job.jars = job.driver_class_path = job.properties_file = job.application = "x"
    job.conf, job.env_vars = {}, {}
    with pytest.raises(UsageError, match="no such methodology"):
        job.execute({})


class TestSecrets:
    """Airflow's connections reach the process of the pull that needs them, and nothing else."""

    @pytest.fixture(autouse=True)
    def sources(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "sources.yaml"
        path.write_text(
            "- {source: hn, type: hackernews, connection: news}\n- {source: more, type: hackernews}\n- source: higgs=/x\n"
        )
        monkeypatch.setenv("CLOUT_SOURCES", str(path))
        monkeypatch.setenv("AIRFLOW_CONN_NEWS", '{"conn_type": "http", "password": "s3cr3t"}')
        monkeypatch.setitem(TYPES, "hackernews", TYPES["hackernews"]._replace(secret="a token"))

    def test_a_connection_becomes_a_variable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert secrets.environment("hn") == {"CLOUT_CONNECTION_NEWS": "s3cr3t"}
        assert secrets.environment("more") == secrets.environment("higgs") == {}
        monkeypatch.setenv("AIRFLOW_CONN_MORE", '{"conn_type": "http", "login": "me", "password": "p"}')
        assert secrets.environment() == {"CLOUT_CONNECTION_NEWS": "s3cr3t", "CLOUT_CONNECTION_MORE": "me:p"}

    def test_the_pull_of_the_source_has_it_and_its_log_does_not(
        self, clout: Callable[[str], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        clout(f'printf "%s" "$CLOUT_CONNECTION_NEWS" > {tmp_path}/said')
        pull = operator("pull", of=PullOperator, source="hn")
        with pytest.raises(ValueError, match="unpack"):  # no outlet to report to
            pull.execute({})
        assert (tmp_path / "said").read_text() == "s3cr3t"
        assert "s3cr3t" not in caplog.text


@pytest.mark.parametrize(("minutes", "hours"), [(None, 2), (30, 2), (12 * 60, 13)])
def test_a_long_budget_extends_the_time_a_pull_may_take(minutes: int | None, hours: int) -> None:
    pull = operator("pull", of=PullOperator, source="bsky", minutes=minutes, execution_timeout=timedelta(hours=2))
    assert pull.execution_timeout == timedelta(hours=hours)


class TestEvents:
    """What is left on an asset, for whoever waits for it."""

    @pytest.fixture
    def done(self, warehouse: Warehouse, clout: Callable[[str], None]) -> SimpleNamespace:
        """A pull and a publication that are on record."""
        clout("exit 0")
        batch = Batch("test")
        with runs.recorded(warehouse, "pull_activity", DAY, batch, source="gh") as pull:
            pull.counts = {"acts": 7}
        with runs.recorded(warehouse, "publish", DAY, batch, methodology="2026.11") as publication:
            publication.counts = {"people": 3}
        return SimpleNamespace(warehouse=warehouse, pull=pull, publication=publication)

    def test_a_publication_names_day_methodology_people_and_run(self, done: SimpleNamespace) -> None:
        published = self.executed(done, PublishOperator, common.SCORES)
        assert published.extra == {
            "day": "2026-11-03", "methodology": "2026.11", "people": 3, "run": done.publication.id
        }  # fmt: skip

    def test_a_pull_is_an_event_of_its_source(self, done: SimpleNamespace) -> None:
        alias = AssetAlias("activity")
        (event,) = self.executed(done, PullOperator, alias, source="gh").asset_alias_events
        asset = Asset("activity/gh", uri="clout://warehouse/activity/gh")
        assert event.dest_asset_key == type(event.dest_asset_key).from_asset(asset)
        assert event.extra == {"day": "2026-11-03", "source": "gh", "acts": 7, "run": done.pull.id}

    def executed(self, done: SimpleNamespace, of: type[CloutOperator], outlet: Any, **options: Any) -> Any:
        task = operator("job", "--day", str(DAY), of=of, outlets=[outlet], **options)
        task.environment = {"CLOUT_WAREHOUSE": done.warehouse.root}
        events = OutletEventAccessors()
        task.execute({"outlet_events": events})
        return events[outlet]

    def test_what_is_not_on_record_is_an_error(self, warehouse: Warehouse) -> None:
        with pytest.raises(CloutError, match=r"runs 2026-11-03: no publish with .* is done"):
            outcome.outcome(warehouse, "publish", DAY, methodology="2026.11")


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/data/x.gz", ("file", "/data/x.gz")),
        ("x.gz", ("file", str(Path.cwd() / "x.gz"))),
        ("s3://bucket/clout/scores", ("s3://bucket", "clout/scores")),
        ("https://example.org", ("https://example.org", "/")),
    ],
)
def test_datasets_are_named_as_openlineage_names_them(place: str, name: tuple[str, str]) -> None:
    assert lineage.name_of(place) == name


def test_a_pull_reads_its_files_and_writes_its_tables() -> None:
    found = lineage.of(
        ["pull", "--day", "2026-11-03", "--source", "gh:gharchive=/a", "--source", "gh:gharchive=/b"], "/w"
    )
    assert [dataset.name for dataset in found.inputs] == ["/a", "/b"]
    written = [f"/w/{name}" for name in ("activity", "accounts", "rejects", "coverage", "consent", "claims", "links")]
    assert [dataset.name for dataset in found.outputs] == written
