"""What published scores were computed from, and whether today's tables still hold it: by content, whatever their versions.

A score counts the window's `engagement`. A day's rows there are those that were counted then if they were counted from activity
of the same digest, however often it was pulled and counted in between.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import pyarrow.compute as pc

from jobs import publications, pull_activity, runs, window
from jobs.errors import CloutError
from jobs.publications import Publication
from jobs.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import Methodology
from schemas.runs import RUNS


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a score of a day counts: the days that were covered then, and a version of `engagement` that holds them."""

    day: date
    methodology: Methodology
    covered: Mapping[str, set[date]]  # platform -> days of the window
    engagement: int
    accounts_digest: str | None = None

    @property
    def first_day(self) -> date:
        return self.methodology.first_day(self.day)

    def under(self, warehouse: Warehouse, methodology: Methodology) -> "Basis":
        """The same acts under another methodology. If its window is longer, coverage before the earlier one is today's."""
        first, last = methodology.first_day(self.day), self.first_day
        before = window.covered_days(warehouse, first, last) if first < last else {}
        platforms = {*self.covered, *before}
        covered = {platform: self.covered.get(platform, set()) | before.get(platform, set()) for platform in platforms}
        return replace(self, methodology=methodology, covered=covered)

    def __str__(self) -> str:
        return f"scores {self.day} ({self.methodology.version})"


def published(warehouse: Warehouse, day: date, methodology: Methodology) -> Basis:
    """The basis of the day's published scores. Raises where nothing is published, where the basis is not on record, and where
    days of the window were pulled again since and counted otherwise."""
    what = f"scores {day} ({methodology.version})"
    engagement = warehouse.version(ENGAGEMENT)  # before `runs`: what is counted in between is refused, not taken for this
    found = publications.current(warehouse, methodology.version, day)
    if found is None:
        raise CloutError(f"{what}: not published, so there is nothing to explain")
    if found.activity_digests is None or found.covered_days is None:
        raise CloutError(
            f"{what}: `publications` does not record what they were computed from; {again(day, methodology)}, then ask again"
        )
    covered = {
        platform: {date.fromisoformat(day) for day in days} for platform, days in found.covered_days.items()
    }
    _refuse_changed(warehouse, found, covered, methodology)
    return Basis(
        day=day,
        methodology=methodology,
        covered=covered,
        engagement=engagement,
        accounts_digest=found.accounts_digest,
    )


def again(day: date, methodology: Methodology) -> str:
    """The commands that score a day again, in words."""
    asked = f"--day {day} --methodology {methodology.version}"
    return f"run `clout engagement {asked}`, then `clout influence`, `clout checks` and `clout publish` with the same options"


def _refuse_changed(
    warehouse: Warehouse, found: Publication, covered: Mapping[str, set[date]], methodology: Methodology
) -> None:
    then = {date.fromisoformat(day): digest for day, digest in (found.activity_digests or {}).items()}
    first, last = methodology.first_day(found.day), found.day
    counted = window.counted_digests(warehouse, first, last)
    other = [day for day in sorted(then) if counted.get(day) != then[day]]
    if not other:
        return
    # A platform that was not covered then may have come since: its acts of the day are there, and do not count.
    coverage = warehouse.read(COVERAGE, where=(pc.field("day") >= first) & (pc.field("day") <= last)).to_pylist()
    now = window.digests_of_days(coverage)
    same = window.digests_of_days(row for row in coverage if row["day"] in covered.get(row["platform"], set()))
    changed = [day for day in other if same.get(day) != then[day]]
    uncounted = [day for day in other if counted.get(day) != now.get(day)]
    what = f"scores {found.day} ({methodology.version})"
    if changed:
        raise CloutError(
            f"{what}: {_pulled(warehouse, changed)} since they were computed, so the acts they count are no longer there; to"
            f" score what is there now, {again(found.day, methodology)}"
        )
    if uncounted:
        raise CloutError(
            f"{what}: engagement of {window.spans(uncounted)} was counted from other activity than is there now; run `clout"
            f" engagement --day {found.day} --methodology {methodology.version}`, then ask again"
        )


def _pulled(warehouse: Warehouse, days: list[date]) -> str:
    """Which days were pulled again, and when the newest of them."""
    pulls = {"job": pull_activity.JOB, "status": runs.DONE, "day": tuple(days)}
    newest = pc.max(warehouse.read(RUNS, pulls, columns=["finished_at"])["finished_at"]).as_py()
    at = f" ({'' if len(days) == 1 else 'last '}{newest:%Y-%m-%d %H:%M} UTC)" if newest else ""
    were = "was" if len(days) == 1 else "were"
    return f"{window.spans(days)} {were} pulled again{at}"


def refuse_other_data(warehouse: Warehouse, basis: Basis, count: int) -> None:
    """Raises where `count` people's influence, computed from the basis, is not what was published."""
    if not count:
        return
    digest = window.accounts_digest(warehouse, basis.day)
    because = (
        "what was observed of accounts up to the day was pulled again since"
        if basis.accounts_digest not in (None, digest)
        else "the published rows are of another computation"
    )
    raise CloutError(
        f"{basis}: {count} people's influence, computed again, is not what was published: {because};"
        f" {again(basis.day, basis.methodology)}, then ask again"
    )
