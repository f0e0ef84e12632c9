"""What `clout sources` and `clout population suggest` report. Reads only what they need, and writes nothing."""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.cli.operator_queries import MISSING
from jobs.days import ONE_DAY, days_between
from jobs.errors import UsageError
from jobs.people import consent
from jobs.people.admission import decide
from jobs.places import landing
from jobs.scratch import shared
from jobs.sources.entries import Entry
from jobs.sources.live import connections, population
from jobs.sources.live.source import LiveSource, Need
from jobs.sources.spec import SourceSpec, class_of
from jobs.sources.types import TYPES
from jobs.warehouse import counted
from jobs.warehouse.commits import Span
from jobs.warehouse.runs import PULL_ACTIVITY
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.consent import NO
from schemas.coverage import COVERAGE
from schemas.runs import RUNS

DAYS = 7

Row = dict[str, Any]


def status(entries: Sequence[Entry], folder: Path, warehouse: Warehouse | None, today: date) -> list[Row]:
    """One row for each entry, then one for each type without an entry.

    Columns: source; type; enabled (null without an entry); asks; last_pull (start of the newest run that pulled today or one of
    the last `DAYS` days), last_status and last_minutes of that run; days (status -> how many of the last `DAYS` days have it);
    requests (made by that run) and budget (the requests that it allows), both null for files; day (what a day of the population
    usually needs at most: members, requests and minutes, null if that is not known); needs (what is missing to enable the
    source, or to pull its days whole); terms. `folder` is that of the file with the entries.
    """
    span = days_between(today - timedelta(days=DAYS), today - ONE_DAY)
    pulls = dict(_pulls(warehouse, span[0], today)) if warehouse else {}
    coverage = _coverage(warehouse, span) if warehouse else {}
    rows = []
    for entry in entries:
        spec = entry.spec(folder)
        pull = pulls.get(spec.id)
        statuses = coverage.get(spec.id, {})
        has = [day for day in span if entry.has(day)]
        need, wrong = _checked(spec, warehouse, today)
        rows.append(
            _of_type(spec.type)
            | {
                "source": spec.id,
                "enabled": entry.enabled,
                "last_pull": pull["started_at"] if pull else None,
                "last_status": pull["status"] if pull else None,
                "last_minutes": _minutes(pull),
                "days": dict(Counter(statuses.get(day, MISSING) for day in has)) if entry.enabled else {},
                "requests": _requests(pull),
                "budget": _budget(spec),
                "day": need._asdict() if need else None,
                "needs": [*_needs(spec), *wrong],
                "terms": entry.terms,
            }
        )
    named = {row["type"] for row in rows}
    return rows + [_of_type(name) for name in TYPES if name not in named]


def _of_type(name: str) -> Row:
    columns = ("source", "enabled", "last_pull", "last_status", "last_minutes", "requests", "budget", "day", "terms")
    return {"type": name, "asks": TYPES[name].ask} | dict.fromkeys(columns) | {"days": {}, "needs": list(_of(name))}


def _of(name: str) -> Iterator[str]:
    """What a source of this type needs that has no entry yet."""
    kind = TYPES[name]
    if kind.secret and not kind.optional:
        yield f"a connection: {kind.secret}"
    if kind.terms:
        yield f"terms: {kind.terms}"


def _needs(spec: SourceSpec) -> Iterator[str]:
    kind = TYPES[spec.type]
    if spec.connection and connections.secret(spec.connection) is None:
        names = f"{connections.variable(spec.connection)} or Airflow's connection {spec.connection!r}: {kind.secret}"
        yield f"{names} (optional)" if kind.optional else names
    if kind.terms and not (spec.options and spec.options.terms):
        yield f"terms: {kind.terms}"


def _checked(spec: SourceSpec, warehouse: Warehouse | None, today: date) -> tuple[Need | None, list[str]]:
    """What a day of the population usually needs, and what is wrong: why the source cannot be opened, or that its budget is too
    small for such a day."""
    if TYPES[spec.type].terms and not (spec.options and spec.options.terms):
        return None, []  # `_needs` says so
    try:
        source = spec.open(landing(warehouse.root if warehouse else "."))
        need = source.need(today) if isinstance(source, LiveSource) else None
    except UsageError as error:
        return None, [str(error)]
    if need is None or not isinstance(source, LiveSource):
        return None, []
    requests, minutes = source.budget.requests, source.budget.minutes
    if need.requests <= requests and need.minutes <= minutes:
        return need, []
    enough = f"{{requests: {max(need.requests, requests)}, minutes: {math.ceil(max(need.minutes, minutes))}}}"
    return need, [
        f"`budget: {enough}`, or fewer to ask: they are {need.members:,}, and their days stay partial for longer"
    ]


