"""What was published before bounds a day: figures out of bounds refuse it, or are a warning while few days are known."""

import json
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from jobs import checks
from jobs.checks import CheckError, Params
from jobs.nights.gate import BOUNDS
from jobs.warehouse.storage import Warehouse
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.passing import BATCH, DAY, VERSION, check, person


@pytest.fixture
def published_days(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`published_days({day: (people, influence)})`: these days' newest publications."""

    def write(days: dict[date, tuple[int, float]], sequence: int = 1, methodology: str = VERSION) -> None:
        for day, (people, influence) in days.items():
            row = {"day": day, "methodology": methodology, "sequence": sequence, "change": "publish"}
            rows = arrow_rows(PUBLICATIONS, [row | {"people": people, "influence": influence}])
            partition = {"day": day, "methodology": methodology, "sequence": sequence}
            warehouse.replace(PUBLICATIONS, rows, partition, run_id="r", job="publish")

    return write


def before(*people: int, last: date = DAY - timedelta(days=1)) -> dict[date, tuple[int, float]]:
    return {last - timedelta(days=n): (count, 1.75 * count) for n, count in enumerate(reversed(people))}


PEOPLE = "people_within_trailing_bounds"
TOO_FEW = "people 2.0, expected 50.0 to 1,000.0 after the"


def test_after_enough_published_days_a_day_out_of_bounds_is_refused_however_old_they_are(
    warehouse: Warehouse, scored: Callable[..., None], published_days: Callable[..., None]
) -> None:
    published_days(before(*[100] * 7, last=date(2020, 1, 31)))
    scored([person(1), person(2)])
    with pytest.raises(CheckError) as failed:
        check(warehouse)
    assert f"{PEOPLE}: {TOO_FEW} 7 days published before (2020-01-25..2020-01-31)" in str(failed.value)
    assert str(failed.value).endswith(
        'is kept. If the figures are right, run `clout publish --day 2026-11-03 --accept "WHY"`'
    )


def test_after_fewer_published_days_it_passes_with_a_warning_on_record(
    warehouse: Warehouse, scored: Callable[..., None], published_days: Callable[..., None]
) -> None:
    published_days(before(*[100] * 6))
    scored([person(1), person(2)])
    results = check(warehouse)
    assert results[PEOPLE] == f"warning: {TOO_FEW} 6 days published before (2026-10-28..2026-11-02)"
    assert [name for name, result in results.items() if result != "ok"] == list(BOUNDS)
    assert json.loads(warehouse.read(RUNS)["checks"][0].as_py()) == results


def test_what_counts_of_a_published_day_is_its_newest_change_under_the_same_methodology(
    warehouse: Warehouse, scored: Callable[..., None], published_days: Callable[..., None]
) -> None:
    days = before(*[100] * 7)
    published_days(days)
    published_days(before(2), sequence=2)  # the day before was restored or published again
    published_days(before(*[100] * 40, last=DAY + timedelta(days=50)), methodology="2027.01")
    scored([person(1), person(2)])
    assert check(warehouse)[PEOPLE] == "ok"
    published_days({DAY - timedelta(days=1): (0, 0.0)}, sequence=3)  # withdrawn
    assert check(warehouse)[PEOPLE].startswith(f"warning: {TOO_FEW} 6 days")


def test_the_nearest_days_are_sought_among_withdrawn_and_missing_ones(
    warehouse: Warehouse, scored: Callable[..., None], published_days: Callable[..., None]
) -> None:
    published_days(before(*[100] * 7, last=DAY - timedelta(days=200)))
    published_days(before(*[0] * 40))
    scored([person(1), person(2)])
    with pytest.raises(CheckError, match=r"7 days published before \(2026-04-11\.\.2026-04-17\)"):
        check(warehouse)


def test_an_operator_may_accept_what_is_out_of_bounds_and_nothing_else(
    warehouse: Warehouse, scored: Callable[..., None], published_days: Callable[..., None]
) -> None:
    published_days(before(*[100] * 7))
    scored([person(1), person(2)])
    accepting = Params(day=DAY, methodology=VERSION, accept="the platform closed down")
    results = checks.run(warehouse, accepting, BATCH)
    assert results[PEOPLE].startswith(f"accepted: {TOO_FEW} 7 days")
    (run,) = warehouse.read(RUNS).to_pylist()
    assert json.loads(run["parameters"])["accept"] == "the platform closed down"
    assert json.loads(run["checks"]) == results
    scored([person(1), person(2, score=101.0)])
    with pytest.raises(CheckError, match="score_on_scale: 1 scores outside 0 to 100") as failed:
        checks.run(warehouse, accepting, BATCH)
    assert "--accept" not in str(failed.value)
    assert "bounds" not in str(failed.value)
