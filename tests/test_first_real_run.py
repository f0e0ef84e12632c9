"""The first runs of real platforms, as README and the page it links to have them typed, against platforms on loopback."""

import re
import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.cli import main
from jobs.places import ROOT
from jobs.sources import github
from jobs.sources.github import GitHubAsk
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.scores import SCORES
from tests.jobs.sources.github.made import GitHub, event
from tests.jobs.sources.hackernews_server import DAY, EXPECTED, answer
from tests.jobs.sources.platform_server import served
from tests.pages import commands, scripts

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = ROOT / "infra" / "docs" / "sources.md"


def test_a_newcomer_scores_a_day_of_hacker_news(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (typed,) = re.findall(r"^bash infra/run\.sh (.*hackernews=.*)$", README, re.MULTILINE)
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(tmp_path / "warehouse"))
    with served() as platform:
        platform.answer = answer
        arguments = shlex.split(typed.replace("hackernews=", f"hackernews={platform.url}"))
        main.app(["run", *arguments], standalone_mode=False)
    said = capsys.readouterr().out
    assert re.search(rf"^pulled  {DAY} +{len(EXPECTED)} acts    hn ", said, re.MULTILINE), said
    assert f"Highest scores of {DAY}" in said
    warehouse = Warehouse(str(tmp_path / "warehouse"))
    (row,) = warehouse.read(COVERAGE).to_pylist()
    assert (row["source"], row["status"], row["scope"], row["reason"]) == ("hn", "complete", "everyone", None)
    people = warehouse.read(SCORES).to_pylist()
    assert {person["platform"] for person in people} == {"hackernews"}
    assert f"{len(people)} people" in said


@pytest.mark.integration
def test_a_newcomer_scores_repositories_of_github(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "(infra/docs/sources.md#score-github-repositories-in-ten-minutes)" in README
    exported, run = (script for script in scripts(PAGE) if "_GH=" in script or "gh:github=" in script)
    variable, token = re.findall(r"export (\w+)=(\S+)", exported)[0]
    (typed,) = commands(run)
    monkeypatch.setenv(variable, token)
    monkeypatch.setenv("CLOUT_WAREHOUSE", str(tmp_path / "warehouse"))
    monkeypatch.setattr(github, "_now", lambda: datetime(2026, 11, 4, 12, tzinfo=UTC))
    with served() as platform:
        hub = GitHub(platform)
        days = [f"2026-11-0{day}" for day in (3, 2, 1)]
        stars = [event(day, f"{day}T12:00:00Z", actor=f"fan-{day}") for day in days]
        hub.lists |= {"/repos/owner/repo/events": [*stars, event("0", "2026-10-30T12:00:00Z")],
                      "/repos/owner/other/events": []}  # fmt: skip
        places = GitHubAsk.of_places
        monkeypatch.setattr(GitHubAsk, "of_places", lambda given: places(given) | {"api": platform.url})
        main.app(["run", *typed[2:]], standalone_mode=False)
        assert platform.headers["authorization"] == f"Bearer {token}"
        assert {"/repos/owner/repo/events", "/repos/owner/other/events"} <= set(hub.paths())
    warehouse = Warehouse(str(tmp_path / "warehouse"))
    assert {row["status"] for row in warehouse.read(COVERAGE).to_pylist()} == {"complete"}
    (bo,) = [row for row in warehouse.read(SCORES, {"day": DAY}).to_pylist() if row["rank"] == 1]
    assert (bo["person_id"], bo["engager_count"]) == ("github:bo", 3)
    capsys.readouterr()
    main.app(["explain", "github:bo"], standalone_mode=False)
    assert set(re.findall(r"fan-[\d-]+", capsys.readouterr().out)) == {f"fan-{day}" for day in days}
