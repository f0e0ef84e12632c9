"""A night of four live platforms in the real DAG, one of which fails: each pull is independent, and no secret is written."""

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from tests.dags.up import BIN, wait_until
from tests.jobs.sources import hackernews_server as hackernews
from tests.jobs.sources import mastodon_instance as mastodon
from tests.jobs.sources.github.made import GitHub, event, user
from tests.jobs.sources.mastodon_instance import ANA, BO, Instance
from tests.jobs.sources.platform_server import Platform, Reply, served
from tests.written import holding

# A past day of any test run: GitHub's events reach 30 days back, by this machine's clock.
DAY = datetime.now(UTC).date() - timedelta(days=2)
NOON = datetime.combine(DAY, time(12), UTC)
TOKEN = "ghp_pl4nted"
PATIENCE_S = 600
SOURCES = ("hn", "hub", "home", "dba")

# A database with the pools, as `airflow db migrate` and `python -m dags.pools` make it.
PREPARED = """
from airflow.utils.db import initdb
from airflow.utils.session import create_session

from dags import pools

initdb()
with create_session() as session:
    pools.create(session)
"""


class Night(NamedTuple):
    """Where a night is written, the platforms that it asks, and what its process said."""

    folder: Path
    environment: dict[str, str]
    platforms: dict[str, Platform]

    @property
    def warehouse(self) -> Warehouse:
        return Warehouse(self.environment["CLOUT_WAREHOUSE"])

    def tasks(self) -> dict[str, tuple[str, str]]:
        """State and pool of each pull that Airflow knows, by source."""
        with sqlite3.connect(f"file:{self.folder}/home/airflow.db?mode=ro", uri=True, timeout=60) as database:
            found = database.execute(
                "select map_index, state, pool from task_instance where task_id = 'pull' and map_index >= 0"
            )
            return {SOURCES[index]: (state, pool) for index, state, pool in found}

    def run(self, **ends: str) -> dict[str, tuple[str, str]]:
        """Runs the DAG until its pulls have these states. Returns the pulls."""
        end = str(DAY + timedelta(days=1))  # a manual run is about the interval that ended last
        asked = (BIN / "airflow", "dags", "test", "pull_activity", end)
        with (self.folder / "said.txt").open("ab") as said:
            process = subprocess.Popen(asked, env=self.environment, cwd=self.folder, stdout=said, stderr=said)
        try:
            wait_until(
                lambda: {source: state for source, (state, _) in self.tasks().items()} == ends,
                PATIENCE_S,
                lambda: (self.folder / "said.txt").read_text()[-5000:],
            )
            if set(ends.values()) == {"success"}:
                process.wait(PATIENCE_S)
        finally:
            process.kill()  # it would wait ten minutes for the next attempt
            process.wait()
        return self.tasks()

    def coverage(self) -> dict[str, tuple[Any, ...]]:
        rows = self.warehouse.read(COVERAGE).to_pylist()
        assert {row["day"] for row in rows} == {DAY}
        return {row["source"]: (row["platform"], row["status"], row["scope"], row["reason"]) for row in rows}

    def acts(self, source: str) -> set[tuple[str, str, str]]:
        rows = self.warehouse.read(ACTIVITY, {"source": source}).to_pylist()
        return {(row["kind"], row["actor_id"], row["activity_id"]) for row in rows}


def hacker_news(platform: Platform) -> None:
    later = 86_400 * (DAY - hackernews.DAY).days

    def answer(path: str) -> Reply:
        reply = hackernews.answer(path)
        dated = isinstance(reply.value, dict)
        return Reply(reply.value | {"time": reply.value["time"] + later}) if dated else reply

    platform.answer = answer


def github(platform: Platform) -> None:
    issue = {"number": 12, "user": user("Cleo")}
    GitHub(platform).lists["/repos/bo/tool/events"] = [
        event("8", f"{DAY}T12:00:00Z"),
        event("7", f"{DAY}T11:00:00Z", "IssueCommentEvent", action="created", issue=issue, comment={"id": 70}),
        event("6", f"{DAY - timedelta(days=1)}T12:00:00Z", actor="early"),
    ]


def instance(platform: Platform) -> None:
    post = mastodon.status(10, ANA, mastodon.at(1, DAY))
    Instance(
        platform,
        people=[ANA, BO],
        statuses=[
            mastodon.status(5, ANA, mastodon.at(-30, DAY)),
            post,
            mastodon.reblog(11, BO, post, mastodon.at(2, DAY)),
        ],
        now=datetime.combine(DAY + timedelta(days=1), time(1), UTC),
    )


