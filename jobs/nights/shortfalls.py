"""The shortfalls of a published day: sources that covered it only in part or not at all, bounds that it missed although it was
published, and a publication without people because nobody agreed.

Reads a day's rows of `coverage` and `runs`; writes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow.compute as pc

from jobs.nights.gate import OK
from jobs.warehouse import runs
from jobs.warehouse.publications import PUBLISH
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE, PARTIAL
from schemas.runs import RUNS

LATE, CHECKS, CONSENT = "late_or_missing_day.md", "checks_failed.md", "consent.md"  # runbooks


@dataclass(frozen=True)
class Shortfall:
    """One shortfall of the day. `source` is None if it concerns all sources together."""

    reason: str
    runbook: str
    source: str | None = None


def shortfalls(warehouse: Warehouse, sources: Sequence[str], day: date, methodology: str) -> list[Shortfall]:
    """Shortfalls of the day's latest scores, for these sources. Empty if nothing is missing."""
    covered: dict[str, list[dict]] = {}
    for row in warehouse.read(COVERAGE, {"day": day}).to_pylist():
        covered.setdefault(row["source"], []).append(row)
    absent = [Shortfall(f"no coverage of {day}", LATE, source) for source in sources if source not in covered]
    partial = [
        Shortfall(f"{row['platform']} is partial: {row['reason'] or 'no reason was recorded'}", LATE, source)
        for source, rows in sorted(covered.items())
        for row in rows
        if row["status"] == PARTIAL
    ]
    return absent + partial + _warnings(warehouse, day, methodology) + _nobody(warehouse, day, methodology)


def _warnings(warehouse: Warehouse, day: date, methodology: str) -> list[Shortfall]:
    """Results other than `ok` of the latest checks that passed."""
    results = json.loads(_latest(warehouse, runs.CHECKS, day, methodology).get("checks") or "{}")
    results.pop("coverage_present", None)  # repeats the partial sources above
    return [Shortfall(f"{name}: {result}", CHECKS) for name, result in results.items() if result != OK]


def _nobody(warehouse: Warehouse, day: date, methodology: str) -> list[Shortfall]:
    """One shortfall if the day's latest publication published nobody because nobody agreed, else none."""
    counts = json.loads(_latest(warehouse, PUBLISH, day, methodology).get("counts") or "{}")
    if counts.get("people") or not counts.get("withheld"):
        return []
    return [Shortfall(f"nobody of {counts['withheld']:,} people agreed to be published", CONSENT)]


def _latest(warehouse: Warehouse, job: str, day: date, methodology: str) -> dict[str, Any]:
    """The job's latest run that is done; empty if there is none."""
    done = (pc.field("job") == job) & (pc.field("status") == runs.DONE)
    columns = ["parameters", "checks", "counts", "started_at"]
    rows = warehouse.read(RUNS, {"day": day}, columns=columns, where=done).sort_by("started_at").to_pylist()
    mine = [row for row in rows if json.loads(row["parameters"])["methodology"] == methodology]
    return mine[-1] if mine else {}
