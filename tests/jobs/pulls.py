"""Pulls into a warehouse of their own, for the tests of what comes in."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs import pull_activity
from jobs.pull_activity import Params, Pulled
from jobs.sources.spec import parse_specs
from jobs.warehouse import counted
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

DAY = date(2012, 7, 4)
NEXT = DAY + timedelta(days=1)
NOON = int(datetime(2012, 7, 4, 12, tzinfo=UTC).timestamp())
NEXT_NOON = NOON + 86_400
NOON_TEXT = "2012-07-04T12:00:00Z"


class Pulls:
    """Pulls into one warehouse, and what its tables hold afterwards."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse = warehouse
        self.folder = folder

    def file(self, name: str, *lines: str | bytes | dict[str, Any]) -> Path:
        texts = [json.dumps(line) if isinstance(line, dict) else line for line in lines]
        path = self.folder / name
        path.write_bytes(b"".join((text.encode() if isinstance(text, str) else text) + b"\n" for text in texts))
        return path

    def __call__(
        self, *sources: str, first_day: date = DAY, last_day: date | None = None,
        on_day: Callable[[Pulled], None] = lambda _: None, **options: Any,
    ) -> list[Pulled]:  # fmt: skip
        (spec,) = parse_specs(sources)
        params = Params(source=spec, first_day=first_day, last_day=last_day or first_day, **options)
        return pull_activity.run(self.warehouse, params, Batch("test"), on_day=on_day)

    def table(self, table: Table, *names: str) -> list[tuple]:
        """Every row that counts, sorted by the grain; the columns named, or all but the pull's id."""
        rows = self.warehouse.read(table)
        if table in (ACTIVITY, ACCOUNTS):
            rows = rows.filter(counted.condition(self.warehouse.read(COVERAGE, columns=counted.NAMES)))
        kept = names or [name for name in table.column_names if name != "pull"]
        found = arrow.sorted_by_grain(table, rows).select(kept)
        return [tuple(row.values()) for row in found.to_pylist()]

    def outcomes(self) -> list[tuple]:
        """Rejects as (file's name, line, outcome, reason)."""
        return [(Path(f).name, *rest) for f, *rest in self.table(REJECTS, "file", "line", "outcome", "reason")]

    def coverage(self) -> list[tuple]:
        return self.table(
            COVERAGE, "day", "source", "status", "reason", "act_count", "rejected_count", "unresolved_count", "ignored_count"
        )  # fmt: skip

    def counting(self) -> dict[str, list[tuple]]:
        """The rows that count, which a failed pull must leave unchanged."""
        return {table.name: self.table(table) for table in (ACTIVITY, ACCOUNTS, COVERAGE)}

    def states(self) -> list[tuple]:
        """Newest last: (day, status, error) of every run."""
        found = self.warehouse.read(RUNS).sort_by([("started_at", "ascending"), ("day", "ascending")])
        return [(row["day"], row["status"], row["error"]) for row in found.to_pylist()]


def like(actor: Any, **changes: Any) -> dict[str, Any]:
    """An ActivityStreams Like of bo's note; a change to `None` leaves the property out."""
    properties = {
        "id": f"like-{actor}",
        "type": "Like",
        "actor": actor,
        "published": NOON_TEXT,
        "object": {"id": "note", "attributedTo": "bo"},
    }
    return {name: value for name, value in (properties | changes).items() if value is not None}


def good(count: int, at: int = NOON) -> list[str]:
    return [f"{actor} 2 {at} RT" for actor in range(100, 100 + count)]
