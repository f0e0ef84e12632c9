"""Which of several concurrent writers wins, and the errors of the others."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta

import pyarrow as pa
import pytest

from jobs.places import ROOT
from jobs.warehouse.commits import description
from jobs.warehouse.races import RearrangedError, lost
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.rejects import REJECTS
from tests.fixture_types import ArrowRows, SparkRows
from tests.jobs.warehouse.racing import race, winner_and_loser

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)


def place(source: str = "a", day: date = DAY) -> dict:
    return {"platform": "twitter", "day": day, "source": source}


@pytest.mark.parametrize("before", ["nothing there", "replacing rows"])
def test_of_two_writers_of_one_partition_one_wins_and_the_other_says_to_whom_it_lost(
    warehouse: Warehouse, reject: Callable[..., pa.Table], meeting: Callable[[int], None], before: str
) -> None:
    if before == "replacing rows":
        warehouse.replace(REJECTS, reject(reason="before"), place(), run_id="r", job="j")
    meeting(2)
    errors = race(
        lambda name: warehouse.replace(REJECTS, reject(reason=name), place(), run_id=name, job="pull"), "one", "two"
    )
    winner, loser = winner_and_loser(errors)
    assert str(errors[loser]) == (
        f"rejects twitter 2026-11-03 a: lost to run {winner} (pull), which wrote it meanwhile; nothing of this run was kept"
    )
    assert warehouse.read(REJECTS)["reason"].to_pylist() == [winner]


def test_writers_of_other_partitions_do_not_hinder_each_other(
    warehouse: Warehouse, reject: Callable[..., pa.Table], meeting: Callable[[int], None]
) -> None:
    meeting(3)
    places = [("a", DAY), ("b", DAY), ("a", NEXT)]
    errors = race(lambda to: warehouse.replace(REJECTS, reject(*to), place(*to), run_id="r", job="j"), *places)
    assert errors == dict.fromkeys(places)
    found = warehouse.read(REJECTS, columns=["source", "day"]).to_pylist()
    assert sorted((row["source"], row["day"]) for row in found) == sorted(places)


def test_of_two_spark_writers_of_one_partition_one_wins(
    warehouse: Warehouse, frame: SparkRows, meeting: Callable[[int], None]
) -> None:
    partition = {"methodology": "2026.11", "day": DAY}
    frames = {name: frame(INFLUENCE, [{"person_id": f"twitter:{name}"}]) for name in ("one", "two")}
    meeting(2)
    errors = race(
        lambda name: warehouse.replace_by_spark(INFLUENCE, frames[name], partition, run_id=name, job="influence"),
        *frames,
    )
    winner, loser = winner_and_loser(errors)
    assert str(errors[loser]) == (
        f"influence 2026.11 2026-11-03: lost to run {winner} (influence), which wrote it meanwhile; nothing of this run was"
        " kept"
    )
    assert warehouse.read(INFLUENCE, columns=["person_id"]).to_pylist() == [{"person_id": f"twitter:{winner}"}]


def test_spark_writers_of_other_partitions_do_not_hinder_each_other(
    warehouse: Warehouse, frame: SparkRows, meeting: Callable[[int], None]
) -> None:
    """Also where both replace rows: deltalake alone would take the other's removed file for a conflict."""
    days = (DAY, NEXT)
    for day in days:
        rows = frame(INFLUENCE, [{"day": day, "person_id": "twitter:before"}])
        warehouse.replace_by_spark(INFLUENCE, rows, {"methodology": "2026.11", "day": day}, run_id="r", job="j")
    frames = {day: frame(INFLUENCE, [{"day": day, "person_id": f"twitter:{day}"}]) for day in days}
    meeting(2)
    errors = race(
        lambda day: warehouse.replace_by_spark(
            INFLUENCE, frames[day], {"methodology": "2026.11", "day": day}, run_id=str(day), job="influence"
        ),
        *days,
    )
    assert errors == dict.fromkeys(days)
    assert sorted(warehouse.read(INFLUENCE)["person_id"].to_pylist()) == [f"twitter:{day}" for day in days]


def test_bookkeeping_of_threads_that_collide_is_repeated_until_all_is_there(
    warehouse: Warehouse, arrow_rows: ArrowRows, meeting: Callable[[int], None]
) -> None:
    names = [f"source-{n}" for n in range(6)]
    together = arrow_rows(COVERAGE, [{"day": DAY, "source": name} for name in names])
    warehouse.replace(COVERAGE, together, {"day": DAY}, run_id="r", job="j")  # one file, so all must rewrite it
    meeting(6)

    def write(source: str) -> None:
        found = arrow_rows(COVERAGE, [{"day": DAY, "source": source, "act_count": 7}])
        warehouse.replace_bookkeeping(COVERAGE, found, place(source), run_id=source, job="j")

    assert race(write, *names) == dict.fromkeys(names)
    found = arrow.sorted_by_grain(COVERAGE, warehouse.read(COVERAGE)).select(["source", "act_count"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [(name, 7) for name in names]


def test_a_commit_that_comes_while_a_loser_reads_the_log_is_no_reason_to_give_up(
    warehouse: Warehouse, reject: Callable[..., pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log's list of commits also holds those that are newer than the opened table."""
    before = Warehouse(warehouse.root).delta(REJECTS)
    warehouse.replace(REJECTS, reject("b"), place("b"), run_id="b", job="j")
    opened = Warehouse(warehouse.root).delta(REJECTS)
    history = opened.history

    def meanwhile(*arguments: int) -> list[dict]:
        listed = history(*arguments)
        warehouse.replace(REJECTS, reject("c"), place("c"), run_id="c", job="j")
        return listed

    monkeypatch.setattr(opened, "history", meanwhile)
    error = lost("rejects", before.version(), description(before), opened, place("a"))
    assert isinstance(error, RearrangedError)
    assert error.version == opened.version()


WRITE = """
import sys
from datetime import date
from jobs.warehouse.storage import Warehouse, rows
from schemas.coverage import COVERAGE
root, source = sys.argv[1:]
input()
for number in range(1, 6):
    place = {"day": date(2026, 11, number), "platform": "twitter", "source": source}
    counts = dict.fromkeys(("act_count", "rejected_count", "unresolved_count", "ignored_count"), 0)
    found = rows(COVERAGE, [place | counts | {"status": "complete"}])
    Warehouse(root).replace_bookkeeping(COVERAGE, found, place, run_id=source, job="test")
"""


@pytest.mark.system
def test_bookkeeping_of_processes_that_collide_is_repeated_until_all_is_there(warehouse: Warehouse) -> None:
    names = ["a", "b", "c"]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITE, warehouse.root, name], cwd=ROOT, stdin=subprocess.PIPE, text=True
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    found = arrow.sorted_by_grain(COVERAGE, warehouse.read(COVERAGE)).select(["day", "source"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [(date(2026, 11, n), name) for n in range(1, 6) for name in names]
