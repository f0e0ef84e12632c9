"""Runs `clout run` and prints its plan, a line per day, the ten highest scores, and the next commands."""

import shlex
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial

from jobs import consent, day_range, labels
from jobs.cli import consenting, display, queries
from jobs.cli.day_lines import Watch, say_pulled, say_scored
from jobs.cli.display import say
from jobs.days import days_between, spans
from jobs.engines import choice
from jobs.night_settings import nights
from jobs.people import admission, legal_basis
from jobs.places import landing
from jobs.pull_activity import refuse_mixing
from jobs.sources.spec import SourceSpec
from jobs.user import user
from jobs.warehouse import publications
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests, stale_days
from schemas.kinds import is_simulated
from schemas.methodology import Methodology

TOP = 10


def run(
    root: str, sources: tuple[SourceSpec, ...], first_day: date, last_day: date, score_from: date,
    methodology: Methodology | None, *, max_reject_share: float, engine: str, everybody: str | None, dry_run: bool,
) -> None:  # fmt: skip
    """Pulls, scores and publishes the days, and prints the progress. With `dry_run` it only prints the plan.

    `everybody`: the legal basis to record, on which people without consent are published. Raises `UsageError` before any work
    if real people would be scored and neither their consent nor a legal basis is recorded. Raises `RefusedDaysError` at the end
    if the checks refused a day: that day is scored but not published."""
    started = time.monotonic()
    watch = Watch()
    choice.require(engine)
    warehouse = Warehouse(root)
    opened = {spec: spec.open(landing(root)) for spec in sources}  # reports a missing file before any work begins
    simulated = any(is_simulated(platform) for source in opened.values() for platform in source.platforms)
    if not (simulated or everybody):
        admission.require_choice(warehouse)
    params = day_range.Params(
        sources=sources, first_day=first_day, last_day=last_day, score_from=score_from, methodology=methodology,
        max_reject_share=max_reject_share, engine=engine, gate_days=nights().gate_days,
    )  # fmt: skip
    if not dry_run:
        warehouse.create_tables()
    if warehouse.exists():
        warehouse.require_current()
        for source in opened.values():
            refuse_mixing(warehouse, source)
    planned = day_range.plan(warehouse, params)
    if dry_run:
        _say_plan(warehouse, params, planned, {spec: source.platforms for spec, source in opened.items()})
        return
    if everybody and not simulated:
        _record_basis(warehouse, everybody)
    say(labels.SIMULATED if simulated else admission.decide(warehouse).label)
    pulled = {day for days in planned.pulls.values() for day in days}
    if planned.resumed:
        say(
            f"resuming: {len(pulled)} of {len(params.pulled_days)} days left to pull,"
            f" {len(planned.scores)} of {len(params.scored_days)} to score"
        )
    with consenting.applied_after(warehouse), display.progress() as bar:
        day_range.pull(
            warehouse, params, planned, lambda count: bar.show(f"pulling, {count:,} lines read"),
            on_day=partial(say_pulled, watch=watch),
        )  # fmt: skip
        total = len(planned.scores)
        bar.show("counting engagement", 0, total)
        outcomes = []
        for number, outcome in enumerate(day_range.score(warehouse, params, planned), 1):
            say_scored(outcome, watch)
            outcomes.append(outcome)
            bar.show("scoring", number, total)
    refused = [outcome for outcome in outcomes if isinstance(outcome, day_range.Refused)]
    if not refused or refused[-1].day != last_day:
        _say_top(warehouse, last_day, params.methodology_of(last_day))
    count = len(outcomes) - len(refused)
    say(f"\n{len(pulled)} days pulled, {count} scored, in {time.monotonic() - started:.0f} s.")
    if refused:
        raise day_range.RefusedDaysError(refused, len(params.scored_days))
    _say_next(warehouse, last_day, simulated)


def _record_basis(warehouse: Warehouse, reason: str) -> None:
    """Records the legal basis, unless it is the present one."""
    present = legal_basis.current(warehouse)
    if present and present.reason == reason.strip():
        return
    at = datetime.now(UTC)
    by = consent.Params(at=at, by=user(), origin="operator")
    consent.record_basis(warehouse, by, reason, Batch(f"legal basis {at}"))


def _say_top(warehouse: Warehouse, day: date, methodology: Methodology) -> None:
    if publications.current(warehouse, methodology.version, day):
        decided = admission.decide(warehouse)
        display.print_top(queries.top(decided, day, methodology.version, TOP), decided.label)
    else:
        say("nobody who was scored agreed to be published yet: `clout consent import FILE` records who does")


def _say_plan(
    warehouse: Warehouse, params: day_range.Params, planned: day_range.Plan, platforms: dict[SourceSpec, Sequence[str]]
) -> None:
    say(f"warehouse {warehouse.root}{'' if warehouse.exists() else ' (would be created)'}")
    if planned.resumed:
        say("the same command was interrupted; it would resume there:")
    for spec, days in planned.pulls.items():
        if days:
            say(f"read    {' '.join((spec.type, *spec.places))}")
            say("replace rejects, accounts, activity, coverage:")
            say(f"          day={spans(days)} source={spec.id}")
            say(f"          platform={','.join(platforms[spec])}")
    if planned.scores:
        scoring = params.by_methodology(planned.scores)
        first_day = min(methodology.first_day(days[0]) for methodology, days in scoring)
        counted = spans(_counted_days(warehouse, planned, first_day))
        say(f"read    activity: day={counted}")
        say(f"replace engagement: day={counted}")
        for methodology, days in scoring:
            window = methodology.lookback_days
            say(f"read    engagement, coverage, accounts: the {window} days up to each scored one,")
            say(f"          day={spans(days_between(methodology.first_day(days[0]), days[-1]))}")
            say(f"replace influence, scores: methodology={methodology.version} day={spans(days)}")
    say("nothing was done (--dry-run)")


def _counted_days(warehouse: Warehouse, planned: day_range.Plan, first_day: date) -> list[date]:
    """The days whose engagement the run would count, ascending: the last day, the days it would pull, and the days pulled again
    since their last count. Only days from `first_day` to the last day to score."""
    last_day = planned.scores[-1]
    days = {day for pulled in planned.pulls.values() for day in pulled if first_day <= day <= last_day} | {last_day}
    if warehouse.exists():
        days.update(stale_days(warehouse, activity_digests(warehouse, first_day, last_day), first_day, last_day))
    return sorted(days)


def _say_next(warehouse: Warehouse, day: date, simulated: bool) -> None:
    root = shlex.quote(warehouse.root)
    option = " --sample" if simulated else ""
    say(f"""
The tables are in {root} (Delta; see infra/docs/bi_reader.md).
  top of a day    .venv/bin/clout show --top 20 --day {day}{option}
  one person      .venv/bin/clout show PERSON_ID{option}
  a plain file    .venv/bin/clout export --day {day} --to day.csv{option}
  from Python     .venv/bin/python -c "import polars; print(polars.scan_delta('{warehouse.root}/scores') \\
                    .select('day', 'rank', 'person_id', 'score') \\
                    .sort('day', 'rank', descending=[True, False]).head(20).collect())"
Real data         bash infra/run.sh --source higgs=PATH --everybody "REASON" \\
                    --first-day 2012-07-01 --last-day 2012-07-07
Airflow nightly   bash infra/up.sh""")
