"""Which days the roll-ups of months spare a night, and what they depend on."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from jobs import monthly_weights
from jobs.days import days_between
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.window import Window
from schemas.methodology import Methodology, load
from tests.jobs.world import OFFICIAL

DAY = date(2026, 11, 4)
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
MONTHLY = replace(load("2026.12.1"), lookback_days=70)  # from 27 August on


def window_of(day: date, methodology: Methodology = MONTHLY) -> Window:
    """A window whose days are all covered, by no warehouse."""
    days = days_between(methodology.first_day(day), day)
    return Window(day, methodology, Snapshot(0, 0, 0, 0), {"x": set(days)}, {day: str(day) for day in days})


@pytest.mark.parametrize("year", [2027, 2028])  # one with 366 days
def test_a_night_reads_at_most_six_months_and_62_days(year: int) -> None:
    methodology = load("2026.12.1")
    for day in days_between(date(year, 1, 1), date(year, 12, 31)):
        window = window_of(day, methodology)
        bases = monthly_weights.bases(window)
        rest = RollUps("any", 0, bases).outside(window.days)
        assert len(bases) <= 6
        assert len(rest) <= 62
        of_months = [on for month in bases for on in window.days if (on.year, on.month) == (month.year, month.month)]
        assert sorted([*rest, *of_months]) == window.days


def test_a_basis_depends_on_everything_that_the_weights_depend_on() -> None:
    window = window_of(DAY)
    before = monthly_weights.bases(window)
    assert list(before) == [SEPTEMBER, OCTOBER]
    assert monthly_weights.bases(window_of(DAY - timedelta(1))) == before  # not on the day of the score

    def changed(other: Window) -> set[date]:
        after = monthly_weights.bases(other)
        return {month for month in before if after.get(month) != before[month]}

    on = date(2026, 9, 30)
    assert changed(replace(window, digests={**window.digests, on: "pulled again"})) == {SEPTEMBER}
    assert changed(replace(window, digests={**window.digests, date(2026, 8, 31): "pulled again"})) == set()
    assert changed(replace(window, covered={"x": window.covered["x"] - {on}})) == {SEPTEMBER}
    assert changed(replace(window, covered={**window.covered, "y": {on}})) == {SEPTEMBER}
    assert changed(replace(window, methodology=replace(MONTHLY, damping=0.6))) == {SEPTEMBER, OCTOBER}
    # A month without any covered day has nothing to add up.
    kept = {day for day in window.days if day.month != 9}
    silent = replace(window, covered={"x": kept}, digests=dict.fromkeys(kept, "d"))
    assert list(monthly_weights.bases(silent)) == [OCTOBER]
    assert monthly_weights.bases(replace(window, methodology=OFFICIAL)) == {}
