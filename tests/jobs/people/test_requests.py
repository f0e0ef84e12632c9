"""Requests of people and their deadlines."""

from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.errors import UsageError
from jobs.people import objections, requests
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from schemas.requests import EXPORT, FORGET, REQUESTS

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
ASKED = date(2026, 11, 3)
ANA, DEE = "x:ana", "x:dee"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(suppression.VARIABLE, "7" * 64)


def record(warehouse: Warehouse, kind: str, *people: str, asked: date = ASKED) -> None:
    requests.record(warehouse, kind, people, asked, at=NOON, by="op")


def done(warehouse: Warehouse, kind: str, *people: str, hours: int = 1) -> None:
    requests.done(warehouse, kind, people, at=NOON + timedelta(hours=hours), by="op")


def states(warehouse: Warehouse) -> list[tuple]:
    return [(one.kind, one.asked_on, one.done_at is not None) for one in requests.listed(warehouse, 30)]


def test_a_request_is_open_until_it_is_done_and_overdue_after_its_last_day(warehouse: Warehouse) -> None:
    record(warehouse, FORGET, DEE)
    (one,) = requests.listed(warehouse, 30)
    assert one.due_on == date(2026, 12, 3)
    assert [one.is_overdue(day) for day in (one.due_on, one.due_on + timedelta(days=1))] == [False, True]
    done(warehouse, FORGET, DEE)
    (one,) = requests.listed(warehouse, 30)
    assert (one.asked_on, one.is_overdue(date(2027, 1, 1))) == (ASKED, False)


def test_who_asks_to_be_forgotten_is_recorded_without_a_name(warehouse: Warehouse) -> None:
    record(warehouse, FORGET, DEE)
    record(warehouse, EXPORT, ANA)
    found = str(warehouse.read(REQUESTS).to_pylist())
    assert DEE not in found
    assert ANA in found


def test_only_the_requests_of_the_same_kind_and_person_are_done(warehouse: Warehouse) -> None:
    record(warehouse, FORGET, DEE, ANA)
    record(warehouse, EXPORT, DEE)
    done(warehouse, FORGET, DEE)
    assert sorted(states(warehouse)) == [("export", ASKED, False), ("forget", ASKED, False), ("forget", ASKED, True)]


def test_what_was_done_without_a_request_is_recorded_as_asked_that_day(warehouse: Warehouse) -> None:
    done(warehouse, EXPORT, ANA)
    assert states(warehouse) == [("export", NOON.date(), True)]


def test_a_request_recorded_with_an_older_key_is_done_too(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(warehouse, FORGET, DEE)
    monkeypatch.setenv(suppression.VARIABLE, f"{'8' * 64},{'7' * 64}")
    done(warehouse, FORGET, DEE)
    assert states(warehouse) == [("forget", ASKED, True)]


def test_an_objection_is_due_like_a_request_until_it_is_answered(warehouse: Warehouse) -> None:
    objection = objections.record_link(warehouse, ANA, DEE, "not mine", at=NOON, by="op")
    record(warehouse, EXPORT, ANA)
    asked, disputed = requests.listed(warehouse, 30)
    assert (asked.kind, disputed.kind, disputed.who) == ("export", "objection", ANA)
    assert [disputed.is_overdue(day) for day in (date(2026, 12, 10), date(2026, 12, 11))] == [False, True]
    later = NOON + timedelta(days=2)
    objections.answer(warehouse, objection, "unlinked", upheld=True, at=later, by="op")
    assert requests.listed(warehouse, 30)[1].done_at == later


def test_without_a_key_or_a_person_nothing_is_recorded(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no person_id"):
        record(warehouse, EXPORT, "ana")
    with pytest.raises(UsageError, match="no kind of request"):
        record(warehouse, "praise", ANA)
    monkeypatch.delenv(suppression.VARIABLE)
    with pytest.raises(UsageError, match="set CLOUT_SUPPRESSION_KEYS first"):
        record(warehouse, FORGET, DEE)
    assert warehouse.row_count(REQUESTS, {}) == 0
