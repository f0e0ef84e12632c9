"""A legal basis for warehouses of the benchmark, so that everybody in them is published."""

from datetime import UTC, datetime

from jobs.people import legal_basis
from jobs.warehouse.storage import Warehouse

REASON = "benchmark"


def publish_everybody(warehouse: Warehouse) -> None:
    """Records the legal basis."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    legal_basis.record(warehouse, REASON, at=at, by=REASON, run_id=REASON)
