"""Repairs late and partial days: pulls partial and missing days again, then scores days again whose inputs changed.

A pull replaces its (platform, day, source), a score its (methodology, day). Each day whose published scores change gets a row
in `restatements`. If one day fails, the others are still repaired.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from jobs import day_range, engagement, pull_activity
from jobs.day_range import Refused, Scored
from jobs.days import days_between
from jobs.errors import CloutError
from jobs.nights import staleness
from jobs.nights.settling import may_become_complete
from jobs.pull_activity import Pulled
from jobs.sources.spec import SourceSpec
from jobs.warehouse.commits import Span
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import row_count
from schemas.coverage import COVERAGE
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.versions import official

Sources = Mapping[date, Sequence[SourceSpec]]  # day -> the enabled sources that have the day


class RepairError(CloutError):
    """Some days could not be repaired; all others were. The message has a line for each failure."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The newest day to look at, the largest numbers of days up to it to pull again and to score again, and the present
    instant."""

    day: date
    now: datetime
    repair_days: int
    rescore_days: int
    gate_days: int
    max_reject_share: float = pull_activity.MAX_REJECT_SHARE

    @property
    def pulled_days(self) -> list[date]:
        """The `repair_days` days that end with `day`, ascending."""
        return days_between(self.day - timedelta(days=self.repair_days - 1), self.day)

    @property
    def first_rescored_day(self) -> date:
        """The first of the `rescore_days` days that end with `day`."""
        return self.day - timedelta(days=self.rescore_days - 1)


@dataclass(frozen=True)
class Repaired:
    """How many days were pulled (counted per source) and scored, and a line for each failure."""

    pulled: int
    scored: int
    failures: tuple[str, ...]


def to_pull(coverage: Iterable[Mapping[str, Any]], sources: Sources, now: datetime) -> list[tuple[date, SourceSpec]]:
    """The days to pull again, newest first: each day of a source that has no row of `coverage`, or is partial and may have
    become complete. Leaves out days about which the platform no longer answers at `now`."""
    rows: dict[tuple[date, str], list[Mapping[str, Any]]] = {}
    for row in coverage:
        rows.setdefault((row["day"], row["source"]), []).append(row)

    def is_wanting(day: date, spec: SourceSpec) -> bool:
        pulled = rows.get((day, spec.id), [])
        return spec.answers_about(day, now) and (not pulled or any(map(may_become_complete, pulled)))

    return [(day, spec) for day in sorted(sources, reverse=True) for spec in sources[day] if is_wanting(day, spec)]


def pull(
    warehouse: Warehouse, params: Params, sources: Sources, batch: Batch, on_day: Callable[[Pulled], None]
) -> list[str]:
    """Pulls the days that `to_pull` lists; returns one line for each day of a source that could not be pulled."""
    coverage = warehouse.read(COVERAGE, {"day": Span(params.pulled_days[0], params.day)}).to_pylist() if sources else []
    failures = []
    for day, spec in to_pull(coverage, sources, params.now):
        of_day = pull_activity.Params(
            source=spec, first_day=day, last_day=day, max_reject_share=params.max_reject_share
        )
        try:
            pull_activity.run(warehouse, of_day, batch, on_day=on_day)
        except CloutError as error:
            failures.append(str(error))
    return failures


def unscored(warehouse: Warehouse, params: Params, pulled: Iterable[date]) -> list[date]:
    """The days, newest first, that this repair pulled for the first time and that were never published. Leaves out days before
    `first_rescored_day`, and days before the first day that was ever published."""
    published = {date.fromisoformat(place["day"]) for place in warehouse.partitions(PUBLICATIONS)}
    since = max(params.first_rescored_day, min(published, default=date.max))
    return sorted((day for day in pulled if since <= day and day not in published), reverse=True)


def rescore(
    warehouse: Warehouse, wanted: Sequence[tuple[date, str]], batch: Batch, gate_days: int
) -> Iterator[Scored | Refused]:
    """Scores (day, methodology) pairs again, in the given order, and publishes each day that passes its checks."""
    if not wanted:
        return
    from jobs.session import on_demand

    session = on_demand(rows=sum(row_count(warehouse, load(version), [day]) for day, version in wanted))
    for version in dict.fromkeys(version for _, version in wanted):
        days = [day for day, of in wanted if of == version]
        first_day = load(version).first_day(min(days))
        engagement.run(session, warehouse, engagement.Params(day=max(days), first_day=first_day), batch)
    for day, version in wanted:
        yield day_range.score_day(session, warehouse, day, load(version), batch, gate_days)


def run(
    warehouse: Warehouse,
    params: Params,
    sources: Sources,
    batch: Batch,
    on_pulled: Callable[[Pulled], None],
    on_scored: Callable[[Scored | Refused], None],
) -> Repaired:
    """Pulls days again, then scores stale days and days that were never scored. `on_pulled` and `on_scored` receive each
    day."""
    before = set(
        warehouse.read(COVERAGE, {"day": Span(min(sources, default=params.day), params.day)})["day"].to_pylist()
    )
    pulled: list[date] = []

    def note(day: Pulled) -> None:
        pulled.append(day.day)
        on_pulled(day)

    failures = pull(warehouse, params, sources, batch, note)
    stale = staleness.find(warehouse, params.first_rescored_day, params.day) if params.rescore_days else []
    wanted = [(entry.day, entry.methodology) for entry in stale]
    wanted += [(day, official(day)) for day in unscored(warehouse, params, set(pulled) - before)]
    scored = 0
    for outcome in rescore(warehouse, sorted(wanted, reverse=True), batch, params.gate_days):
        on_scored(outcome)
        scored += isinstance(outcome, Scored)
        failures += [outcome.why] if isinstance(outcome, Refused) else []
    return Repaired(len(pulled), scored, tuple(failures))
