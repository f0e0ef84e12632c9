"""Whether a day is plausible beside the published days before it, and that the order of a backfill's runs decides nothing."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.nights import gate
from jobs.nights.gate import BOUNDS, Figures, nearest, refusals, verdicts, warnings

DAY = date(2026, 11, 30)
GATE_DAYS = 7
PEOPLE, INFLUENCE = BOUNDS


def before(*people: int, last: date = DAY - timedelta(days=1)) -> dict[date, Figures]:
    """As many published days as there are numbers, up to `last`; each person has one account's worth of influence."""
    first = last - timedelta(days=len(people) - 1)
    return {first + timedelta(days=n): Figures(count, float(count)) for n, count in enumerate(people)}


def refused(found: Figures, published: Mapping[date, Figures], day: date = DAY) -> bool:
    return bool(refusals(verdicts(found, nearest(published, day, GATE_DAYS), GATE_DAYS)))


@pytest.mark.parametrize(
    ("people", "influence", "problem"),
    [
        (100, 100.0, None),
        (50, 50.0, None),  # half the lowest
        (2000, 2000.0, None),  # ten times the highest
        (49, 100.0, (PEOPLE, "people 49.0, expected 50.0 to 2,000.0")),
        (2001, 100.0, (PEOPLE, "people 2,001.0, expected 50.0 to 2,000.0")),
        (100, 49.9, (INFLUENCE, "influence 49.9, expected 50.0 to 2,000.0")),
        (100, 2000.1, (INFLUENCE, "influence 2,000.1, expected 50.0 to 2,000.0")),
    ],
)
def test_a_day_out_of_bounds_is_refused_by_enough_days_and_warned_of_by_fewer(
    people: int, influence: float, problem: tuple[str, str] | None
) -> None:
    seven, six = before(100, 150, 150, 150, 150, 150, 200), before(100, 150, 150, 150, 150, 200)
    found = Figures(people, influence)
    results, few = verdicts(found, seven, GATE_DAYS), verdicts(found, six, GATE_DAYS)
    if problem is None:
        assert set(results.values()) == set(few.values()) == {"ok"}
        return
    name, text = problem
    assert refusals(results) == {name: f"{text} after the 7 days published before (2026-11-23..2026-11-29)"}
    assert warnings(results) == []
    assert refusals(few) == {}
    assert warnings(few) == [f"{name}: warning: {text} after the 6 days published before (2026-11-24..2026-11-29)"]


def test_a_day_with_nothing_published_before_it_is_only_taken() -> None:
    assert verdicts(Figures(1, 0.0), {}, GATE_DAYS) == dict.fromkeys(BOUNDS, "ok")


def test_a_first_backfill_of_a_real_week_goes_through_from_whichever_day_it_begins() -> None:
    """The days of 2012-07-03 and 2012-07-04 around the Higgs boson: influence grew elevenfold."""
    first, second = date(2012, 7, 3), date(2012, 7, 4)
    results = verdicts(Figures(222_996, 89_801.0), {first: Figures(35_472, 8_335.3)}, GATE_DAYS)
    assert refusals(results) == {}
    (warning,) = warnings(results)
    assert warning.startswith(f"{INFLUENCE}: warning: influence 89,801.0, expected 4,167.6 to 83,353.0")
    assert not refused(Figures(222_996, 89_801.0), {second: Figures(1, 1.0)}, second)  # run again


def test_the_nearest_days_before_count_however_old_and_no_later_ones() -> None:
    old, later = before(*range(1, 11), last=date(2020, 1, 31)), before(1000, last=DAY + timedelta(days=1))
    assert nearest(old | later, DAY, GATE_DAYS) == before(*range(4, 11), last=date(2020, 1, 31))
    assert nearest(old | before(500), DAY, GATE_DAYS) == before(*range(5, 11), last=date(2020, 1, 31)) | before(500)
    assert nearest(later | {DAY: Figures(1, 1.0)}, DAY, GATE_DAYS) == {}


def test_a_week_of_refusals_does_not_open_the_gate() -> None:
    published = before(*[1000] * 7)
    for n in range(60):
        day = DAY + timedelta(days=n)
        assert refused(Figures(10, 10.0), published, day)
    assert not refused(Figures(1000, 1000.0), published, DAY + timedelta(days=60))


def test_only_bounds_can_be_accepted() -> None:
    results = {"parts_sum": "3 people", PEOPLE: "people 1", INFLUENCE: "warning: influence 2", "some_people": "ok"}
    assert gate.accepted(results) == {
        "parts_sum": "3 people",
        PEOPLE: "accepted: people 1",
        INFLUENCE: "warning: influence 2",
        "some_people": "ok",
    }
    assert refusals(gate.accepted(results)) == {"parts_sum": "3 people"}
    assert warnings(gate.accepted(results)) == [f"{PEOPLE}: accepted: people 1", f"{INFLUENCE}: warning: influence 2"]


# A backfill: its days are computed side by side, and each is decided once no earlier day is running


def backfill(
    figures: Mapping[date, Figures], published: Mapping[date, Figures], slots: int, order: Sequence[date]
) -> dict[date, dict[str, str]]:
    """The verdicts of a backfill of `slots` runs side by side, which begin in order of days, as Airflow's do. `order` is that
    in which running days are computed."""
    queued, running, computed = sorted(figures), set[date](), set[date]()
    found, by_day = dict(published), dict[date, dict[str, str]]()
    while queued or running:
        while queued and len(running) < slots:
            running.add(queued.pop(0))
        computed.add(next(day for day in order if day in running - computed))
        while running and min(running) in computed:
            day = min(running)
            by_day[day] = verdicts(figures[day], nearest(found, day, GATE_DAYS), GATE_DAYS)
            if not refusals(by_day[day]):
                found[day] = figures[day]
            running.remove(day)
    return by_day


SIZES = st.sampled_from([1, 10, 100, 1000, 10_000])


@given(st.lists(SIZES, max_size=10), st.lists(SIZES, min_size=1, max_size=20), st.integers(2, 20), st.randoms())
def test_the_verdicts_of_a_backfill_are_the_same_at_any_concurrency_and_order(
    old: list[int], new: list[int], slots: int, random: Random
) -> None:
    published = before(*old)
    figures = before(*new, last=DAY + timedelta(days=len(new)))
    order = random.sample(sorted(figures), len(figures))
    assert backfill(figures, published, slots, order) == backfill(figures, published, 1, sorted(figures))
