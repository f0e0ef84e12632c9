"""A source's pages -> its rows of `rejects`, `accounts`, `activity` and `coverage`, day by day, and of `consent`, `claims` and
`links`.

Reads each file once and replaces only (platform, day, source) of the requested days. Only the rows of `coverage` decide whether
a day is covered and which pull's rows count (`jobs.warehouse.decision`).
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

from jobs import codes
from jobs.errors import CloutError, UsageError
from jobs.people import claims, proofs
from jobs.places import landing
from jobs.sources import day_coverage, suppressed_pages
from jobs.sources.day_coverage import NotReachedError, PullError, TooManyRejectsError
from jobs.sources.live.source import LiveSource
from jobs.sources.live.withdrawals import affected_days
from jobs.sources.page import Source
from jobs.sources.spec import SourceSpec
from jobs.sources.spool import Spool, spool
from jobs.warehouse import counted, runs, suppression
from jobs.warehouse.decision import Decision, counting_pulls
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import LostRaceError, Warehouse, rows
from jobs.warehouse.suppression import Suppressed
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE, EVERYONE
from schemas.kinds import is_simulated
from schemas.rejects import REJECTS

log = logging.getLogger(__name__)

JOB = runs.PULL_ACTIVITY
MAX_REJECT_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class Params:
    """What to pull. Days are UTC, first and last included. `skip` holds days of the range that are already done, but never all
    of them. `max_reject_share` is the largest tolerated share of rejected lines, 0 to 1."""

    source: SourceSpec
    first_day: date
    last_day: date
    skip: frozenset[date] = frozenset()
    max_reject_share: float = MAX_REJECT_SHARE


@dataclass(frozen=True)
class Pulled:
    """The result of one day of one source: its acts, and its lines by outcome. If the day is not `covered`, it was not pulled,
    and `note` says why."""

    day: date
    source: str
    act_count: int
    rejected_count: int
    unresolved_count: int
    ignored_count: int
    note: str | None
    repeated_count: int = 0
    covered: bool = True


def run(
    warehouse: Warehouse,
    params: Params,
    batch: Batch,
    on_lines: Callable[[int], None] = lambda _: None,
    on_day: Callable[[Pulled], None] = lambda _: None,
) -> list[Pulled]:
    """Pulls the days, and returns the pulled ones. Commits every day that can be committed. After that, if one other day
    failed, raises its error; if several failed, raises a `PullError` that lists them. If too many lines of all days were
    rejected, raises `TooManyRejectsError` before it commits any day.

    `on_lines` receives the number of lines read so far. `on_day` receives each pulled day, and each day past the end of the
    source's files. Such a day is skipped; it is an error only if no day was pulled.
    """
    source = params.source.open(landing(warehouse.root))
    refuse_mixing(warehouse, source)
    source_id = params.source.id
    earlier = counting_pulls(warehouse, source_id, params.first_day, params.last_day)
    pulled: list[Pulled] = []
    failures: list[CloutError] = []
    past: list[CloutError] = []

    def decision(item: Run) -> Decision:
        return Decision(warehouse, item, source.platforms, earlier.get(item.day, {}))

    with spool(source_id, params.first_day, params.last_day) as spooled:
        days = [day for day in spooled.days if day not in params.skip]
        unnamed = _unnamed(warehouse, source)
        places = list(map(unnamed, params.source.places))
        left = [Run(JOB, day, batch, {"source": source_id, "places": places}) for day in days]
        runs.write(warehouse, left, runs.STARTED)
        with _failed_by_errors(warehouse, left, unnamed):
            _read(source, spooled, days, suppression.current(warehouse), on_lines)
            for item in left:
                _record_use(source, item)
            if isinstance(source, LiveSource) and source.seeks_codes:
                platform = source.platforms[0]
                seen = claims.telling(warehouse, platform, (one for day in days for one in source.profiles(day)))
                # Before the days are done: if the run dies in between, the next run repeats this step.
                proofs.take(warehouse, platform, seen, by=f"pull of {source_id}", run_id=batch.id)
                claims.take(warehouse, platform, seen, run_id=batch.id)
            failures += _pull_withdrawn_acts_again(warehouse, source, params, days, batch, on_day)
            _refuse_too_many_rejects(params, spooled, left, decision)
            for item in list(left):
                ended = _end_day(warehouse, spooled, source, params, item, decision(item), unnamed)
                left.remove(item)
                if isinstance(ended, NotReachedError):
                    past.append(ended)
                    on_day(Pulled(item.day, source_id, 0, 0, 0, 0, str(ended), covered=False))
                elif isinstance(ended, CloutError):
                    failures.append(ended)
                else:
                    pulled.append(ended)
                    on_day(ended)
    if not pulled:
        failures += past
    if failures:
        raise failures[0] if len(failures) == 1 else PullError("\n".join(map(str, failures)))
    return pulled


def _unnamed(warehouse: Warehouse, source: Source) -> Callable[[str], str]:
    """Returns a function that removes people who left from texts for `runs`: the source's file or repository may have their
    name."""
    gone = suppression.recognized(warehouse)

    def unnamed(text: str) -> str:
        for platform in source.platforms:
            text = gone.without(platform, text)
        return text

    return unnamed


@contextmanager
def _failed_by_errors(warehouse: Warehouse, left: list[Run], unnamed: Callable[[str], str]) -> Iterator[None]:
    """If the block raises, records the runs that are still in `left` as failed."""
    try:
        yield
    except BaseException as error:
        runs.write(warehouse, left, runs.FAILED, unnamed(str(error)) or type(error).__name__)
        raise


def _read(source: Source, spooled: Spool, days: list[date], left: Suppressed, on_lines: Callable[[int], None]) -> None:
    if isinstance(source, LiveSource):
        source.left = left
        source.seeks_codes = bool(suppression.keys(codes.VARIABLE))
    for page in suppressed_pages.pages(source.pages(days[0], days[-1]), left):
        spooled.add(page)
        on_lines(spooled.line_count)
    spooled.resolve()


def _pull_withdrawn_acts_again(
    warehouse: Warehouse,
    source: Source,
    params: Params,
    days: Sequence[date],
    batch: Batch,
    on_day: Callable[[Pulled], None],
) -> list[CloutError]:
    """Pulls earlier days again, from their recordings, if acts of theirs were withdrawn on `days`. Returns the failures. Call
    it before `days` are committed: if the pull is killed in between, the next pull repeats this step."""
    if not isinstance(source, LiveSource):
        return []
    reach = timedelta(days=source.settings.withdraw_days)
    affected = {
        earlier
        for day in days
        for earlier in affected_days(
            warehouse, params.source.id, source.withdrawals(day), day - reach, day - timedelta(days=1)
        )
    }
    failures: list[CloutError] = []
    for day in sorted(affected.difference(days)):
        if not source.folder(day).exists():
            log.warning("%s %s: its recording is gone, so acts that were withdrawn since still count", source.id, day)
            continue
        log.info("%s %s: pulled again, because acts of it were withdrawn since", source.id, day)
        try:
            run(warehouse, replace(params, first_day=day, last_day=day, skip=frozenset()), batch, on_day=on_day)
        except CloutError as error:
            failures.append(error)
    return failures


def _record_use(source: Source, item: Run) -> None:
    """Adds to the run of a live source the fingerprint of the population that it asked about, and the number of its
    requests."""
    if not isinstance(source, LiveSource):
        return
    if fingerprint := source.fingerprint(item.day):
        item.parameters["population"] = fingerprint
    item.counts["requests"] = source.requests.get(item.day, 0)


def _refuse_too_many_rejects(
    params: Params, spooled: Spool, left: list[Run], decision: Callable[[Run], Decision]
) -> None:
    """Raises `TooManyRejectsError` if too many lines of all days were rejected. First writes the rejects of all days, so that
    an operator can read them."""
    try:
        name = f"{params.source.id} {params.first_day}..{params.last_day}"
        day_coverage.check_share(name, params.max_reject_share, *spooled.rejected())
    except TooManyRejectsError:
        for item in left:
            decided = decision(item)
            _add_rejects(decided, spooled, item)
            decided.replace_rejects()
        raise


def _end_day(
    warehouse: Warehouse, spooled: Spool, source: Source, params: Params, item: Run, decision: Decision,
    unnamed: Callable[[str], str],
) -> Pulled | CloutError:  # fmt: skip
    """Commits the day, and records how its run ended. If the day could not be committed, it stays as it was, and the error is
    returned."""
    ended: Pulled | CloutError
    try:
        ended = _commit_day(spooled, source, params, item, decision)
    except (PullError, LostRaceError) as error:
        ended = error
    if isinstance(ended, CloutError):
        runs.write(warehouse, [item], runs.FAILED, unnamed(str(ended)))
    else:
        runs.write(warehouse, [item], runs.DONE)
    return ended


def refuse_mixing(warehouse: Warehouse, source: Source) -> None:
    """Raises `UsageError` if simulated people would enter a warehouse of real ones, or the reverse."""
    platforms = counted.platforms(warehouse, counted.snapshot(warehouse), date.max)
    simulated = is_simulated(source.platforms[0])
    if any(is_simulated(platform) != simulated for platform in platforms):
        raise UsageError(
            f"{warehouse.root} holds {'real' if simulated else 'simulated'} people, and the two are never mixed;"
            " set CLOUT_WAREHOUSE to another folder"
        )


def _commit_day(spooled: Spool, source: Source, params: Params, item: Run, decision: Decision) -> Pulled:
    name = f"{params.source.id} {item.day}"
    _add_rejects(decision, spooled, item)
    counts = {platform: spooled.counts(platform, item.day) for platform in source.platforms}
    try:
        scope = source.scope if isinstance(source, LiveSource) else EVERYONE
        coverage = [
            day_coverage.row(spooled, platform, item, of_platform) | {"scope": scope}
            for platform, of_platform in counts.items()
        ]
        day_coverage.check_share(name, params.max_reject_share, *spooled.rejected(item.day))
    except PullError:
        decision.replace_rejects()
        raise
    try:
        decision.add(ACCOUNTS, lambda platform: spooled.accounts(platform, item.day, item.id))
        decision.add(ACTIVITY, lambda platform: spooled.activity(platform, item.day, item.id))
    except BaseException:
        decision.withdraw(ACCOUNTS, ACTIVITY)
        raise
    decision.take(rows(COVERAGE, coverage))
    first, *others = counts.values()
    total = {outcome: count + sum(other[outcome] for other in others) for outcome, count in first.items()}
    item.counts.update(total)
    note = "; ".join(dict.fromkeys(row["reason"] for row in coverage if row["reason"])) or None
    if note:
        log.info("%s: %s", name, note)
    return Pulled(
        item.day, params.source.id, total["acts"], total["rejected"], total["unresolved"], total["ignored"], note,
        total["repeated"],
    )  # fmt: skip


def _add_rejects(decision: Decision, spooled: Spool, item: Run) -> None:
    decision.add(REJECTS, lambda platform: spooled.rejects(platform, item.day, item.id))
