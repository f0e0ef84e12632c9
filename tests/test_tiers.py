"""Each test is in one tier, and unit tests start no process and no JVM, and make no table."""

import multiprocessing
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs import session
from jobs.warehouse.storage import Warehouse
from tests.conftest import ROOT, group, whole
from tests.tiers import IN_PROCESS, SYSTEM, TIERS

STARTS = {
    "a process": lambda: subprocess.run(["true"], check=True),
    "a process of multiprocessing": lambda: multiprocessing.get_context("spawn").Process(target=print).start(),
    "a fork": lambda: os.fork() or os._exit(0),
    "a JVM": session.build,
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_unit_test_that_starts_something_fails(start: Callable[..., Any]) -> None:
    with pytest.raises(pytest.fail.Exception, match="starts a process or a JVM: mark it `system`, or"):
        start()


def test_a_unit_test_that_makes_a_table_fails(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="makes a table: mark it `integration`, or"):
        Warehouse(str(tmp_path)).create_tables()


@pytest.mark.system
def test_a_system_test_may() -> None:
    assert subprocess.run(["true"], check=False).returncode == 0


def test_every_test_is_in_one_tier(request: pytest.FixtureRequest) -> None:
    """Those of this run."""
    for item in request.session.items:
        assert isinstance(item, pytest.Function)
        (tier,) = (name for name in TIERS if item.get_closest_marker(name))
        assert tier == "system" or not any(map(item.path.is_relative_to, SYSTEM)), item.nodeid
        if tier in IN_PROCESS:
            assert not {"spark", "cluster"}.intersection(item.fixturenames), item.nodeid


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="about several processes")
def test_one_process_runs_all_tests_of_a_group(request: pytest.FixtureRequest) -> None:
    """By the ends of their ids, of which parameters may hold an @ too."""
    for item in request.session.items:
        assert isinstance(item, pytest.Function)
        assert whole(item.nodeid) == (group(item) or item.path.relative_to(ROOT).as_posix())
