"""README's first run of a real platform, as it is typed there, against a Hacker News on loopback."""

import os
import re
import shlex
import subprocess
import sys

import pytest

from jobs.places import ROOT
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.scores import SCORES
from tests.jobs.sources.hackernews_server import DAY, EXPECTED, answer
from tests.jobs.sources.platform_server import served
from tests.tiny_days import QUICK_JAVA

pytestmark = pytest.mark.system


def test_a_newcomer_scores_a_day_of_hacker_news(tmp_path):
    (typed,) = re.findall(r"^bash infra/run\.sh (.*hackernews=.*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    environment = os.environ | {"CLOUT_WAREHOUSE": str(tmp_path / "warehouse"), "JAVA_TOOL_OPTIONS": QUICK_JAVA}
    with served() as platform:
        platform.answer = answer
        arguments = shlex.split(typed.replace("hackernews=", f"hackernews={platform.url}"))
        ran = subprocess.run(
            [sys.executable, "-m", "jobs", "run", *arguments],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert re.search(rf"^pulled  {DAY} +{len(EXPECTED)} acts    hn ", ran.stdout, re.MULTILINE), ran.stdout
    assert f"Highest scores of {DAY}" in ran.stdout
    warehouse = Warehouse(str(tmp_path / "warehouse"))
    (row,) = warehouse.read(COVERAGE).to_pylist()
    assert (row["source"], row["status"], row["scope"], row["reason"]) == ("hn", "complete", "everyone", None)
    people = warehouse.read(SCORES).to_pylist()
    assert {person["platform"] for person in people} == {"hackernews"}
    assert f"{len(people)} people" in ran.stdout