def one_question(path: str) -> Reply:
    question = {"question_id": 7, "creation_date": int(NOON.timestamp()), "owner": {"user_id": 3}}
    return Reply({"items": [question] if path.startswith("/questions") else [], "has_more": False})


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    """Airflow with a new database, and four platforms of which Stack Exchange fails."""
    folder = tmp_path_factory.mktemp("night")
    with ExitStack() as stack:
        platforms = {name: stack.enter_context(served()) for name in SOURCES}
        hacker_news(platforms["hn"])
        github(platforms["hub"])
        instance(platforms["home"])
        platforms["dba"].answer = lambda _: Reply(b"Bad Gateway", 502)
        url = {name: platform.url for name, platform in platforms.items()}
        entries = [
            {"source": "hn", "type": "hackernews", "ask": {"api": url["hn"]}},
            {"source": "hub", "type": "github", "ask": {"api": url["hub"], "repositories": ["Bo/Tool"]}, "connection": "gh"},
            {"source": "home", "type": "mastodon", "ask": {"instance": url["home"], "accounts": ["ana", "bo"]}},
            {"source": "dba", "type": "stackexchange", "ask": {"site": "dba.stackexchange.com", "api": url["dba"]},
             "budget": {"minutes": 0.4}},
        ]  # fmt: skip
        (folder / "sources.yaml").write_text(json.dumps(entries), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLOUT_", "AIRFLOW"))}
        environment = kept | {
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "CLOUT_SOURCES": str(folder / "sources.yaml"),
            "CLOUT_WAREHOUSE": str(folder / "warehouse"),
            "AIRFLOW_HOME": str(folder / "home"),
            "AIRFLOW_CONN_GH": json.dumps({"conn_type": "http", "password": TOKEN}),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        }
        made = subprocess.run(
            [sys.executable, "-c", PREPARED], env=environment, capture_output=True, text=True, cwd=folder, check=False
        )
        assert made.returncode == 0, made.stderr
        yield Night(folder, environment, platforms)


@pytest.fixture(scope="module")
def failing(night: Night) -> dict[str, tuple[str, str]]:
    """The pulls of the night while Stack Exchange fails."""
    return night.run(hn="success", hub="success", home="success", dba="up_for_retry")


COMPLETE = {
    "hn": ("hackernews", "complete", "everyone", None),
    "hub": ("github", "complete", "population", None),
    "home": ("fediverse", "complete", "population", None),
}


def test_a_platform_that_fails_stops_no_other(night: Night, failing: dict[str, tuple[str, str]]) -> None:
    assert night.coverage() == COMPLETE
    assert {int(number) for _, _, number in night.acts("hn")} == hackernews.EXPECTED
    assert night.acts("hub") == {("like", "ana", "8"), ("reply", "ana", "issuecomment-70")}
    home = {(kind, actor.rpartition("/")[2]) for kind, actor, _ in night.acts("home")}
    assert home == {("post", "ana"), ("reshare", "bo")}


def test_the_failed_pull_leaves_the_day_as_it_was_and_is_retried(
    night: Night, failing: dict[str, tuple[str, str]]
) -> None:
    assert night.acts("dba") == set()
    (error,) = [row["error"] for row in night.warehouse.read(RUNS).to_pylist() if row["status"] == "failed"]
    assert error == (
        f"dba {DAY}: 127.0.0.1/questions: status 502, and the budget of 0.4 minutes is used up after 0 of 3 lists; the next"
        " pull resumes there; nothing pulled, the day stays as it was"
    )


def test_each_pull_has_the_pool_of_its_source(failing: dict[str, tuple[str, str]]) -> None:
    assert {source: pool for source, (_, pool) in failing.items()} == {name: f"source_{name}" for name in SOURCES}


def test_the_token_reaches_its_platform_and_is_written_nowhere(
    night: Night, failing: dict[str, tuple[str, str]]
) -> None:
    assert night.platforms["hub"].headers["authorization"] == f"Bearer {TOKEN}"
    for name in ("hn", "home", "dba"):
        assert "authorization" not in {header.lower() for header in night.platforms[name].headers}
    searched = holding(str(DAY), night.folder)
    assert {".zst", ".parquet", ".txt", ".json"} <= {path.suffix for path in searched}
    assert [path for path in searched if path.name.startswith("airflow.db")]
    assert holding(TOKEN, night.folder) == []


def test_the_next_attempt_asks_only_what_is_missing(night: Night, failing: dict[str, tuple[str, str]]) -> None:
    for platform in night.platforms.values():
        platform.asked.clear()
    night.platforms["dba"].answer = one_question
    night.run(**dict.fromkeys(SOURCES, "success"))
    assert night.coverage() == COMPLETE | {"dba": ("dba.stackexchange.com", "complete", "everyone", None)}
    assert night.acts("dba") == {("post", "3", "7")}
    assert {name for name, platform in night.platforms.items() if platform.asked} == {"dba"}