def _minutes(pull: Row | None) -> float | None:
    if pull is None or pull["finished_at"] is None:
        return None
    return (pull["finished_at"] - pull["started_at"]).total_seconds() / 60


def _budget(spec: SourceSpec) -> int | None:
    if not TYPES[spec.type].live:
        return None
    limits = spec.options and spec.options.budget
    return (limits and limits.requests) or class_of(spec.type).REQUESTS


def _requests(pull: Row | None) -> int | None:
    counts = json.loads(pull["counts"]) if pull and pull["counts"] else {}
    return int(counts["requests"]) if "requests" in counts else None


def _pulls(warehouse: Warehouse, first_day: date, last_day: date) -> Iterator[tuple[str, Row]]:
    """Yields (source, run) for each pull of these days, the oldest run first."""
    columns = ("parameters", "started_at", "finished_at", "status", "counts")
    partition = {"day": Span(first_day, last_day), "job": PULL_ACTIVITY}
    for row in warehouse.read(RUNS, partition, columns=columns).sort_by("started_at").to_pylist():
        yield json.loads(row["parameters"])["source"], row


def _coverage(warehouse: Warehouse, span: Sequence[date]) -> dict[str, dict[date, str]]:
    """Source -> day -> status. If a source covers several platforms, the worst of their statuses."""
    found: dict[str, dict[date, str]] = {}
    for row in warehouse.read(COVERAGE, {"day": tuple(span)}, columns=("day", "source", "status")).to_pylist():
        of_source = found.setdefault(row["source"], {})
        of_source[row["day"]] = max(of_source.get(row["day"], ""), row["status"])  # `complete` < `partial`
    return found


def suggested(warehouse: Warehouse, source: str, days: int, top: int) -> list[Row]:
    """The accounts outside a source's population that engaged most with others in the source's newest `days` days. Columns:
    account_id, handle (null if unknown), people (how many they engaged with), acts, active_days. Sorted by people, the most
    first, then by acts, then by id. Leaves out people who refused to be shown. Raises `UsageError` if the source was never
    pulled with a population."""
    recorded = sorted((landing(warehouse.root) / source).glob(f"*/{population.FILE}"))
    if not recorded:
        raise UsageError(
            f"{source}: was never pulled with a population; pull a day first: clout pull --source {source}"
        )
    last_day = date.fromisoformat(recorded[-1].parent.name)
    kept = population.kept(recorded[-1].parent)
    names = [name.casefold() for name in kept.names] if kept else []
    first_day = last_day - timedelta(days=days - 1)
    snapshot = counted.snapshot(warehouse)
    with shared() as db:
        for table, version in ((ACTIVITY, snapshot.activity), (ACCOUNTS, snapshot.accounts)):
            rows = counted.dataset(warehouse, table, version, snapshot.coverage, first_day, last_day)
            db.register(table.name, rows)
        decided = decide(warehouse)
        db.register("refused", pa.table({"person_id": consent.people(warehouse, decided.day, decided.version, (NO,))}))
        return db.sql(
            """
            with handles as (
                select account_id, max(handle) as handle from accounts where source = $source group by all
            ),
            actors as (
                select actor_id as account_id, count(distinct target_id) as people, count(*) as acts,
                    count(distinct day) as active_days
                from activity where source = $source and actor_id <> target_id
                    and concat(platform, ':', actor_id) not in (from refused) group by all
            )
            select account_id, handle, people, acts, active_days from actors left join handles using (account_id)
            where not list_has_any($names, [lower(name) for name in
                [account_id, regexp_extract(account_id, '[^/@:]+$'), handle, split_part(handle, '@', 1)]])
            order by people desc, acts desc, account_id limit $top
            """,
            params={"source": source, "names": names, "top": top},
        ).to_arrow_table().to_pylist()  # fmt: skip


def lasting(minutes: float) -> str:
    """A time such as `17 minutes` or `4.2 hours`."""
    return f"{minutes:.0f} minutes" if minutes < 100 else f"{minutes / 60:.1f} hours"


def ago(now: datetime, then: datetime | None) -> str:
    """How long ago, such as `3 h ago`; empty if never."""
    if then is None:
        return ""
    hours = (now - then).total_seconds() / 3600
    return f"{hours:.0f} h ago" if hours < 48 else f"{hours / 24:.0f} d ago"
