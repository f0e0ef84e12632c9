"""Commands on a warehouse in an object store: a simulated day with Spark in a process of its own, and what readers ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.warehouse.storage import Warehouse
from schemas.scores import SCORES
from tests.jobs.cli.result import RunClout
from tests.object_store import SECRETS, ObjectStore
from tests.tiny_days import QUICK_JAVA, settings_file

SOURCE = ("--source", "sample=people=50")
FIRST, LAST = "2026-11-02", "2026-11-03"
MOST_REQUESTS = 1200  # of the second night of one source: pull, count, score, check and publish


@pytest.fixture
def warehouse(store: ObjectStore) -> Warehouse:
    """Two simulated days, of which the last one is scored."""
    return Warehouse(store.root("commands"))


def test_every_command_works(
    store: ObjectStore, store_environment: dict[str, str], warehouse: Warehouse, clout: RunClout, tmp_path: Path
) -> None:
    assert clout("pull", "--day", FIRST, *SOURCE).code == 0
    store.counts()
    environment = os.environ | store_environment | {
        "CLOUT_SPARK_SETTINGS": str(settings_file(tmp_path)), "JAVA_TOOL_OPTIONS": QUICK_JAVA,
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "jobs", "run", *SOURCE, "--first-day", LAST, "--last-day", LAST, "--verbose"],
        env=environment, text=True, capture_output=True,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    requests = store.counts()
    assert requests.total() <= MOST_REQUESTS, requests
    assert SECRETS["AWS_SECRET_ACCESS_KEY"] not in ran.stdout + ran.stderr
    assert store.holding(SECRETS["AWS_SECRET_ACCESS_KEY"]) == []
    assert [key for key in store.objects() if "staging" in key or "_temporary" in key] == []

    (first, *_) = warehouse.read(SCORES, columns=["person_id"])["person_id"].to_pylist()
    for command in (
        ("show", "--top", "5"),
        ("show", first),
        ("explain", first),
        ("checks", "--day", LAST),
        ("stale",),
        ("coverage",),
        ("runs",),
        ("maintain",),
        ("upgrade",),
        ("export", "--day", LAST, "--to", str(tmp_path / "day.csv")),
        ("unpublish", "--day", LAST, "--why", "a test"),
    ):
        result = clout(*command)
        assert (result.code, result.err) == (0, ""), (command, result)
    assert clout("maintain", "--repair") == (
        2, "", f"clout: {warehouse.root}: an object store writes files whole, so there is nothing to repair; restore lost"
        " objects from the store's versions or a backup\n",
    )  # fmt: skip
