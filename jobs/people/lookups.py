"""The table `lookups`: records who looked at one person, and reads these records."""

import logging
import uuid
from datetime import datetime

import pyarrow as pa

from jobs.errors import CloutError
from jobs.warehouse.storage import Warehouse, rows
from schemas.lookups import LOOKUPS

log = logging.getLogger(__name__)

JOB = "lookups"


def record(warehouse: Warehouse, person: str, command: str, *, at: datetime, by: str, why: str | None) -> bool:
    """Adds a row. Returns False if it cannot, such as in a read-only warehouse, which stays unchanged."""
    run_id = uuid.uuid4().hex
    row = {"lookup_id": run_id, "looked_at": at, "looked_by": by, "person_id": person, "command": command, "why": why}
    try:
        warehouse.require_writable()
        warehouse.append(LOOKUPS, rows(LOOKUPS, [row]), {}, run_id=run_id, job=JOB)
    except (CloutError, OSError) as error:
        log.info("%s", error)
        return False
    return True


def recorded(warehouse: Warehouse, person: str | None = None) -> pa.Table:
    """All rows, or those of a person (`person_id`), the newest first."""
    found = warehouse.read(LOOKUPS, {"person_id": person} if person else {})
    return found.sort_by([("looked_at", "descending"), ("lookup_id", "ascending")])
