"""Ranges of days."""

from datetime import date, timedelta

import pytest

from jobs.days import days_between, spans

FIRST, SECOND, THIRD = (date(2026, 11, 1) + timedelta(days=n) for n in range(3))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], ""),
        ([1], "2026-11-01"),
        ([1, 2], "2026-11-01..2026-11-02"),
        ([1, 3, 4, 5, 9], "2026-11-01,2026-11-03..2026-11-05,2026-11-09"),
    ],
)
def test_days_in_a_row_are_one_span(days: list[int], expected: str) -> None:
    assert spans([date(2026, 11, day) for day in days]) == expected


def test_days_between_are_both_ends_and_all_between() -> None:
    assert days_between(FIRST, THIRD) == [FIRST, SECOND, THIRD]
    assert days_between(FIRST, FIRST) == [FIRST]
    assert days_between(SECOND, FIRST) == []
