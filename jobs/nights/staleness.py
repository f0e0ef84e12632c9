"""Finds stale published days: days whose scores could differ if computed again from the current tables.

A publication records digests of its inputs: the activity of each covered day of the window, which accounts are bots, and who
has several accounts. A day is stale if one of these digests has changed. It is also stale if somebody left who acted in the
window, because the digest of an act's day stays if the day's activity has expired. Reads `publications`, `accounts`,
`coverage`, `links`, `objections` and `runs`; writes nothing.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import accumulate
from typing import Any

from jobs.days import ONE_DAY
from jobs.night_settings import nights
from jobs.warehouse import counted, known_accounts, leavers, links, runs
from jobs.warehouse.commits import Span
from jobs.warehouse.publications import PUBLISH
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests
from schemas.links import LINKS
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.versions import MethodologyError


@dataclass(frozen=True)
class Stale:
    """A published day, the days of its window whose activity or coverage changed or lost acts of people who left, and whether
    its accounts or its links changed. `max_accounts`: the setting changed, and joins other accounts to people than when the day
    was scored."""

    day: date
    methodology: str
    changed_days: tuple[date, ...]
    accounts: bool = False
    links: bool = False
    max_accounts: bool = False


def changed_days(then: Mapping[str, str], now: Mapping[date, str], first_day: date, last_day: date) -> list[date]:
    """Days of a window whose digest changed: other content, newly covered, or no longer covered. `then` maps days as text to
    digests. `now` may hold days outside the window."""
    before = {date.fromisoformat(day): digest for day, digest in then.items()}
    days = {day for day in {*before, *now} if first_day <= day <= last_day}
    return sorted(day for day in days if before.get(day) != now.get(day))


def find(warehouse: Warehouse, first_day: date, last_day: date, methodology: str | None = None) -> list[Stale]:
    """The stale published days from the first to the last, newest first; under one methodology if given. Days that earlier
    versions of clout published without digests are left out."""
    published = [
        row
        for row in _newest(warehouse, first_day, last_day)
        if row["activity_digests"] is not None and methodology in (None, row["methodology"])
    ]
    if not published:
        return []
    now = activity_digests(warehouse, min(map(_first_day, published)), max(row["day"] for row in published))
    pulled_at = _pulled_at(warehouse, max(row["day"] for row in published))
    snapshot = counted.snapshot(warehouse)
    limits = _limits(warehouse, published) if warehouse.row_count(LINKS, {}) else {}
    erasures = leavers.erasures(warehouse, min(row["made_at"] for row in published))
    stale = []
    for row in published:
        day = row["day"]
        lost = {other for at, days in erasures if at >= row["made_at"] for other in days}
        changed = changed_days(json.loads(row["activity_digests"]), now, _first_day(row), day)
        changed = sorted({*changed, *(other for other in lost if _first_day(row) <= other <= day)})
        # Accounts are read only if something was pulled since the day was published.
        since = max((at for other, at in pulled_at.items() if other <= day), default=None)
        accounts = (
            row["accounts_digest"] is not None
            and since is not None
            and since >= row["published_at"]
            and known_accounts.credibility_digest(warehouse, snapshot, day) != row["accounts_digest"]
        )
        limit = limits.get(row["influence_run"])
        # The day's scores may lack links that were recorded while the day was scored.
        linked = (
            links.are_recorded_since(warehouse, row["published_at"] - ONE_DAY, day)
            and links.at_end_of(day, warehouse, max_accounts=limit).digest != row["links_digest"]
        )
        limited = (
            limit not in (None, nights().max_accounts)
            and links.at_end_of(day, warehouse, max_accounts=limit).digest != links.at_end_of(day, warehouse).digest
        )
        if changed or accounts or linked or limited:
            stale.append(Stale(day, row["methodology"], tuple(changed), accounts, linked, limited))
    return stale


def ranges(stale: Sequence[Stale]) -> list[list[Stale]]:
    """Groups consecutive stale days of one methodology into ranges, each ascending, newest range first."""
    groups: list[list[Stale]] = []
    for entry in sorted(stale, key=lambda entry: (entry.methodology, entry.day)):
        last = groups[-1][-1] if groups else None
        if last and last.methodology == entry.methodology and entry.day - last.day == ONE_DAY:
            groups[-1].append(entry)
        else:
            groups.append([entry])
    return sorted(groups, key=lambda span: span[-1].day, reverse=True)


def _newest(warehouse: Warehouse, first_day: date, last_day: date) -> list[dict[str, Any]]:
    """The publications in effect, newest day first. `made_at`: when rows of the day were last computed and published, as
    opposed to restored or reduced."""
    digests = ["activity_digests", "accounts_digest", "links_digest"]
    columns = ["day", "methodology", "sequence", "change", "people", "published_at", "influence_run", *digests]
    changes = warehouse.read(PUBLICATIONS, {"day": Span(first_day, last_day)}, columns=columns)
    newest: dict[tuple[date, str], dict[str, Any]] = {}
    for row in changes.sort_by("sequence").to_pylist():
        key = (row["day"], row["methodology"])
        before = newest.get(key, row | {"made_at": row["published_at"]})
        newest[key] = row | {"made_at": row["published_at"] if row["change"] == PUBLISH else before["made_at"]}
    return [newest[key] for key in sorted(newest, reverse=True) if newest[key]["people"]]


def _first_day(row: Mapping[str, Any]) -> date:
    """The first day of a publication's window. If this clout lacks the methodology, its first covered day."""
    try:
        return load(row["methodology"]).first_day(row["day"])
    except MethodologyError:
        return min(map(date.fromisoformat, json.loads(row["activity_digests"])), default=row["day"])


def _limits(warehouse: Warehouse, published: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Run of `influence` -> the `max_accounts` with which it scored. Omits runs of earlier versions of clout."""
    days = [row["day"] for row in published]
    scored = {"day": Span(min(days), max(days)), "job": runs.INFLUENCE, "status": runs.DONE}
    found = warehouse.read(RUNS, scored, columns=["run_id", "parameters"])
    known = zip(found["run_id"].to_pylist(), map(json.loads, found["parameters"].to_pylist()), strict=True)
    return {run: parameters[runs.MAX_ACCOUNTS] for run, parameters in known if runs.MAX_ACCOUNTS in parameters}


def _pulled_at(warehouse: Warehouse, last_day: date) -> dict[date, datetime]:
    """Day -> end of the latest pull of this or an earlier day."""
    pulls = {"day": Span(date.min, last_day), "job": runs.PULL_ACTIVITY, "status": runs.DONE}
    ended = (
        warehouse.read(RUNS, pulls, columns=["day", "finished_at"]).group_by("day").aggregate([("finished_at", "max")])
    )
    by_day = sorted(zip(ended["day"].to_pylist(), ended["finished_at_max"].to_pylist(), strict=True))
    return dict(zip((day for day, _ in by_day), accumulate((at for _, at in by_day), max), strict=True))
