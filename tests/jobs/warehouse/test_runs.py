"""The manifest: what was started, what became of it, and where a command that stopped goes on."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs import __version__
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from schemas.runs import RUNS

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)


def states(warehouse: Warehouse) -> list[tuple]:
    found = warehouse.read(RUNS).sort_by([("started_at", "ascending"), ("day", "ascending")]).to_pylist()
    return [(row["job"], row["day"], row["status"], row["error"]) for row in found]


def test_a_run_is_started_and_then_done_with_what_it_found(warehouse: Warehouse) -> None:
    batch = Batch("key")
    before = datetime.now(UTC)
    with runs.recorded(warehouse, "influence", DAY, batch, methodology="2026.11") as run:
        assert states(warehouse) == [("influence", DAY, "started", None)]
        run.engine = "memory"
        run.inputs["engagement"] = 7
        run.counts["people"] = 3
        run.uncovered_days = {"twitter": ["2026-11-01"]}
        run.checks = {"parts_sum": "ok"}
    (row,) = warehouse.read(RUNS).to_pylist()
    assert before <= row.pop("started_at") <= row.pop("finished_at") <= datetime.now(UTC)
    assert row == {
        "run_id": run.id,
        "batch_id": batch.id,
        "batch_key": "key",
        "day": DAY,
        "job": "influence",
        "status": "done",
        "error": None,
        "parameters": '{"methodology": "2026.11"}',
        "inputs": '{"engagement": 7}',
        "uncovered_days": '{"twitter": ["2026-11-01"]}',
        "engine": "memory",
        "counts": '{"people": 3}',
        "checks": '{"parts_sum": "ok"}',
        "code_version": __version__,
    }


@pytest.mark.parametrize(
    ("error", "message"),
    [(ValueError("nobody there"), "nobody there"), (KeyboardInterrupt(), "KeyboardInterrupt")],
)
def test_a_run_that_raises_is_failed_and_says_why(
    warehouse: Warehouse, error: ValueError | KeyboardInterrupt, message: str
) -> None:
    def fail() -> None:
        with runs.recorded(warehouse, "checks", DAY, Batch("key")):
            raise error

    with pytest.raises(type(error)):
        fail()
    assert states(warehouse) == [("checks", DAY, "failed", message)]


def test_runs_recorded_together_start_and_end_in_one_commit_each(warehouse: Warehouse) -> None:
    both = [Run("engagement", day, Batch("key"), {}) for day in (DAY, NEXT)]
    with runs.recorded_together(warehouse, both):
        assert warehouse.version(RUNS) == 1
    assert warehouse.version(RUNS) == 2
    assert states(warehouse) == [("engagement", DAY, "done", None), ("engagement", NEXT, "done", None)]


def test_writing_a_state_leaves_other_runs_of_the_day_as_they_were(warehouse: Warehouse) -> None:
    first, second = (Run("checks", DAY, Batch("key"), {"number": number}) for number in (1, 2))
    runs.write(warehouse, [first, second], runs.STARTED)
    runs.write(warehouse, [second], runs.FAILED, "why")
    runs.write(warehouse, [], runs.DONE)
    found = {json.loads(row["parameters"])["number"]: row["status"] for row in warehouse.read(RUNS).to_pylist()}
    assert found == {1: "started", 2: "failed"}


def test_the_steps_that_are_done_are_those_of_the_newest_batch_of_the_same_key(warehouse: Warehouse) -> None:
    def record(batch: Batch, day: date, status: str, **parameters: str) -> None:
        runs.write(warehouse, [Run("pull_activity", day, batch, parameters)], status)

    older, newer = Batch("key"), Batch("key")
    record(older, DAY, runs.DONE, source="a")
    record(newer, DAY, runs.DONE, source="b")
    record(newer, NEXT, runs.FAILED, source="a")
    record(newer, NEXT, runs.STARTED, source="b")  # killed
    record(newer, NEXT, runs.DONE)  # a job without sources
    record(Batch("another command"), NEXT, runs.DONE, source="a")
    assert runs.done_steps(warehouse, "key", DAY, NEXT) == (
        newer, {("pull_activity", DAY, "b"), ("pull_activity", NEXT, "")},
    )  # fmt: skip
    assert runs.done_steps(warehouse, "key", DAY, DAY) == (newer, {("pull_activity", DAY, "b")})


def test_a_command_that_never_ran_has_done_nothing(warehouse: Warehouse) -> None:
    batch, done = runs.done_steps(warehouse, "key", DAY, NEXT)
    assert (batch.key, done) == ("key", set())
