"""Queries of `coverage`, `runs` and `rejects` for operators. They read only the days they need, and write nothing."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from jobs.days import days_between
from jobs.scratch import shared
from jobs.warehouse.runs import DONE, FAILED, PULL_ACTIVITY, STARTED
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

DAYS = 7  # shown if the operator names no day
MISSING, PARTIAL = "missing", "partial"
JSON_COLUMNS = ("parameters", "inputs", "uncovered_days", "counts", "checks")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Request:
    """The requested range of UTC days, both ends included, and optionally one source.

    Without a first day, the range is the newest `DAYS` days with rows, up to the last day. Without a last day, the range ends
    with the table's newest day.
    """

    first_day: date | None = None
    last_day: date | None = None
    source: str | None = None

    def days(self, warehouse: Warehouse, table: Table) -> tuple[date, ...]:
        """The requested days on which the table has rows, ascending."""
        existing = sorted({date.fromisoformat(partition["day"]) for partition in warehouse.partitions(table)})
        requested = [day for day in existing if (self.first_day or day) <= day <= (self.last_day or day)]
        return tuple(requested if self.first_day else requested[-DAYS:])

    def partition(self, days: Sequence[date]) -> Row:
        """A partition filter for these days and for the requested source, if any. If a source is requested, the table must be
        partitioned by source."""
        return {"day": tuple(days)} | ({"source": self.source} if self.source else {})


def coverage(
    warehouse: Warehouse, request: Request, expected: Mapping[str, Sequence[date]], *, faulty: bool
) -> list[Row]:
    """The rows of `coverage` for the requested days, sorted by day, source and platform.

    Adds rows of status `missing`, with the cause in `reason`. A source is missing on a day of the range if it has rows on
    another day but none on this one, or if `expected` (source -> days) names the day and it has no row. `faulty` drops complete
    days without a warning.
    """
    days_with_rows = request.days(warehouse, COVERAGE)
    rows = warehouse.read(COVERAGE, request.partition(days_with_rows)).to_pylist() if days_with_rows else []
    ends = [*days_with_rows, *(day for day in (request.first_day, request.last_day) if day)]
    span = days_between(min(ends), max(ends)) if ends else []
    wanted = {(row["source"], day) for row in rows for day in span}
    wanted |= {(source, day) for source, days in expected.items() for day in days if request.source in (None, source)}
    missing = wanted - {(row["source"], row["day"]) for row in rows}
    why = _newest_pulls(warehouse, sorted({day for _, day in missing}))
    rows += [
        dict.fromkeys(COVERAGE.column_names)
        | {"day": day, "source": source, "status": MISSING, "reason": why.get((source, day), "no pull was started")}
        for source, day in missing
    ]
    kept = (row for row in rows if not faulty or row["reason"] or row["status"] != "complete")
    return sorted(kept, key=lambda row: (row["day"], row["source"], row["platform"] or ""))


def _newest_pulls(warehouse: Warehouse, days: Sequence[date]) -> dict[tuple[str, date], str]:
    """(source, day) -> how the newest pull of this day ended, in words. `days`: days on which some source has no coverage."""
    if not days:
        return {}
    said = {
        FAILED: "the pull failed: {error}",
        STARTED: "a pull started at {started_at:%Y-%m-%d %H:%M} UTC and has not ended",
        DONE: "pulled at {started_at:%Y-%m-%d %H:%M} UTC, but its coverage was removed since; pull it again",
    }
    pulls = warehouse.read(RUNS, {"day": tuple(days), "job": PULL_ACTIVITY}).sort_by("started_at").to_pylist()
    return {(json.loads(row["parameters"])["source"], row["day"]): said[row["status"]].format(**row) for row in pulls}


def runs(warehouse: Warehouse, request: Request, *, job: str | None = None, failed: bool = False) -> list[Row]:
    """The rows of `runs` for the requested days, sorted by day and start, with JSON columns parsed.

    Adds `partial_sources`: source -> reason, for the sources that are partial on the day. `job` selects one job; `failed`
    selects runs that failed or have not ended.
    """
    days = request.days(warehouse, RUNS)
    if not days:
        return []
    partial: dict[date, dict[str, str]] = {}
    for row in warehouse.read(COVERAGE, {"day": days}, columns=["day", "source", "status", "reason"]).to_pylist():
        if row["status"] == PARTIAL:
            partial.setdefault(row["day"], {})[row["source"]] = row["reason"] or "no reason was recorded"
    rows = [
        row
        | {name: json.loads(row[name]) if row[name] else None for name in JSON_COLUMNS}
        | {"partial_sources": partial.get(row["day"], {})}
        for row in warehouse.read(RUNS, {"day": days}).to_pylist()
    ]
    kept = (
        row
        for row in rows
        if job in (None, row["job"])
        and request.source in (None, row["parameters"].get("source"))
        and not (failed and row["status"] == DONE)
    )
    return sorted(kept, key=lambda row: (row["day"], row["started_at"]))


def reject_reasons(warehouse: Warehouse, request: Request, outcome: str | None, count: int) -> list[Row]:
    """At most `count` reasons of the requested days: (day, source, outcome, reason), the number of lines rejected for this
    reason (`line_count`), and the first such line (`file`, `line`, `excerpt`).

    Reasons of outcome `rejected` come before `unresolved`; within an outcome the commonest come first.
    """
    return _rejects(
        warehouse,
        request,
        outcome,
        f"""
        select day, source, outcome, reason, count(*) as line_count, min(file) as file,
            arg_min(line, (file, line)) as line, arg_min(excerpt, (file, line)) as excerpt
        from rejects group by all order by outcome, line_count desc, day, source, reason limit {count}
        """,
    )


def rejected_lines(warehouse: Warehouse, request: Request, outcome: str | None, count: int) -> list[Row]:
    """The first `count` rows of `rejects` for the requested days, sorted by day, source, file, line and platform."""
    return _rejects(
        warehouse, request, outcome, f"select * from rejects order by day, source, file, line, platform limit {count}"
    )


def _rejects(warehouse: Warehouse, request: Request, outcome: str | None, query: str) -> list[Row]:
    days = request.days(warehouse, REJECTS)
    if not days:
        return []
    partition = request.partition(days) | ({"outcome": outcome} if outcome else {})
    with shared() as db:  # streamed, because a failed pull may have rejected millions of lines
        db.register("rejects", warehouse.reader(REJECTS, partition))
        return db.sql(query).to_arrow_table().to_pylist()
