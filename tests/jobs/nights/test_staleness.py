"""Days are stale if somebody left who acted in their window, even if the activity of these acts has expired."""

from datetime import UTC, date, datetime, timedelta

from jobs.nights import staleness
from jobs.warehouse import leavers, runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.publications import PUBLICATIONS
from tests.fixture_types import ArrowRows

DAY, ACTED = date(2026, 11, 3), date(2026, 10, 1)


def published(
    warehouse: Warehouse, arrow_rows: ArrowRows, sequence: int, at: datetime, change: str = "publish"
) -> None:
    row = {
        "day": DAY,
        "methodology": "2026.11",
        "sequence": sequence,
        "change": change,
        "people": 1,
        "published_at": at,
    }
    given = arrow_rows(PUBLICATIONS, [row | {"activity_digests": "{}", "accounts_digest": None, "links_digest": None}])
    warehouse.append(PUBLICATIONS, given, {}, run_id="r", job="j")


def stale_days(warehouse: Warehouse) -> list[tuple[date, ...]]:
    return [each.changed_days for each in staleness.find(warehouse, DAY, DAY)]


def test_a_leaving_makes_days_stale_until_they_are_published_again(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    now = datetime.now(UTC)
    published(warehouse, arrow_rows, 1, now - timedelta(days=1))
    assert stale_days(warehouse) == []
    with runs.recorded(warehouse, leavers.FORGET, now.date(), Batch("b")) as row:
        leavers.record(warehouse, row, [ACTED, date(2020, 1, 1)])
    assert stale_days(warehouse) == [(ACTED,)]
    published(warehouse, arrow_rows, 2, now + timedelta(hours=1), "consent")  # somebody else left `scores`
    assert stale_days(warehouse) == [(ACTED,)]
    published(warehouse, arrow_rows, 3, now + timedelta(hours=2))
    assert stale_days(warehouse) == []
