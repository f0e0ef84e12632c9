"""Each process of tests stays on one core, and what it starts has all of them."""

import os
import subprocess
import sys

import pytest

from tests.cores import ALL, all_cores

AFFINITY = "import os; print(sorted(os.sched_getaffinity(0)))"


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="about several processes")
def test_a_process_of_tests_stays_on_one_core() -> None:
    own = os.sched_getaffinity(0)
    assert len(own) == 1
    with all_cores():
        assert sorted(os.sched_getaffinity(0)) == ALL
    assert os.sched_getaffinity(0) == own


@pytest.mark.system
def test_what_it_starts_has_all_cores() -> None:
    assert subprocess.check_output([sys.executable, "-c", AFFINITY], text=True).strip() == str(ALL)
