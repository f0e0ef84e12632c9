"""A killed run that forgot people is ended by the run that erases the rest."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from jobs import leaving
from jobs.warehouse import leavers, runs, suppression, suppression_journal
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from schemas.runs import RUNS

AT = datetime.now(UTC) + timedelta(days=1)  # a run ends by the clock, and midnight may come while this test runs
DAY = AT.date()
ACTED, WINDOW = [DAY - timedelta(days=2)], (DAY - timedelta(days=9), DAY)
ANA, BO = "x:ana_of_ulm", "x:bo_of_ulm"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)


def killed(warehouse: Warehouse, people: Sequence[str]) -> str:
    """Leaves what a run leaves that is killed while it erases these people. Returns the run's id."""
    row = Run(leavers.FORGET, DAY, Batch("killed"), {leavers.PEOPLE: suppression.hashes_of(warehouse, people)})
    suppression.record(warehouse, people, at=AT, run_id=row.id)
    leavers.record(warehouse, row, ACTED)
    return row.id


def forget(warehouse: Warehouse, *people: str) -> None:
    leaving.forget(warehouse, leaving.Params(people=people, at=AT), Batch("again"))


def status(warehouse: Warehouse, run: str) -> str:
    (row,) = warehouse.read(RUNS, {"run_id": run}).to_pylist()
    assert (row["finished_at"] is None) == (row["status"] == runs.STARTED)
    return row["status"]


def test_the_same_command_ends_the_run_that_it_continues(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = killed(warehouse, [ANA]), killed(warehouse, [ANA])
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", ",".join(("8" * 64, "7" * 64)))  # the key was rotated meanwhile
    forget(warehouse, ANA)
    (error,) = {row["error"] for row in warehouse.read(RUNS, {"batch_key": "killed"}).to_pylist()}
    (done,) = warehouse.read(RUNS, {"batch_key": "again", "job": leavers.FORGET}).to_pylist()
    assert error == f"killed; run {done['run_id']} erased the rest"
    assert (status(warehouse, first), status(warehouse, second), done["status"]) == ("failed", "failed", "done")
    assert json.loads(done["parameters"])[leavers.PEOPLE] == suppression.hashes_of(warehouse, [ANA])


def test_the_days_of_an_ended_run_no_longer_count_for_days_published_later(warehouse: Warehouse) -> None:
    killed(warehouse, [ANA])
    forgotten_at = datetime.now(UTC)
    assert leavers.days_since(warehouse, forgotten_at + timedelta(minutes=5), *WINDOW) == ACTED
    forget(warehouse, ANA)
    assert leavers.days_since(warehouse, datetime.now(UTC), *WINDOW) == []
    # Scores that were published before the rest was erased may count erased acts.
    assert leavers.days_since(warehouse, forgotten_at, *WINDOW) == ACTED


def test_a_run_that_erased_others_does_not_end_it(warehouse: Warehouse) -> None:
    run = killed(warehouse, [ANA, BO])
    forget(warehouse, ANA)
    assert status(warehouse, run) == "started"
    forget(warehouse, ANA, BO, "x:cy_of_ulm")
    assert status(warehouse, run) == "failed"


def test_a_replay_erases_everybody_so_it_ends_every_run(warehouse: Warehouse) -> None:
    run, replayed = killed(warehouse, [ANA]), Run(leavers.FORGET, DAY, Batch("killed"), {})
    leavers.record(warehouse, replayed, ACTED)
    forget(warehouse, BO)
    assert (status(warehouse, run), status(warehouse, replayed.id)) == ("started", "started")
    leaving.replay(warehouse, suppression_journal.path(), AT, Batch("again"))
    assert (status(warehouse, run), status(warehouse, replayed.id)) == ("failed", "failed")
