"""The days a score stands on."""

from datetime import date, timedelta

import pytest

from jobs import runs
from jobs.runs import Batch, Run
from jobs.window import activity_fingerprints, covered_days, days_between, spans, stale_days, uncovered_days
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE

FIRST, SECOND, THIRD = (date(2026, 11, 1) + timedelta(days=n) for n in range(3))


@pytest.fixture
def pulled(warehouse, arrow_rows):
    """`pulled(day, source)`: one act of that day by that source."""

    def write(day: date, source: str = "test", count: int = 1) -> None:
        acts = arrow_rows(ACTIVITY, [{"day": day, "source": source, "activity_id": str(n)} for n in range(count)])
        place = {"platform": "twitter", "day": day, "source": source}
        warehouse.replace(ACTIVITY, acts, place, run_id="r", job="j")

    return write


@pytest.fixture
def fingerprints(warehouse):
    return lambda: activity_fingerprints(warehouse, warehouse.version(ACTIVITY))


@pytest.fixture
def counted(warehouse, fingerprints):
    """`counted(day)`: the day is counted in `engagement` as its activity is now."""

    def write(day: date, status: str = runs.DONE) -> None:
        run = Run("engagement", day, Batch("key"), {"activity_files": fingerprints().get(day, "")})
        runs.write(warehouse, [run], status)

    return write


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ([], ""),
        ([1], "2026-11-01"),
        ([1, 2], "2026-11-01..2026-11-02"),
        ([1, 3, 4, 5, 9], "2026-11-01,2026-11-03..2026-11-05,2026-11-09"),
    ],
)
def test_days_in_a_row_are_one_span(days, told):
    assert spans([date(2026, 11, day) for day in days]) == told


def test_days_between_are_both_ends_and_all_between():
    assert days_between(FIRST, THIRD) == [FIRST, SECOND, THIRD]
    assert days_between(FIRST, FIRST) == [FIRST]
    assert days_between(SECOND, FIRST) == []


def test_a_day_is_covered_where_any_source_of_the_platform_has_a_row(warehouse, arrow_rows):
    rows = [
        {"day": FIRST, "source": "a"},
        {"day": FIRST, "source": "b"},
        {"day": THIRD, "source": "b", "status": "partial"},
        {"day": SECOND, "platform": "reddit"},
        {"day": FIRST - timedelta(days=1)},  # before the window
        {"day": THIRD + timedelta(days=1)},  # after it
    ]
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, rows), {}, run_id="r", job="j")
    covered = covered_days(warehouse, FIRST, THIRD)
    assert covered == {"twitter": {FIRST, THIRD}, "reddit": {SECOND}}
    assert uncovered_days(covered, FIRST, THIRD) == {"reddit": [str(FIRST), str(THIRD)], "twitter": [str(SECOND)]}


def test_a_fingerprint_tells_the_files_of_a_day_and_of_no_other(pulled, fingerprints):
    pulled(FIRST)
    pulled(SECOND)
    before = fingerprints()
    pulled(SECOND, "another")
    after = fingerprints()
    assert sorted(before) == sorted(after) == [FIRST, SECOND]
    assert before[FIRST] == after[FIRST] != before[SECOND] != after[SECOND]


def test_a_day_is_stale_until_it_is_counted_as_it_is_now(warehouse, pulled, counted, fingerprints):
    def stale() -> list[date]:
        return stale_days(warehouse, fingerprints(), FIRST, THIRD)

    assert stale() == []  # nothing was pulled, so there is nothing to count
    pulled(FIRST)
    pulled(SECOND)
    assert stale() == [FIRST, SECOND]
    counted(FIRST)
    counted(SECOND, runs.FAILED)
    assert stale() == [SECOND]
    counted(SECOND)
    pulled(FIRST, "late")  # another source of a day that was counted
    assert stale() == [FIRST]
    counted(FIRST)
    pulled(FIRST, count=0)
    pulled(FIRST, "late", count=0)  # pulled again, and now there is nothing
    assert fingerprints().keys() == {SECOND}
    assert stale() == [FIRST]
    assert stale_days(warehouse, fingerprints(), SECOND, THIRD) == []  # outside the window
