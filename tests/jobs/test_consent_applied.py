"""Applying consent reads only what may have changed since the last time."""

from datetime import date, timedelta
from typing import Any

import pytest

from jobs import consent, publish
from jobs.people import applied
from jobs.people.consent import row
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from tests.jobs.consenting import BATCH, DAY, DAYS, SAID, TODAY, apply, change, say


@pytest.fixture
def read(night: Warehouse, monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """The days of `scores` whose rows were read to decide who stays, in order."""
    days: list[date] = []
    withdraw = publish.withdraw_people

    def noted(warehouse: Warehouse, params: publish.Params, *args: Any) -> int:
        days.append(params.day)
        return withdraw(warehouse, params, *args)

    monkeypatch.setattr(publish, "withdraw_people", noted)
    monkeypatch.setattr(applied, "LONGEST_PUBLICATION", timedelta(days=-1))  # those of this test are as if long ago
    return days


def test_only_days_of_people_whose_consent_changed_are_read_again(night: Warehouse, read: list[date]) -> None:
    say(night, n0="public", n1="public", n2="public")
    change(night)
    say(night, 1, n3="public")
    change(night, day=DAYS[1])
    say(night, 2, n3="no")
    assert apply(night) == [(DAYS[1], 1)]
    assert read == [DAYS[1], DAYS[0]]  # the first time
    read.clear()
    assert apply(night) == []
    say(night, 3, n2="public")
    assert apply(night) == []
    assert read == []
    say(night, 4, n1="self")
    assert apply(night) == [(DAYS[1], 1), (DAYS[0], 1)]


def test_the_day_on_which_consent_ends_or_a_refusal_begins_is_applied(night: Warehouse, read: list[date]) -> None:
    params = consent.Params(at=SAID, by="tests", origin="operator")
    until, later = TODAY + timedelta(days=2), TODAY + timedelta(days=3)
    said = [row("twitter:0", "public", TODAY, until), row("twitter:1", "public", TODAY), row("twitter:1", "no", later)]
    said.append(row("twitter:2", "public", TODAY))
    consent.record(night, params, said, BATCH)
    change(night)
    assert [apply(night, TODAY + timedelta(days=days)) for days in range(4)] == [[], [], [(DAY, 1)], [(DAY, 1)]]
    assert read == [DAY, DAY, DAY]
    assert apply(night, TODAY) == []
    assert len(read) == 4  # a day before the last application reads everything


def test_a_legal_basis_somebody_who_left_and_a_recent_publication_read_all_that_they_may_change(
    night: Warehouse, read: list[date], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    say(night, n0="public", n1="public")
    change(night)
    apply(night)
    suppression.record(night, ["twitter:0"], at=SAID, run_id="r")
    assert apply(night) == [(DAY, 1)]
    params = [consent.Params(at=SAID + timedelta(hours=hours), by="tests", origin="operator") for hours in (1, 2)]
    consent.record_basis(night, params[0], "test", BATCH)
    change(night, day=DAYS[1])
    apply(night)
    read.clear()
    consent.record_basis(night, params[1], None, BATCH)
    assert apply(night) == [(DAYS[1], 2)]
    assert read == [DAYS[1], DAYS[0]]
    monkeypatch.setattr(applied, "LONGEST_PUBLICATION", timedelta(days=1))
    read.clear()
    apply(night)
    assert read == [DAYS[1], DAYS[0]]
