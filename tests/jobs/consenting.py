"""Four people who are scored and checked on two days, and what they agree to."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from jobs import checks, consent, publish
from jobs.people.consent import row
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
DAYS = (DAY, DAY + timedelta(days=1))
OFFICIAL = load("2026.11")
BATCH = Batch("test")
SAID = datetime(2026, 11, 10, 12, tzinfo=UTC)
TODAY = SAID.date()
PEOPLE = [f"twitter:{n}" for n in range(4)]


def scored(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    """A warehouse without a legal basis, in which four people are scored and checked on two days."""
    params = consent.Params(at=SAID, by="tests", origin="operator")
    consent.record_basis(warehouse, params, None, BATCH)
    for day in DAYS:
        rows = arrow_rows(
            INFLUENCE, [{"person_id": who, "day": day, "influence": 5.0, "direct": 5.0} for who in PEOPLE]
        )
        place = {"methodology": OFFICIAL.version, "day": day}
        warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
        warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": day}]), {"day": day}, run_id="r", job="j")
        checks.run(warehouse, checks.Params(day=day, methodology=OFFICIAL.version), BATCH)
    return warehouse


def say(warehouse: Warehouse, hours: int = 0, **scopes: str) -> None:
    """`say(warehouse, n1="public")`: what `twitter:1` agrees to."""
    params = consent.Params(at=SAID + timedelta(hours=hours), by="tests", origin="import")
    said = [row(f"twitter:{who.removeprefix('n')}", scope, TODAY) for who, scope in scopes.items()]
    consent.record(warehouse, params, said, BATCH)


def change(
    warehouse: Warehouse, how: Callable[..., Any] = publish.run, day: date = DAY, today: date = TODAY
) -> dict[str, float]:
    return how(warehouse, publish.Params(day=day, methodology=OFFICIAL, today=today), BATCH)


def published(warehouse: Warehouse, day: date = DAY) -> list[str]:
    return sorted(warehouse.read(SCORES, {"day": day})["person_id"].to_pylist())


def apply(warehouse: Warehouse, today: date = TODAY) -> list[tuple[date, int]]:
    return [(params.day, withdrawn) for params, withdrawn in consent.apply(warehouse, today, BATCH)]
