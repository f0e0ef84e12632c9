"""How acts lose weight: on covered days alone, and month by month as on the whole."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.days import days_between, end_of_month
from jobs.score.fading import decay_factors, fading
from schemas.methodology import Methodology, load

OFFICIAL, MONTHLY = load("2026.11"), load("2026.12.1")
DAY = date(2026, 11, 3)
WINDOW = [DAY - timedelta(n) for n in range(4)]


def with_(**changes: Any) -> Methodology:
    return replace(OFFICIAL, version="test", **changes)


def test_acts_age_on_covered_days_alone() -> None:
    covered = {"twitter": {WINDOW[0], WINDOW[1], WINDOW[3]}, "github": {WINDOW[3]}}
    half = with_(half_life_days=1.0, platform_weights={"default": 1.0, "github": 3.0})
    assert decay_factors(WINDOW, covered, DAY, half) == [
        (WINDOW[3], "github", 3.0),  # nothing of github's could arrive since
        (WINDOW[3], "twitter", 0.25),  # three days ago, of which two were covered
        (WINDOW[1], "twitter", 0.5),
        (WINDOW[0], "twitter", 1.0),
    ]  # and no factor for the third day, on which no pull of twitter ended


def test_later_days_neither_age_nor_count() -> None:
    covered = {"twitter": {DAY, DAY + timedelta(1)}}
    assert decay_factors(WINDOW, covered, DAY, OFFICIAL) == [(DAY, "twitter", 1.0)]


def test_months_fade_after_their_end() -> None:
    """Within a month, acts fade up to its end, or to the day of the score; after that, the month does."""
    days = days_between(date(2026, 8, 30), date(2026, 10, 2))
    covered = {"twitter": {day for day in days if day != date(2026, 10, 1)}, "github": {date(2026, 8, 31)}}
    half = replace(MONTHLY, version="test", half_life_days=1.0, platform_weights={"default": 1.0, "github": 3.0})
    found = fading(days, covered, days[-1], half)
    of_days = {(row["platform"], row["day"]): row["factor"] for row in found.days.to_pylist()}
    assert [of_days["twitter", day] for day in days[:3]] == [0.5, 1.0, 2.0**-29]
    assert of_days["twitter", days[-1]] == of_days["github", days[1]] == 1.0
    assert [(row["month"].month, row["platform"], row["factor"]) for row in found.months.to_pylist()] == [
        (8, "github", 3.0),
        (8, "twitter", 2.0**-31),  # 30 days of September and one of October
        (9, "twitter", 0.5),
        (10, "twitter", 1.0),
    ]


coverage = st.dictionaries(
    st.sampled_from(("x", "y")), st.sets(st.integers(0, 200).map(lambda n: date(2026, 1, 15) + timedelta(n)))
)


@given(coverage, st.integers(0, 60))
def test_both_factors_multiply_to_that_of_the_day(covered: dict[str, set[date]], later: int) -> None:
    """And a month that is over keeps its days' factors, whichever window it lies in."""
    last_day = date(2026, 6, 10)
    days = days_between(date(2026, 1, 15), last_day)
    found = fading(days, covered, last_day, MONTHLY)
    of_month = {(row["month"], row["platform"]): row["factor"] for row in found.months.to_pylist()}
    whole = decay_factors(days, covered, last_day, MONTHLY)
    rows = found.days.to_pylist()
    assert [(row["day"], row["platform"]) for row in rows] == [(day, platform) for day, platform, _ in whole]
    for row, (_, platform, factor) in zip(rows, whole, strict=True):
        assert row["factor"] * of_month[row["month"], platform] == pytest.approx(factor, rel=1e-12)
    after = last_day + timedelta(later)
    again = fading(days_between(date(2026, 2, 1), after), covered, after, MONTHLY).days.to_pylist()
    over = [row for row in rows if row["day"] >= date(2026, 2, 1) and end_of_month(row["day"]) <= last_day]
    assert {tuple(row.values()) for row in over} <= {tuple(row.values()) for row in again}
