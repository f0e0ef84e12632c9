"""What people's recorded words mean on a day."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from jobs.errors import UsageError
from jobs.people import consent
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT, SCOPES

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def say(warehouse: Warehouse) -> Callable[..., None]:
    """`say("x:ana", "public", since=..., until=..., at=...)`: records it."""

    def record(person: str, scope: str, since: date = DAY, until: date | None = None, at: datetime = NOON) -> None:
        row = consent.row(person, scope, since, until)
        consent.record(warehouse, [row], at=at, by="tests", origin="import", run_id="r")

    return record


def test_nobody_agreed_who_did_not_say_so(warehouse: Warehouse) -> None:
    assert consent.of_people(warehouse, ["x:ana"], DAY) == {}
    assert not consent.is_recorded(warehouse)
    assert consent.counts(warehouse, DAY) == {"public": 0, "audiences": 0, "self": 0, "no": 0}


def test_a_word_counts_from_its_first_day_to_its_last(warehouse: Warehouse, say: Callable[..., None]) -> None:
    say("x:ana", "public", until=DAY + timedelta(days=2))
    found = [consent.of_people(warehouse, ["x:ana", "x:bo"], DAY + timedelta(days=n)) for n in range(-1, 3)]
    assert found == [{}, {"x:ana": "public"}, {"x:ana": "public"}, {}]
    assert consent.is_recorded(warehouse)


def test_the_word_recorded_last_counts_and_of_two_at_once_the_narrowest(
    warehouse: Warehouse, say: Callable[..., None]
) -> None:
    say("x:ana", "no")
    say("x:ana", "public", at=LATER)
    say("x:bo", "public")
    say("x:bo", "self")
    say("x:cy", "public")
    say("x:cy", "no", since=DAY + timedelta(days=1), at=LATER)  # does not apply yet
    assert consent.of_people(warehouse, ["x:ana", "x:bo", "x:cy"], DAY) == {
        "x:ana": "public", "x:bo": "self", "x:cy": "public",
    }  # fmt: skip
    assert consent.of_people(warehouse, ["x:cy"], DAY + timedelta(days=1)) == {"x:cy": "no"}
    assert warehouse.row_count(CONSENT, {}) == 6  # history is kept


def test_both_readers_give_the_same(warehouse: Warehouse) -> None:
    """Of a few people, by Arrow; of everybody, by SQL."""
    chance = random.Random(7)
    people = [f"x:{n}" for n in range(300)]
    for minute in range(3):
        said = [
            consent.row(person, chance.choice(SCOPES), DAY + timedelta(days=since), until)
            for person in people
            for since in chance.sample(range(4), chance.randrange(3))
            for until in chance.choices([None, DAY + timedelta(days=4), DAY + timedelta(days=5)])
        ]
        at = NOON + timedelta(minutes=minute)
        consent.record(warehouse, said, at=at, by="tests", origin="import", run_id="r")
    for day in (DAY + timedelta(days=n) for n in range(6)):
        few = consent.of_people(warehouse, people, day)
        for scope in SCOPES:
            everybody = consent.people(warehouse, day, warehouse.version(CONSENT), [scope]).to_pylist()
            assert sorted(everybody) == sorted(person for person, said in few.items() if said == scope)
            assert consent.counts(warehouse, day)[scope] == len(everybody)
            assert everybody


def test_all_faults_of_a_row_are_named_at_once() -> None:
    with pytest.raises(UsageError) as error:
        consent.row("ana", "yes", DAY, DAY)
    assert str(error.value) == (
        "'ana' is no person_id; expected PLATFORM:ACCOUNT_ID, such as twitter:88; scope 'yes' is unknown; expected one of"
        " public, audiences, self, no; until 2026-11-03 must be after since 2026-11-03"
    )
