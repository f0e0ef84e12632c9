"""What a published day was scored without."""

from collections.abc import Callable
from datetime import date

import pytest

from jobs.nights.shortfalls import Shortfall, shortfalls
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
METHODOLOGY = "2026.11"


@pytest.fixture
def cover(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    def put(*rows: dict) -> None:
        records = [{"day": DAY, **row} for row in rows]
        warehouse.replace(COVERAGE, arrow_rows(COVERAGE, records), {"day": DAY}, run_id="test", job="test")

    return put


def check(warehouse: Warehouse, results: dict[str, str], methodology: str = METHODOLOGY) -> None:
    with runs.recorded(warehouse, "checks", DAY, Batch("test"), methodology=methodology) as row:
        row.checks = results


def test_a_day_that_has_everything_lacks_nothing(warehouse: Warehouse, cover: Callable[..., None]) -> None:
    cover({"source": "a"}, {"source": "b"})
    check(warehouse, {"some_people": "ok"})
    assert shortfalls(warehouse, ["a", "b"], DAY, METHODOLOGY) == []


def test_a_source_without_coverage_and_a_partial_one_are_named(
    warehouse: Warehouse, cover: Callable[..., None]
) -> None:
    cover(
        {"source": "a", "platform": "github", "status": "partial", "reason": "hours 13, 14 are missing"},
        {"source": "b"},
        {"source": "off", "platform": "reddit", "status": "partial"},  # no longer enabled, and scored all the same
    )
    assert shortfalls(warehouse, ["a", "b", "c"], DAY, METHODOLOGY) == [
        Shortfall("no coverage of 2026-11-03", "late_or_missing_day.md", "c"),
        Shortfall("github is partial: hours 13, 14 are missing", "late_or_missing_day.md", "a"),
        Shortfall("reddit is partial: no reason was recorded", "late_or_missing_day.md", "off"),
    ]


def test_a_warning_of_the_newest_checks_is_named(warehouse: Warehouse, cover: Callable[..., None]) -> None:
    cover({"source": "a"})
    check(warehouse, {"people_within_trailing_bounds": "old"})
    check(warehouse, {"people_within_trailing_bounds": "9 people, expected 10 to 20", "some_people": "ok"})
    check(warehouse, {"people_within_trailing_bounds": "another methodology"}, "2026.12")
    assert shortfalls(warehouse, ["a"], DAY, METHODOLOGY) == [
        Shortfall("people_within_trailing_bounds: 9 people, expected 10 to 20", "checks_failed.md")
    ]
