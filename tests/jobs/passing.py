"""People who pass every check, for tests that spoil them."""

from datetime import date
from typing import Any

from jobs import checks
from jobs.checks import Params
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse

DAY = date(2026, 11, 3)
VERSION = "2026.11"
BATCH = Batch("test")


def person(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of `influence` that passes every check."""
    parts = {"direct": 1.0, "second": 0.5, "third": 0.25, "influence": 1.75, "score": 24.9}
    return {"day": DAY, "methodology": VERSION, "person_id": f"twitter:{number}", **parts} | changes


def check(warehouse: Warehouse, day: date = DAY) -> dict[str, str]:
    return checks.run(warehouse, Params(day=day, methodology=VERSION), BATCH)
