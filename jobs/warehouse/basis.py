"""The basis of published scores: what they were computed from, and whether the current tables still hold it. Compares content,
not table versions.

A score counts the window's `engagement`. A day's rows there are unchanged if they were counted from activity with the same
digest, however often the day was pulled and counted in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import pyarrow.compute as pc

from jobs.days import spans
from jobs.errors import CloutError
from jobs.warehouse import counted, known_accounts, leavers, links, objections, publications, runs, window
from jobs.warehouse.commits import Span
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.methodology import Methodology
from schemas.runs import RUNS

# Tolerance of fixed-point storage, relative to max(1, influence).
TOLERANCE = 1e-8


@dataclass(frozen=True, kw_only=True)
class Basis(window.WindowDays):
    """What a day's score counts: the days that were covered when it was computed. `now` is the snapshot of the current tables
    from which the acts of these days are read."""

    covered: Mapping[str, set[date]]  # platform -> days of the window
    now: Snapshot
    accounts_digest: str | None = None
    left_days: Sequence[date] = ()  # days of the window that lost acts of people who left, since the publication
    published_at: datetime | None = None

    def under(self, warehouse: Warehouse, methodology: Methodology) -> "Basis":
        """This basis under another methodology. If that methodology's window starts earlier, the added days use current
        coverage."""
        first, last = methodology.first_day(self.day), self.first_day
        before = window.covered_days(warehouse, first, last, self.now.coverage) if first < last else {}
        platforms = {*self.covered, *before}
        covered = {platform: self.covered.get(platform, set()) | before.get(platform, set()) for platform in platforms}
        return replace(self, methodology=methodology, covered=covered)

    def __str__(self) -> str:
        return f"scores {self.day} ({self.methodology.version})"


def published_basis(warehouse: Warehouse, day: date, methodology: Methodology) -> Basis:
    """The basis of the day's published scores. Raises `CloutError` if nothing is published, if the basis is not recorded, or if
    `engagement` no longer counts the acts of the window that the scores count. Erased acts of people who left raise no error
    here."""
    what = f"scores {day} ({methodology.version})"
    # The snapshot is read before `runs`. So a day that is counted in between is refused, not taken for unchanged.
    now = counted.snapshot(warehouse)
    publication = publications.current(warehouse, methodology.version, day)
    if publication is None:
        raise CloutError(f"{what}: not published, so there is nothing to explain")
    if publication.covered_days is None:
        raise CloutError(
            f"{what}: `publications` does not record what they were computed from; {again(day, methodology)}, then try again"
        )
    covered = {
        platform: {date.fromisoformat(day) for day in days} for platform, days in publication.covered_days.items()
    }
    basis = Basis(
        day=day,
        methodology=methodology,
        covered=covered,
        now=now,
        accounts_digest=publication.accounts_digest,
        left_days=left_days(warehouse, day, methodology),
        published_at=publication.published_at,
    )
    # Earlier versions of clout recorded no digests. For them, only recomputed scores show whether the acts are the same.
    if publication.activity_digests is not None:
        then = {date.fromisoformat(day): digest for day, digest in publication.activity_digests.items()}
        _refuse_changed(warehouse, basis, then)
    return basis


def left_days(warehouse: Warehouse, day: date, methodology: Methodology) -> list[date]:
    """The days of the window, ascending, from which acts of people who left were erased since the day's visible scores were
    published."""
    since = publications.made_at(publications.history(warehouse, methodology.version, day))
    return leavers.days_since(warehouse, since, methodology.first_day(day), day) if since else []


def again(day: date, methodology: Methodology) -> str:
    """Text that names the commands to score the day again."""
    options = f"--day {day} --methodology {methodology.version}"
    return f"run `clout engagement {options}`, then `clout influence`, `clout checks` and `clout publish` with the same options"


def _refuse_changed(warehouse: Warehouse, basis: Basis, then: Mapping[date, str]) -> None:
    """Raises `CloutError` unless `engagement` counts each day as it did `then` (day -> digest of its activity). Accepts a
    changed day of `left_days` if its current acts are counted."""
    counted_from = window.counted_digests(warehouse, basis.first_day, basis.day)
    other = [day for day in sorted(then) if counted_from.get(day) != then[day]]
    if not other:
        return
    # A platform that was not covered then may have been pulled since. Its acts are in the tables but do not count.
    days = {"day": Span(basis.first_day - window.ONE_DAY, basis.day)}
    coverage = warehouse.read(COVERAGE, days, version=basis.now.coverage).to_pylist()
    known = [
        row
        for row in coverage
        if row["day"] < basis.first_day or row["day"] in basis.covered.get(row["platform"], set())
    ]
    disputed = objections.upheld(warehouse, basis.first_day, basis.day)
    today, of_then = window.digests_of_days(coverage, disputed), window.digests_of_days(known, disputed)
    before = window.digests_of_days(known)
    if out := [day for day in other if of_then.get(day) != then[day] == before.get(day)]:
        raise CloutError(
            f"{basis}: acts of {spans(out)} were removed by objections since they were computed; to score the current acts,"
            f" {again(basis.day, basis.methodology)}"
        )
    # The erased acts of people who left may change nothing for the people in question. `refuse_other_data` checks that.
    if changed := [day for day in other if of_then.get(day) != then[day] and day not in basis.left_days]:
        raise CloutError(
            f"{basis}: {_pulled(warehouse, changed)} since they were computed, so the acts they count are gone; to score the"
            f" current acts, {again(basis.day, basis.methodology)}"
        )
    if uncounted := [day for day in other if counted_from.get(day) != today.get(day)]:
        raise CloutError(
            f"{basis}: engagement of {spans(uncounted)} was counted from activity that has changed since; run `clout"
            f" engagement --day {basis.day} --methodology {basis.methodology.version}`, then try again"
        )


def _pulled(warehouse: Warehouse, days: list[date]) -> str:
    """Which days were pulled again, and the time of the newest pull."""
    pulls = {"job": runs.PULL_ACTIVITY, "status": runs.DONE, "day": tuple(days)}
    newest = pc.max(warehouse.read(RUNS, pulls, columns=["finished_at"])["finished_at"]).as_py()
    at = f" ({'' if len(days) == 1 else 'last '}{newest:%Y-%m-%d %H:%M} UTC)" if newest else ""
    were = "was" if len(days) == 1 else "were"
    return f"{spans(days)} {were} pulled again{at}"


def refuse_other_data(warehouse: Warehouse, basis: Basis, computed: np.ndarray, published: np.ndarray) -> None:
    """Raises `CloutError` if people's influence, recomputed from the basis, differs from what was published."""
    count = (np.abs(computed - published) > TOLERANCE * np.maximum(1, published)).sum()
    if not count:
        return
    if basis.left_days:
        raise CloutError(
            f"{basis}: an engager left since. Acts of theirs on {spans(basis.left_days)} counted and are erased, so the"
            f" influence of {count} people cannot be recomputed as it was published; to score the day without them,"
            f" {again(basis.day, basis.methodology)}"
        )
    digest = known_accounts.credibility_digest(warehouse, basis.now, basis.day)
    linked = basis.published_at and links.are_recorded_since(warehouse, basis.published_at, basis.day)
    because = (
        "account data up to the day was pulled again since"
        if basis.accounts_digest not in (None, digest)
        else "accounts were linked or unlinked since"
        if linked
        else "the published rows come from another computation"
    )
    raise CloutError(
        f"{basis}: the recomputed influence of {count} people differs from the published one: {because};"
        f" {again(basis.day, basis.methodology)}, then try again"
    )
