"""Commands for late data: pull and score days again, and list stale days. A published day is stale if its inputs changed."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jobs.cli import display
from jobs.cli.display import say
from jobs.cli.options import (
    DAY_FORMAT,
    FLAG,
    Day,
    Sample,
    Verbose,
    Version,
    log,
    open_to_read,
    refuse_not_begun,
    warehouse_of,
)
from jobs.days import ONE_DAY, spans
from jobs.errors import UsageError
from jobs.places import sources_file

if TYPE_CHECKING:
    from jobs.nights.staleness import Stale

FirstDay = Annotated[datetime, typer.Option(help="First UTC day of the range.", **DAY_FORMAT)]
LastDay = Annotated[datetime | None, typer.Option(help="Last UTC day, included; the first if left out.", **DAY_FORMAT)]


def repair(day: Day, verbose: Verbose = False) -> None:
    """Pull partial and missing days of the nights' sources again, and score again what became stale.

    Looks at the last days up to --day: repair_days and rescore_days of infra/nights.yaml. The DAG `repair` runs it.

    Example: clout repair --day 2026-11-03
    """
    from jobs import repair as job
    from jobs.cli import day_lines
    from jobs.night_settings import nights
    from jobs.sources.entries import enabled_sources
    from jobs.warehouse.runs import Batch
    from jobs.warehouse.storage import Warehouse

    log(verbose)
    now = datetime.now(UTC)
    refuse_not_begun(day.date(), now)
    settings = nights()
    params = job.Params(
        day=day.date(),
        now=now,
        repair_days=settings.repair_days,
        rescore_days=settings.rescore_days,
        gate_days=settings.gate_days,
    )
    warehouse = Warehouse(warehouse_of(enabled_sources(sources_file())))
    warehouse.create_tables()
    sources = {pulled_day: enabled_sources(sources_file(), pulled_day) for pulled_day in params.pulled_days}
    watch = day_lines.Watch()
    done = job.run(
        warehouse,
        params,
        sources,
        Batch(f"repair {params.day}"),
        on_pulled=partial(day_lines.say_pulled, watch=watch),
        on_scored=partial(day_lines.say_scored, watch=watch),
    )
    say(f"{done.pulled} days pulled, {done.scored} scored again")
    if done.failures:
        raise job.RepairError("\n".join(done.failures))


def rescore(
    first_day: FirstDay,
    last_day: LastDay = None,
    methodology: Version = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Score the published days of a range that are stale again, newest first; `clout stale` lists them.

    Example: clout rescore --first-day 2026-10-01 --last-day 2026-10-31
    """
    from jobs import day_range
    from jobs import repair as job
    from jobs.cli import day_lines
    from jobs.night_settings import nights
    from jobs.nights import staleness
    from jobs.warehouse.runs import Batch

    log(verbose)
    first, last = first_day.date(), (last_day or first_day).date()
    if last < first:
        raise UsageError(f"days must ascend: --first-day {first}, --last-day {last}")
    warehouse = open_to_read(sample)
    stale = staleness.find(warehouse, first, last, methodology)
    wanted = [(entry.day, entry.methodology) for entry in stale]
    watch, refused = day_lines.Watch(), []
    for outcome in job.rescore(warehouse, wanted, Batch(f"rescore {first}..{last}"), nights().gate_days):
        day_lines.say_scored(outcome, watch)
        refused += [outcome] if isinstance(outcome, day_range.Refused) else []
    say(
        f"{len(wanted) - len(refused)} days scored again" if wanted else f"no published day of {first}..{last} is stale"
    )
    if refused:
        raise day_range.RefusedDaysError(refused, len(wanted))


def stale(
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="JSON instead of a table.")] = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List published days whose data changed since they were scored, and the command that scores them again."""
    from jobs.nights import staleness

    log(verbose)
    warehouse = open_to_read(sample)
    rows = [_listed(span, sample) for span in staleness.ranges(staleness.find(warehouse, date.min, date.max))]
    if as_json:
        display.print_json(rows)
    elif not rows:
        say("no published day is stale")
    else:
        cells = [
            [
                spans([row["first_day"] + n * ONE_DAY for n in range(row["days"])]),
                row["methodology"],
                str(row["days"]),
            ]
            for row in rows
        ]
        names = ("day", "methodology", "days")
        notes = [[row["why"], row["command"]] for row in rows]
        display.print_table("Published days that are stale", names, cells, names[:2], ("day", "days"), notes)


def _listed(span: Sequence["Stale"], sample: bool) -> dict[str, Any]:
    """One range of stale days as a row of the list, with the reasons and the command that scores it again."""
    first, last, version = span[0].day, span[-1].day, span[0].methodology
    changed = sorted({day for entry in span for day in entry.changed_days})
    reasons = [f"activity or coverage of {spans(changed)} changed"] if changed else []
    reasons += ["account data changed"] if any(entry.accounts for entry in span) else []
    reasons += ["accounts were linked or unlinked"] if any(entry.links for entry in span) else []
    reasons += ["max_accounts changed"] if any(entry.max_accounts for entry in span) else []
    option = " --sample" if sample else ""
    return {
        "first_day": first,
        "last_day": last,
        "days": len(span),
        "methodology": version,
        "changed_days": changed,
        "accounts": any(entry.accounts for entry in span),
        "links": any(entry.links for entry in span),
        "max_accounts": any(entry.max_accounts for entry in span),
        "why": "; ".join(reasons),
        "command": f"clout rescore --first-day {first} --last-day {last} --methodology {version}{option}",
    }
