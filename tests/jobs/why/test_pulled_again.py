"""Explanations if days come late, are pulled again or observed again: they depend on content, not on the tables' versions."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jobs import score_changes
from jobs.errors import CloutError
from jobs.warehouse import runs
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.why.example import DAY, EXAMPLE, NEXT, between, changed, explained, near
from tests.jobs.world import OFFICIAL, Did, World


def test_days_before_the_later_window_are_not_without_coverage(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    short = replace(OFFICIAL, version="test-5", lookback_days=5)
    made = World(warehouse, arrow_rows)
    for number in range(10):
        made.cover(DAY + timedelta(days=number), "demo")
    last = DAY + timedelta(days=9)
    made.put("test", [*EXAMPLE, Did(last, "demo", "like", "eve", "cy")])
    for day in (DAY, last):
        made.publish(day, short)
    found = changed(made, "cy", between(DAY, last, short, short))
    assert found["uncovered_days"] == {}
    assert {reason["reason"] for reason in found["reasons"]} == {
        "engager_arrived",
        "engager_left",
        "engagers_attention",
    }


@pytest.fixture
def other(warehouse: Warehouse, arrow_rows: ArrowRows) -> World:
    """The example alone, to be changed."""
    made = World(warehouse, arrow_rows)
    made.cover(DAY, "demo")
    made.put("test", EXAMPLE)
    made.publish(DAY)
    return made


def test_acts_of_earlier_days_that_came_late(other: World) -> None:
    """The day before is covered after the first day was scored, and eve had liked dee's note on it: no new engagement."""
    other.put("late", [Did(DAY - timedelta(days=1), "demo", "like", "eve", "dee")])
    other.cover(DAY - timedelta(days=1), "demo")
    other.cover(NEXT, "demo")
    other.publish(NEXT)
    reasons = {reason["reason"]: reason["influence"] for reason in changed(other, "dee", between(DAY, NEXT))["reasons"]}
    then, now = 2 ** (-1 / 30), 2 ** (-2 / 30)
    whole = 0.5 * now / (1 + now)
    # It came and it grew a day older, in no order: the mean of what it would weigh on either day.
    restored = whole * (then + now) / 2 / now
    assert reasons == {"coverage_restored": near(restored), "faded_engagement": near(whole - restored)}


def vacuumed(world: World) -> None:
    """No file of an earlier version is left."""
    for table in (ACTIVITY, ACCOUNTS, COVERAGE, ENGAGEMENT):
        world.warehouse.delta(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def test_the_same_acts_pulled_again_explain_the_same(other: World) -> None:
    """Other acts in between, and no old file is left. Then another platform arrives late: what was uncovered does not count."""
    before, change = explained(other, "bo"), between(DAY, NEXT)
    other.put("test", [*EXAMPLE, Did(DAY, "demo", "like", "eve", "bo")])
    other.count(DAY)
    other.put("test", EXAMPLE)
    other.count(DAY)
    vacuumed(other)
    assert explained(other, "bo") == before
    other.cover(DAY, "elsewhere")
    other.put("late", [Did(DAY, "elsewhere", "like", "eve", "bo")])
    other.cover(NEXT, "demo")
    other.publish(NEXT)
    vacuumed(other)
    assert explained(other, "bo") == before
    because = {reason["reason"] for reason in changed(other, "bo", change)["reasons"]}
    assert because == {"faded_engagement", "attention_moved"}  # of nothing that is new
    score_changes.run(other.warehouse, change, other.batch)


def test_a_day_that_was_pulled_again_is_named_with_when_and_what_to_run(other: World) -> None:
    """As long as the new acts are not counted, the old ones are there and are explained."""
    before = explained(other, "bo")
    with runs.recorded(other.warehouse, "pull_activity", DAY, other.batch, source="test"):
        other.put("test", EXAMPLE[1:])
    (pulled,) = other.warehouse.read(RUNS, {"job": "pull_activity"}).to_pylist()
    assert explained(other, "bo") == before
    other.cover(NEXT, "demo")
    other.publish(NEXT)
    message = (
        f"scores 2026-11-03 (2026.11): 2026-11-03 was pulled again ({pulled['finished_at']:%Y-%m-%d %H:%M} UTC) since they were"
        " computed, so the acts they count are gone; to score the current acts, run `clout engagement --day 2026-11-03"
        " --methodology 2026.11`, then `clout influence`, `clout checks` and `clout publish` with the same options"
    )
    asked = between(DAY, NEXT)
    for ask in (
        lambda: explained(other, "bo"),
        lambda: changed(other, "bo", asked),
        lambda: score_changes.run(other.warehouse, asked, other.batch),
    ):
        with pytest.raises(CloutError) as refused:
            ask()
        assert str(refused.value) == message
    other.publish(DAY)  # what the message says to run
    assert explained(other, "bo")["influence"] == other.people(DAY)["demo:bo"]["influence"]
    assert changed(other, "bo", asked)["reasons"]


def test_a_day_whose_activity_changed_since_it_was_counted_is_named(other: World) -> None:
    other.put("test", EXAMPLE[1:])
    other.count(DAY)
    other.put("test", EXAMPLE)
    with pytest.raises(
        CloutError,
        match=r"engagement of 2026-11-03 was counted from activity that has changed since; run `clout engagement --day"
        r" 2026-11-03 --methodology 2026.11`, then try again$",
    ):
        explained(other, "bo")
    other.count(DAY)
    assert explained(other, "bo")["influence"] == other.people(DAY)["demo:bo"]["influence"]


def test_accounts_that_were_observed_differently_since(other: World) -> None:
    """That cy has a name changes no point; that cy says of himself that he is a bot does."""
    before = explained(other, "bo")
    other.observe(DAY, "demo", [{"account_id": "cy", "handle": "cy"}])
    assert explained(other, "bo")["engagers"] == before["engagers"]
    other.observe(DAY, "demo", [{"account_id": "cy", "is_bot": True}])
    with pytest.raises(
        CloutError,
        match=r"^scores 2026-11-03 \(2026.11\): the recomputed influence of 1 people differs from the published one: account"
        r" data up to the day was pulled again since; run `clout engagement --day 2026-11-03 ",
    ):
        explained(other, "bo")
