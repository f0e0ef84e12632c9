"""Nobody who left is counted or scored, even if a table still names them, as after an erasure that was interrupted."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from jobs import engagement, few_acts, leaving, score_inputs
from jobs.errors import CloutError
from jobs.warehouse import counted, runs, suppression
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests, counted_window
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import load
from tests.fixture_types import ArrowRows

DAY, NOON = date(2026, 11, 3), datetime(2026, 11, 10, 12, tzinfo=UTC)
PLACE = {"platform": "x", "day": DAY, "source": "x", "pull": "p"}
BY: dict[str, Any] = {"run_id": "r", "job": "j"}


class StartedError(Exception):
    """In place of the work of Spark or DuckDB."""


def started(*_: Any, **__: Any) -> None:
    raise StartedError


@pytest.fixture
def counted_day(warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A day that is pulled and counted: dee acts on bo, and ana on cy."""
    monkeypatch.setenv(suppression.VARIABLE, "7" * 64)
    monkeypatch.setattr(counted, "frame", started)
    monkeypatch.setattr(few_acts, "counted", started)
    monkeypatch.setattr(Warehouse, "frame", started)
    acts = [
        {**PLACE, "activity_id": who, "actor_id": who, "target_id": at} for who, at in (("dee", "bo"), ("ana", "cy"))
    ]
    covered = {**PLACE, "activity_digest": "d"}
    edges = [{"day": DAY, "src": "x:dee", "dst": "x:bo"}, {"day": DAY, "src": "x:ana", "dst": "x:cy"}]
    for table, rows in ((ACTIVITY, acts), (COVERAGE, [covered]), (ENGAGEMENT, edges)):
        warehouse.append(table, arrow_rows(table, rows), {}, **BY)
    counted_again(warehouse)
    return warehouse


def counted_again(warehouse: Warehouse) -> None:
    """Records that the day is counted as it is now."""
    with runs.recorded(warehouse, runs.ENGAGEMENT, DAY, Batch("b")) as row:
        row.parameters["activity_digest"] = activity_digests(warehouse, DAY, DAY)[DAY]


def count(warehouse: Warehouse) -> None:
    engagement.run(None, warehouse, engagement.Params(day=DAY, first_day=DAY), Batch("b"))  # type: ignore[arg-type]


def score(warehouse: Warehouse) -> None:
    window = counted_window(warehouse, DAY, load("2026.11"))
    score_inputs.read(warehouse, window, RollUps("any", 0, {}))
    raise StartedError


@pytest.mark.parametrize(("job", "table"), [(count, "activity"), (score, "engagement")])
def test_a_table_that_names_who_left_is_refused_until_they_are_erased(
    counted_day: Warehouse, job: Any, table: str
) -> None:
    with pytest.raises(StartedError):
        job(counted_day)
    suppression.record(counted_day, ["x:dee", "x:eve"], at=NOON, run_id="r")
    with pytest.raises(CloutError, match=rf"{table}: names 1 accounts that left.* forget --replay ") as refused:
        job(counted_day)
    assert "dee" not in str(refused.value)
    leaving.replay(counted_day, suppression.suppression_journal.path(), NOON, Batch("b"))
    counted_again(counted_day)
    with pytest.raises(StartedError):
        job(counted_day)
