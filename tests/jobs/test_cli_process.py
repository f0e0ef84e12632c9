"""The command line as a process: exit codes and streams, a reader that has seen enough, Ctrl-C."""

import os
import signal
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from schemas.scores import SCORES

ROOT = Path(__file__).parents[2]
DAY = date(2026, 11, 3)
pytestmark = pytest.mark.system


def start(warehouse: Warehouse, *arguments: str, **options: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "jobs", *arguments]
    environment = os.environ | {"CLOUT_WAREHOUSE": warehouse.root}
    return subprocess.Popen(command, cwd=ROOT, env=environment, text=True, stderr=subprocess.PIPE, **options)


def test_exit_codes_and_streams_are_those_of_a_process(warehouse, arrow_rows):
    """Two people share a handle."""
    people = [{"person_id": f"twitter:{number}", "handle": "bo", "rank": number} for number in (1, 2)]
    warehouse.replace(
        SCORES, arrow_rows(SCORES, people), {"methodology": "2026.11", "day": DAY}, run_id="r", job="publish"
    )

    def ends(*arguments: str) -> tuple[int, str, str]:
        process = start(warehouse, *arguments, stdout=subprocess.PIPE)
        out, err = process.communicate()
        return process.returncode, out.partition("\n")[0], err

    assert ends("show") == (0, "Highest scores of 2026-11-03, methodology 2026.11", "")
    assert ends("show", "zoe") == (
        1, "", "clout: scores: nobody published is 'zoe'; give a person_id such as `twitter:88`, or a handle\n",
    )  # fmt: skip
    assert ends("show", "bo")[:2] == (2, "")


def test_a_reader_that_has_seen_enough_is_no_traceback(warehouse, arrow_rows):
    rows = arrow_rows(SCORES, [{"person_id": f"twitter:{n}", "rank": n + 1} for n in range(20_000)])
    warehouse.replace(SCORES, rows, {"methodology": "2026.11", "day": DAY}, run_id="r", job="publish")
    process = start(warehouse, "show", "--csv", "--top", "20000", stdout=subprocess.PIPE)
    assert process.stdout.readline().startswith("day,methodology,person_id,")
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1


def test_ctrl_c_while_pulling_is_a_line_and_the_days_that_are_there_stay(warehouse):
    arguments = ("run", "--source", "sample=people=50", "--first-day", "2026-11-01", "--last-day", "2026-12-31")
    process = start(warehouse, *arguments, stdout=subprocess.PIPE)
    assert process.stdout.readline() == "SIMULATED: these people do not exist\n"
    assert process.stdout.readline().startswith("pulled  2026-11-01 ")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (1, "clout: interrupted; the same command goes on where it stopped\n")
    states = {row["day"]: row["status"] for row in warehouse.read(RUNS).to_pylist()}
    done = [day for day, status in sorted(states.items()) if status == "done"]
    assert set(states.values()) == {"done", "failed"}
    assert done == [date(2026, 11, 1) + timedelta(days=n) for n in range(len(done))]
    covered = {row["day"] for row in warehouse.read(COVERAGE).to_pylist()}
    assert set(done) <= covered
