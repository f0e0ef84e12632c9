"""people's statements -> links: records that two accounts are one person, or that they no longer are.

Each call adds rows in one commit. Published days that this changes become stale (`clout stale`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow.compute as pc

from jobs.errors import UsageError
from jobs.people import consent
from jobs.warehouse import objections, runs, suppression
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse, rows
from schemas.consent import NO
from schemas.links import LINKS, OPERATOR, STATEMENTS

JOB = "links"


@dataclass(frozen=True, kw_only=True)
class Params:
    """When (an instant in UTC), by whom and why a statement is made, and the UTC day from which it counts."""

    at: datetime
    by: str
    day: date
    why: str | None = None


def pair(account: str, other: str) -> tuple[str, str]:
    """Both accounts (`platform:account_id`) in UTF-8 order. Raises `UsageError` if one is malformed, or if they are the
    same."""
    for each in (account, other):
        consent.row(each, NO, date.min)  # raises if it is no account
    if account == other:
        raise UsageError(f"{account}: an account is always one person with itself; name two accounts")
    return objections.ordered(account, other)


def record(warehouse: Warehouse, params: Params, account: str, other: str, batch: Batch, kind: str = OPERATOR) -> None:
    """Records a statement (`kind`, one of `STATEMENTS`) that both accounts are one person from `params.day` on. Raises
    `UsageError` as `pair` does, if one of the accounts left for good, and if an objection to the link was upheld."""
    one, two = pair(account, other)
    if (one, two) in objections.upheld_links(warehouse):
        raise UsageError(
            f"{one} and {two}: an objection to their link was upheld, so it would not count; to change that, answer it again"
            " with `--reject` (`clout person objections` lists it)"
        )
    left = suppression.current(warehouse)
    if gone := [each for each in (one, two) if each in left]:
        raise UsageError(f"{gone[0]} left for good; nothing about it is recorded")
    said = {"account_a": one, "account_b": two, "kind": kind, "first_seen": params.day, "until": None}
    _add(warehouse, params, [said | {"said_by": params.by}], batch)


def end(warehouse: Warehouse, params: Params, account: str, other: str, batch: Batch) -> int:
    """Ends all evidence for a link of both accounts that holds on `params.day` or begins later. Returns the number of rows.
    Evidence that begins on `params.day` or later is undone as if it had never been. Raises `UsageError` as `pair` does, and if
    there is nothing to end."""
    one, two = pair(account, other)
    theirs = (pc.field("account_a") == one) & (pc.field("account_b") == two)
    newest: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in warehouse.read(LINKS, where=theirs).sort_by("recorded_at").to_pylist():
        newest[row["kind"], None if row["kind"] in STATEMENTS else row["said_by"], row["first_seen"]] = row
    holding = [row for row in newest.values() if row["until"] is None or row["until"] > params.day]
    if not holding:
        raise UsageError(f"{one} and {two} are not linked on {params.day}; `clout links` lists the links")
    _add(warehouse, params, [row | _ended(row, params) for row in holding], batch)
    return len(holding)


def _ended(row: dict[str, Any], params: Params) -> dict[str, Any]:
    return {
        "until": max(params.day, row["first_seen"]),
        "said_by": params.by if row["kind"] in STATEMENTS else row["said_by"],
    }


def _add(warehouse: Warehouse, params: Params, given: Sequence[dict[str, Any]], batch: Batch) -> None:
    with runs.recorded(warehouse, JOB, params.at.date(), batch) as row:
        added = [each | {"why": params.why, "recorded_at": params.at} for each in given]
        warehouse.append(LINKS, rows(LINKS, added), {}, run_id=row.id, job=JOB)
        row.counts["links"] = len(added)
