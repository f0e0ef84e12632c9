"""Rows of a contract from what a test names: the other columns are plain."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from jobs.sources.values import derived_id
from schemas.activity import ACTIVITY
from schemas.table import Column, Table

DAY = date(2026, 11, 3)

# What a column holds that a test does not name: null where it may be, else this, else what is plain for its type.
DEFAULTS = {
    "platform": "twitter",
    "source": "test",
    "kind": "like",
    "src": "twitter:ana",
    "dst": "twitter:bo",
    "person_id": "twitter:ana",
    "methodology": "2026.11",
    "since_day": date(2026, 11, 2),
    "act_count": 1,
    "rank": 1,
    "window_coverage": 1.0,
    "line": 1,
    "outcome": "rejected",
    "status": "complete",
    "parameters": "{}",
}
PLAIN = {"string": "", "date": DAY, "double": 0.0, "long": 0, "boolean": False}


def filled(table: Table, record: Mapping[str, Any]) -> dict[str, Any]:
    """The day of an act is that of its instant, and its id what a platform without ids gives: actor, target, second."""
    unknown = [name for name in record if name not in table.column_names]
    assert not unknown, f"{table.name} has no column {unknown}"
    found = dict(record)
    if table is ACTIVITY:
        at = found.setdefault("occurred_at", _noon(found.get("day", DAY)))
        found.setdefault("day", at.astimezone(UTC).date())
        found.setdefault("actor_id", "ana")
        found.setdefault("target_id", found["actor_id"] if found.get("kind") == "post" else "bo")
        second = int(at.timestamp()) * 1_000_000
        found.setdefault("activity_id", derived_id(found["actor_id"], found["target_id"], second))
    return {column.name: found.get(column.name, _default(column)) for column in table.columns}


def _default(column: Column) -> Any:
    if column.nullable:
        return None
    if column.name in DEFAULTS:
        return DEFAULTS[column.name]
    return _noon(DAY) if column.type == "timestamp" else PLAIN[column.type]


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
