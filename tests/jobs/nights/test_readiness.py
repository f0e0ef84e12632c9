"""What a scoring run waits for, and what it does not."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs import pull_activity
from jobs.nights.readiness import DEAD_AFTER, NotSettledError, missing, refuse_unsettled
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse, rows
from schemas.coverage import COVERAGE

FIRST, BEFORE, DAY, AFTER = (date(2012, 7, day) for day in (1, 2, 3, 4))
NOON = datetime(2012, 7, 4, 12, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(str(tmp_path / "warehouse"))
    warehouse.create_tables()
    return warehouse


def cover(warehouse: Warehouse, source: str, day: date, **changes: Any) -> None:
    row = {
        "day": day, "platform": "twitter", "source": source, "status": "complete",
        "act_count": 0, "rejected_count": 0, "unresolved_count": 0, "ignored_count": 0,
    } | changes  # fmt: skip
    partition = {"day": day, "platform": "twitter", "source": source}
    warehouse.replace_bookkeeping(COVERAGE, rows(COVERAGE, [row]), partition, run_id="r", job=pull_activity.JOB)


def pull(warehouse: Warehouse, source: str, day: date, status: str, started_at: datetime) -> None:
    run = Run(pull_activity.JOB, day, Batch("pull"), {"source": source}, started_at=started_at)
    runs.write(warehouse, [run], status)


def asked(warehouse: Warehouse, *sources: str, now: datetime = NOON) -> list[str]:
    return missing(warehouse, sources, FIRST, DAY, now, settle_hours=12)


def test_where_nothing_was_ever_pulled_there_is_no_warehouse(tmp_path: Path) -> None:
    warehouse = Warehouse(str(tmp_path / "nowhere"))
    assert asked(warehouse, "a") == [f"warehouse {warehouse.root}: nothing was pulled into it yet"]


def test_each_source_must_cover_the_day_itself(warehouse: Warehouse) -> None:
    cover(warehouse, "a", DAY)
    cover(warehouse, "b", BEFORE)  # another day's coverage does not help
    cover(warehouse, "gone", BEFORE)  # nobody asks for a source that is no longer enabled
    assert asked(warehouse, "a", "b") == [f"source b: no coverage of {DAY}"]
    cover(warehouse, "b", DAY)
    assert asked(warehouse, "a", "b") == []


@pytest.mark.parametrize("day", [FIRST, BEFORE, DAY])
def test_a_pull_at_work_on_a_day_of_the_window_is_waited_for(warehouse: Warehouse, day: date) -> None:
    cover(warehouse, "a", DAY)
    pull(warehouse, "a", day, runs.STARTED, NOON - AN_HOUR)
    assert asked(warehouse, "a") == [f"source a: a pull of {day} has been running since 2012-07-04 11:00 UTC"]


@pytest.mark.parametrize("day", [FIRST - timedelta(days=1), AFTER])
def test_a_pull_of_a_day_outside_the_window_is_not(warehouse: Warehouse, day: date) -> None:
    cover(warehouse, "a", DAY)
    pull(warehouse, "a", day, runs.STARTED, NOON - AN_HOUR)
    assert asked(warehouse, "a") == []


@pytest.mark.parametrize("status", [runs.DONE, runs.FAILED])
def test_a_pull_that_ended_is_not(warehouse: Warehouse, status: str) -> None:
    cover(warehouse, "a", DAY)
    pull(warehouse, "a", BEFORE, status, NOON - AN_HOUR)
    assert asked(warehouse, "a") == []


def test_a_pull_that_was_killed_counts_until_it_is_repeated_or_old(warehouse: Warehouse) -> None:
    cover(warehouse, "a", DAY)
    pull(warehouse, "a", BEFORE, runs.STARTED, NOON - 2 * AN_HOUR)
    assert len(asked(warehouse, "a")) == 1
    assert asked(warehouse, "a", now=NOON - 2 * AN_HOUR + DEAD_AFTER) == []
    pull(warehouse, "b", BEFORE, runs.DONE, NOON - AN_HOUR)  # another source's pull says nothing about it
    assert len(asked(warehouse, "a")) == 1
    pull(warehouse, "a", BEFORE, runs.DONE, NOON - AN_HOUR)
    assert asked(warehouse, "a") == []


def test_another_job_at_work_is_not_waited_for(warehouse: Warehouse) -> None:
    cover(warehouse, "a", DAY)
    runs.write(
        warehouse, [Run("influence", BEFORE, Batch("i"), {"methodology": "2026.11"}, started_at=NOON)], "started"
    )
    assert asked(warehouse, "a") == []


PARTIAL = {"status": "partial", "reason": "hour 23 is missing"}
WAITS = f"source a: {DAY} of twitter is partial (hour 23 is missing) and may still become complete until 2012-07-04 12:00 UTC"


def test_a_partial_day_is_waited_for_until_it_is_settled_and_then_taken_as_it_is(warehouse: Warehouse) -> None:
    cover(warehouse, "a", DAY, **PARTIAL)
    cover(warehouse, "b", DAY)
    cover(warehouse, "gone", DAY, **PARTIAL)  # nobody waits for a source that is no longer enabled
    cover(warehouse, "a", BEFORE, **PARTIAL)  # nor for another day
    assert asked(warehouse, "a", "b", now=NOON - timedelta(microseconds=1)) == [WAITS]
    assert asked(warehouse, "a", "b", now=NOON) == []
    cover(warehouse, "a", DAY)
    assert asked(warehouse, "a", "b", now=NOON - AN_HOUR) == []


def test_what_will_never_come_is_not_waited_for(warehouse: Warehouse) -> None:
    cover(warehouse, "a", DAY, **PARTIAL, lasting=True)
    assert asked(warehouse, "a", now=NOON - AN_HOUR) == []
    cover(warehouse, "a", DAY, **PARTIAL, lasting=False)
    assert asked(warehouse, "a", now=NOON - AN_HOUR) == [WAITS]


def test_a_pull_of_the_night_fails_while_its_day_is_not_settled(warehouse: Warehouse) -> None:
    cover(warehouse, "a", DAY, **PARTIAL)
    cover(warehouse, "b", DAY)
    with pytest.raises(NotSettledError, match="What was pulled is kept; pull again later") as raised:
        refuse_unsettled(warehouse, "a", DAY, NOON - AN_HOUR, 12)
    assert str(raised.value).startswith(WAITS)
    refuse_unsettled(warehouse, "a", DAY, NOON, 12)
    refuse_unsettled(warehouse, "a", DAY, NOON - AN_HOUR, 0)
    refuse_unsettled(warehouse, "b", DAY, NOON - AN_HOUR, 12)
