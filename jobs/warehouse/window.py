"""The days of a score's window: which are covered, and which must be counted first.

A day's count in `engagement` is fresh if the rows of `activity` from which it was made have the same content as those that
count now. A scoring run recounts every stale day of its window, so a score depends on what was pulled, not on the order of
runs. A day whose activity has expired keeps its count.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jobs.days import ONE_DAY, days_between, month_of, whole_months
from jobs.errors import CloutError
from jobs.warehouse import counted, digests, objections, pruning, runs
from jobs.warehouse.commits import Span
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.methodology import Methodology
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.runs import RUNS

PLACE = ("platform", "day", "source")  # partition columns of `activity`


@dataclass(frozen=True)
class WindowDays:
    """The days that the score of a day counts under a methodology."""

    day: date
    methodology: Methodology

    @property
    def first_day(self) -> date:
        """The first day of the window, which ends with `day`."""
        return self.methodology.first_day(self.day)

    @property
    def days(self) -> list[date]:
        """All days of the window, ascending."""
        return days_between(self.first_day, self.day)


@dataclass(frozen=True)
class Window(WindowDays):
    """The window of a day's score at a snapshot of the tables, in which every day is counted as it was last pulled.

    `covered`: platform -> covered days. `digests`: covered day -> digest of the activity from which it was counted.
    """

    snapshot: Snapshot
    covered: Mapping[str, set[date]]
    digests: Mapping[date, str]


def counted_window(warehouse: Warehouse, day: date, methodology: Methodology) -> Window:
    """The window of the day's score, at the current table versions. Raises `CloutError`, which names the fix, if a day of the
    window was pulled since it was last counted."""
    first_day, now = methodology.first_day(day), counted.snapshot(warehouse)
    current = activity_digests(warehouse, first_day, day, now.coverage)
    # Only after the tables were opened: a count whose run has not finished by now may already be in an opened table.
    stale = stale_days(warehouse, current, first_day, day)
    if stale:
        raise CloutError(
            f"engagement {stale[0]}..{stale[-1]}: {len(stale)} days of the window are not counted as they were last pulled;"
            f" run `clout engagement --day {day} --methodology {methodology.version}` first"
        )
    covered = covered_days(warehouse, first_day, day, now.coverage)
    return Window(day, methodology, now, covered, current)


def covered_days(
    warehouse: Warehouse, first_day: date, last_day: date, version: int | None = None
) -> dict[str, set[date]]:
    """Platform -> its days with a coverage row, at a version of `coverage` if given."""
    covered: dict[str, set[date]] = defaultdict(set)
    window = {"day": Span(first_day, last_day)}
    coverage = warehouse.read(COVERAGE, window, columns=["platform", "day"], version=version)
    for row in coverage.to_pylist():
        covered[row["platform"]].add(row["day"])
    return dict(covered)


def uncovered_days(
    covered: Mapping[str, set[date]], known: Iterable[str], first_day: date, last_day: date
) -> dict[str, list[str]]:
    """Platform -> its uncovered days of the window, for the manifest. A known platform without coverage lists every day."""
    window = days_between(first_day, last_day)
    return {
        platform: [str(day) for day in window if day not in covered.get(platform, ())]
        for platform in sorted({*covered, *known})
    }


def row_count(warehouse: Warehouse, methodology: Methodology, days: Sequence[date]) -> int:
    """How many rows of `activity` the windows of these days hold, each window counted by itself; at most. Counts the rows of
    `monthly_weights` in place of months that were added up."""
    if not days or not warehouse.exists():
        return 0
    first_day, last_day = methodology.first_day(min(days)), max(days)
    of = {"methodology": methodology.version, "month": tuple(whole_months(first_day, last_day))}
    months = {row["month"] for row in pruning.files(warehouse.delta(MONTHLY_WEIGHTS), of).to_pylist()}
    read = tuple(day for day in days_between(first_day, last_day) if month_of(day) not in months)
    return len(days) * (warehouse.row_count(ACTIVITY, {"day": read}) + warehouse.row_count(MONTHLY_WEIGHTS, of))


def activity_digests(
    warehouse: Warehouse,
    first_day: date,
    last_day: date,
    version: int | None = None,
    disputed: Iterable[objections.Row] | None = None,
) -> dict[date, str]:
    """Covered day -> digest of the activity from which the day's count in `engagement` is computed. That is the activity of all
    platforms and sources that counts, without acts of upheld objections; for `shared_days`, it includes the day before. Reads
    only `coverage`, at a version if given, and, unless `disputed` holds the acts of upheld objections, `objections`."""
    if disputed is None:
        disputed = objections.upheld(warehouse, first_day, last_day)
    by_day = digests_of_days(_coverage(warehouse, first_day, last_day, version), disputed)
    return {day: digest for day, digest in by_day.items() if day >= first_day}


def digests_of_days(coverage: Iterable[Mapping[str, Any]], disputed: Iterable[objections.Row] = ()) -> dict[date, str]:
    """Like `activity_digests`, but from the given rows of `coverage`, which must include the day before the first one, and
    without the `disputed` acts. The result includes that day before."""
    rows = list(coverage)
    shared = _shared(rows)
    of_day: dict[date, list[str]] = defaultdict(list)
    for row in rows:
        # A null digest marks a pull by an earlier version of clout. It stays null until the day is pulled again.
        content = [row["platform"], row["source"], row["activity_digest"]]
        of_day[row["day"]].append(json.dumps(content))
        if row["day"] + ONE_DAY in shared.get(row["platform"], ()):
            of_day[row["day"] + ONE_DAY].append(json.dumps([*content, "day before"]))
    for day, acts in objections.by_day(disputed).items():
        if day in of_day:
            of_day[day] += acts
    return {day: digests.of_texts(sorted(texts)) for day, texts in sorted(of_day.items())}


def shared_days(
    warehouse: Warehouse, first_day: date, last_day: date, version: int | None = None
) -> dict[str, set[date]]:
    """Platform -> its days with acts that another source may have reported for the day before. On such a day, both days are
    covered, and the two days together have more than one source."""
    shared = _shared(_coverage(warehouse, first_day, last_day, version))
    return {platform: {day for day in days if day >= first_day} for platform, days in shared.items()}


def _coverage(warehouse: Warehouse, first_day: date, last_day: date, version: int | None) -> list[dict[str, Any]]:
    """The coverage rows of these days and of the day before the first."""
    columns, days = ["day", "platform", "source", "activity_digest"], Span(first_day - ONE_DAY, last_day)
    return warehouse.read(COVERAGE, {"day": days}, columns=columns, version=version).to_pylist()


def _shared(coverage: Iterable[Mapping[str, Any]]) -> dict[str, set[date]]:
    sources: dict[tuple[str, date], set[str]] = defaultdict(set)
    for row in coverage:
        sources[row["platform"], row["day"]].add(row["source"])
    shared: dict[str, set[date]] = defaultdict(set)
    for (platform, day), of_day in sources.items():
        before = sources.get((platform, day - ONE_DAY))
        if before and len(of_day | before) > 1:
            shared[platform].add(day)
    return dict(shared)


def counted_digests(
    warehouse: Warehouse, first_day: date, last_day: date, until: datetime | None = None
) -> dict[date, str]:
    """Day -> digest of the activity from which it was last counted, by any run or, if `until` is given, by a run that finished
    by then. The digest is empty if a later unfinished or failed run may have counted the day from other activity."""
    partition = {"job": runs.ENGAGEMENT, "day": Span(first_day, last_day)}
    columns = ["day", "status", "parameters", "started_at", "finished_at"]
    counts = warehouse.read(RUNS, partition, columns=columns).sort_by("finished_at").to_pylist()
    counted: dict[date, str] = {}
    since: dict[date, datetime] = {}
    for run in counts:
        if run["status"] == runs.DONE and (until is None or run["finished_at"] <= until):
            counted[run["day"]] = json.loads(run["parameters"]).get("activity_digest", "")
            since[run["day"]] = run["started_at"]
    for run in counts:
        day, ended_at = run["day"], run["finished_at"] or run["started_at"]
        is_later = day in counted and since[day] < ended_at and (until is None or ended_at <= until)
        other = json.loads(run["parameters"]).get("activity_digest") != counted.get(day)
        if run["status"] != runs.DONE and is_later and other:
            counted[day] = ""
    return counted


def stale_days(warehouse: Warehouse, now: Mapping[date, str], first_day: date, last_day: date) -> list[date]:
    """Days whose last count does not match the digests `now`, as returned by `activity_digests`. Leaves out `expired_days` that
    were counted before, because a new count would lack acts."""
    counted = counted_digests(warehouse, first_day, last_day)
    stale = [day for day in days_between(first_day, last_day) if counted.get(day, "") != now.get(day, "")]
    kept = expired_days(warehouse, [day for day in stale if day in counted])
    return [day for day in stale if day not in kept]


def expired_days(warehouse: Warehouse, days: Sequence[date]) -> set[date]:
    """Those of the days that cannot be counted again as they were: `coverage` records acts of theirs, or of the day before for
    `shared_days`, and `activity` no longer holds them (`keep_activity_days`)."""
    if not days:
        return set()
    span = {"day": Span(min(days) - ONE_DAY, max(days))}
    covered = warehouse.read(COVERAGE, span, columns=["platform", "day", "source", "act_count"]).to_pylist()
    held = {tuple(place.values()) for place in pruning.files(warehouse.delta(ACTIVITY), span).select(PLACE).to_pylist()}
    lost = {
        (row["platform"], row["day"])
        for row in covered
        if row["act_count"] and tuple(row[name] for name in PLACE) not in held
    }
    shared = _shared(covered)
    expired = {day for _, day in lost} | {
        day + ONE_DAY for platform, day in lost if day + ONE_DAY in shared.get(platform, ())
    }
    return expired.intersection(days)
