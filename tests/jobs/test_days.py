"""Ranges of days, and months."""

from datetime import date, timedelta

import pytest

from jobs.days import days_between, end_of_month, month_of, spans, whole_months

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


def test_months() -> None:
    assert (month_of(date(2026, 2, 28)), month_of(date(2026, 3, 1))) == (date(2026, 2, 1), date(2026, 3, 1))
    ends = [end_of_month(date(*day)) for day in ((2026, 2, 1), (2028, 2, 29), (2026, 12, 31), (2026, 4, 30))]
    assert ends == [date(2026, 2, 28), date(2028, 2, 29), date(2026, 12, 31), date(2026, 4, 30)]


def test_whole_months() -> None:
    august, september, october = (date(2026, month, 1) for month in (8, 9, 10))
    assert whole_months(august, date(2026, 10, 30)) == [august, september]
    assert whole_months(date(2026, 8, 2), date(2026, 10, 31)) == [september, october]
    assert whole_months(date(2026, 8, 2), date(2026, 8, 31)) == []
    assert whole_months(date(2027, 12, 31), date(2028, 2, 29)) == [date(2028, 1, 1), date(2028, 2, 1)]
