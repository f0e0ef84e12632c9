"""Commands on a warehouse in an object store: a night with Spark in a process of its own, after as many days as a score counts,
and what readers ask."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from jobs.days import ONE_DAY, days_between
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.store_requests import ARROW, DELTALAKE, SPARK
from schemas.activity import ACTIVITY
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.cli.result import RunClout
from tests.jobs.world import OFFICIAL, World
from tests.object_store import SECRETS, ObjectStore
from tests.tiny_days import QUICK_JAVA, settings_file

SOURCE = ("--source", "sample=people=50")
LAST = date(2026, 11, 3)
WINDOW = days_between(OFFICIAL.first_day(LAST), LAST - ONE_DAY)
MOST_REQUESTS = 1200  # of a night of one source whose window is full: pull, count, score, check and publish
UNCOUNTED = 50  # of them: to commit the last run, and to print the scores


@pytest.fixture
def warehouse(store: ObjectStore, tmp_path: Path, arrow_rows: ArrowRows) -> Warehouse:
    """Every day of the window before the last was pulled and counted."""
    world = World(Warehouse(str(tmp_path / "before")), arrow_rows)
    acts = [
        {
            "platform": "sample-birdsong",
            "day": day,
            "actor_id": f"p{number}",
            "target_id": f"p{(number + day.day) % 40}",
        }
        for day in WINDOW
        for number in range(0, 40, 2)
    ]
    world.write(ACTIVITY, acts, platform="sample-birdsong", day=tuple(WINDOW), source="test")
    world.cover_days(WINDOW, "sample-birdsong")
    world.count(WINDOW[-1], WINDOW[0])
    return Warehouse(store.put(Path(world.warehouse.root), "commands"))


def test_every_command_works(
    store: ObjectStore, store_environment: dict[str, str], warehouse: Warehouse, clout: RunClout, tmp_path: Path
) -> None:
    store.counts()
    environment = os.environ | store_environment | {
        "CLOUT_SPARK_SETTINGS": str(settings_file(tmp_path)), "JAVA_TOOL_OPTIONS": QUICK_JAVA,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "jobs", "run", *SOURCE, "--first-day", str(LAST), "--last-day", str(LAST), "--verbose"],
        env=environment, text=True, capture_output=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    requests = store.counts()
    assert requests.total() <= MOST_REQUESTS, requests
    recorded = warehouse.read(RUNS, {"day": LAST}, columns=["counts"])["counts"].to_pylist()
    in_runs = sum(json.loads(counts).get(client, 0) for counts in recorded for client in (ARROW, DELTALAKE, SPARK))
    assert requests.total() - UNCOUNTED <= in_runs < requests.total()
    assert SECRETS["AWS_SECRET_ACCESS_KEY"] not in ran.stdout + ran.stderr
    assert store.holding(SECRETS["AWS_SECRET_ACCESS_KEY"]) == []
    assert [key for key in store.objects() if "staging" in key or "_temporary" in key] == []

    (first, *_) = warehouse.read(SCORES, columns=["person_id"])["person_id"].to_pylist()
    for command in (
        ("show", "--top", "5"),
        ("show", first),
        ("explain", first),
        ("checks", "--day", str(LAST)),
        ("stale",),
        ("coverage",),
        ("runs",),
        ("maintain",),
        ("upgrade",),
        ("export", "--day", str(LAST), "--to", str(tmp_path / "day.csv")),
        ("unpublish", "--day", str(LAST), "--why", "a test"),
    ):
        result = clout(*command)
        assert (result.code, result.err) == (0, ""), (command, result)
    assert clout("maintain", "--repair") == (
        2, "", f"clout: {warehouse.root}: an object store writes files whole, so there is nothing to repair; restore lost"
        " objects from the store's versions or a backup\n",
    )  # fmt: skip
