"""The table `objections`: what people dispute, and the acts and links that no longer count because an objection to them was
upheld.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow.compute as pc

from jobs.warehouse.storage import Warehouse
from schemas.objections import ACT as DISPUTED_ACT
from schemas.objections import LINK, OBJECTIONS, UPHELD

Row = Mapping[str, Any]
ACT = ("day", "platform", "activity_id", "src", "dst")  # names one act


def current(
    warehouse: Warehouse, where: pc.Expression | None = None, version: int | None = None
) -> list[dict[str, Any]]:
    """The newest rows of each objection, in the order in which they were recorded, at a version if given. `where` must select
    whole objections."""
    rows = warehouse.read(OBJECTIONS, where=where, version=version).sort_by("recorded_at").to_pylist()
    newest = {row["objection_id"]: row["recorded_at"] for row in rows}
    return [row for row in rows if row["recorded_at"] == newest[row["objection_id"]]]


def upheld(warehouse: Warehouse, first_day: date, last_day: date) -> list[dict[str, Any]]:
    """The acts of these UTC days that do not count, each once, with the columns `ACT`."""
    of_days = (pc.field("kind") == DISPUTED_ACT) & (pc.field("day") >= first_day) & (pc.field("day") <= last_day)
    acts = {tuple(row[name] for name in ACT) for row in current(warehouse, of_days) if row["state"] == UPHELD}
    return [dict(zip(ACT, act, strict=True)) for act in sorted(acts)]


def upheld_links(warehouse: Warehouse, version: int | None = None) -> set[tuple[str, str]]:
    """The pairs of accounts whose link does not count, each in UTF-8 order, at a version of the table if given."""
    answered = current(warehouse, pc.field("kind") == LINK, version)
    return {ordered(row["src"], row["dst"]) for row in answered if row["state"] == UPHELD}


def ordered(account: str, other: str) -> tuple[str, str]:
    """Both in UTF-8 order, as `links` has them."""
    one, two = sorted((account, other), key=str.encode)
    return one, two


def by_day(acts: Iterable[Row]) -> dict[date, list[str]]:
    """UTC day -> one text per act that does not count. The texts become part of a digest of what counts."""
    texts: dict[date, list[str]] = {}
    for act in acts:
        texts.setdefault(act["day"], []).append(json.dumps(["objection", *(act[name] for name in ACT[1:])]))
    return texts
