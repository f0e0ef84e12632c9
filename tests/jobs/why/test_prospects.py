"""What happened to people with a similar score."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from jobs.warehouse.storage import Warehouse
from jobs.why import prospects
from schemas.validations import VALIDATIONS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)


@pytest.fixture
def validated(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`validated(day, 0.1)`: a day on which tenth n begins at n points and has n times this share with the outcome. AUC is
    0.75."""

    def write(day: date, share: float, **columns: Any) -> None:
        about = {"day": day, "ahead": 7, "outcome": "engaged", "platform": "*", "predictor": "score"} | columns
        figures = (
            {"auc": 0.75}
            | {f"from_{n}": float(n) for n in range(1, 11)}
            | {f"rate_{n}": n * share for n in range(1, 11)}
        )
        rows = [about | {"figure": name, "value": value} for name, value in figures.items()]
        warehouse.append(VALIDATIONS, arrow_rows(VALIDATIONS, rows), {}, run_id="r", job="j")

    return write


@pytest.mark.parametrize(("score", "tenth"), [(0.0, 1), (1.0, 1), (4.2, 4), (10.0, 10), (99.0, 10)])
def test_the_tenth_of_a_score_and_what_happened_to_it(
    warehouse: Warehouse, validated: Callable[..., None], score: float, tenth: int
) -> None:
    validated(DAY - timedelta(days=7), 0.01)
    found = prospects.similar(warehouse, score, "2026.11", DAY)
    week_ago = DAY - timedelta(days=7)
    assert found == {"tenth": tenth, "share": pytest.approx(0.01 * tenth), "auc": 0.75, "measured_on": week_ago}


def test_the_newest_validated_day_up_to_the_scored_one_counts(
    warehouse: Warehouse, validated: Callable[..., None]
) -> None:
    assert prospects.similar(warehouse, 5.0, "2026.11", DAY) is None
    validated(DAY + timedelta(days=1), 0.09)
    validated(DAY - timedelta(days=9), 0.05, ahead=14)
    validated(DAY - timedelta(days=8), 0.05, predictor="engagers")
    assert prospects.similar(warehouse, 5.0, "2026.11", DAY) is None
    validated(DAY - timedelta(days=7), 0.01)
    validated(DAY, 0.02)
    newest = {"tenth": 5, "share": 0.1, "auc": 0.75, "measured_on": DAY}
    assert prospects.similar(warehouse, 5.0, "2026.11", DAY) == newest
    assert prospects.similar(warehouse, 5.0, "2026.12", DAY) is None
