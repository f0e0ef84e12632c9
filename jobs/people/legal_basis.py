"""The table `legal_bases`: a ground other than consent on which the owner publishes everybody. It is shown wherever people are
shown."""

from dataclasses import dataclass
from datetime import datetime

from jobs.errors import UsageError
from jobs.warehouse.storage import Warehouse, rows
from schemas.legal_bases import LEGAL_BASES

JOB = "legal_basis"


@dataclass(frozen=True, kw_only=True)
class LegalBasis:
    """The ground, who answers for it, and since when."""

    reason: str
    recorded_at: datetime
    recorded_by: str

    def __str__(self) -> str:
        return f"{self.reason} (recorded by {self.recorded_by} on {self.recorded_at:%Y-%m-%d})"


def current(warehouse: Warehouse, version: int | None = None) -> LegalBasis | None:
    """The ground that applies now, or None: then only consent counts."""
    recorded = warehouse.read(LEGAL_BASES, version=version).sort_by("recorded_at").to_pylist()
    if not recorded or recorded[-1]["reason"] is None:
        return None
    return LegalBasis(**recorded[-1])


def record(warehouse: Warehouse, reason: str | None, *, at: datetime, by: str, run_id: str) -> None:
    """Records the ground or, if `reason` is None, the end of the present one. Raises `UsageError` if the reason is blank or not
    a single line, or if there is no ground to end."""
    if reason is None and current(warehouse) is None:
        raise UsageError("no legal basis is recorded, so there is none to end")
    if reason is not None and not (reason.strip() and reason.isprintable()):
        raise UsageError('name the legal basis in one line, such as "public research data set, SNAP"')
    row = {"reason": reason.strip() if reason else None, "recorded_at": at, "recorded_by": by}
    warehouse.append(LEGAL_BASES, rows(LEGAL_BASES, [row]), {}, run_id=run_id, job=JOB)
