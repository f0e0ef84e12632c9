"""A legal basis for warehouses of tests that are about other things than consent."""

from datetime import UTC, datetime

from jobs.people import legal_basis
from jobs.warehouse.storage import Warehouse

REASON = "test data"
LABEL = f"legal basis: {REASON} (recorded by tests on 2026-01-01)"


def publish_everybody(warehouse: Warehouse) -> Warehouse:
    """The warehouse, whose people are published without their consent from now on."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    legal_basis.record(warehouse, REASON, at=at, by="tests", run_id="tests")
    return warehouse
