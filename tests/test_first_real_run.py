"""README's first run of a real platform, as it is typed there, against a Hacker News on loopback."""

import re
import shlex
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs.cli import main
from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.scores import SCORES
from tests.jobs.sources.hackernews_server import DAY, EXPECTED, answer
from tests.jobs.sources.platform_server import served


def test_a_newcomer_scores_a_day_of_hacker_news(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (typed,) = re.findall(r"^bash infra/run\.sh (.*hackernews=.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
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
