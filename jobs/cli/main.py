"""The command `clout`: turns arguments into jobs, shows their progress and sets the exit code.

Exit codes: 0 done, 1 failed, 2 wrong use, 3 the checks refused a day, 141 the reader of a pipe is gone.
"""

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from jobs import interrupts
from jobs.causes import cause
from jobs.cli import (
    consenting,
    display,
    leaving,
    linking,
    looking,
    maintaining,
    operator_commands,
    publishing,
    reader_commands,
    repairing,
    scoring,
    sources,
    validating,
)
from jobs.cli.options import (
    DAY_FORMAT,
    FLAG,
    Day,
    EngineName,
    FirstDay,
    LastDay,
    RejectShare,
    Sources,
    Verbose,
    Version,
    log,
    refuse_not_begun,
    warehouse_of,
)
from jobs.cli.streams import OutputError
from jobs.days import ONE_DAY
from jobs.engines import AUTO
from jobs.errors import CloutError, UsageError
from jobs.places import sources_file
from jobs.sources.spec import SourceSpec, are_simulated
from schemas.table import ContractError
from schemas.versions import MethodologyError


class Commands(TyperGroup):
    """All commands. Their help shows no value type for `--help`, which takes no value."""

    def get_help_option(self, ctx: Any) -> Any:
        """Returns Typer's option without its type."""
        return _untyped(super().get_help_option(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Returns Typer's command, with its help option without a type; None if there is no such command."""
        command = super().get_command(ctx, cmd_name)
        if command is not None:
            _untyped(command.get_help_option(ctx))
        return command


def _untyped(help_option: Any) -> Any:
    help_option.metavar = FLAG
    return help_option


app = typer.Typer(
    name="clout",
    cls=Commands,
    help="Who holds attention on social platforms, and why.\n\nBegin with `clout run`: without arguments it pulls 30"
    " simulated days and scores the last seven.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

READER_LEFT = 141  # what a shell reports for a program that SIGPIPE (13) ended: 128 + 13
SAMPLE_DAYS = 30  # more than are scored, so that the scored days have a window
SAMPLE_SCORED_DAYS = 7


@app.callback()
def _common(verbose: Verbose = False) -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("jobs").setLevel(logging.WARNING)
    log(verbose)


@app.command()
def run(
    source: Sources = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    score_from: Annotated[
        datetime | None,
        typer.Option(help="First day to score; days before it are only pulled. --first-day if left out.", **DAY_FORMAT),
    ] = None,
    methodology: Version = None,
    max_reject_share: RejectShare = 0.05,
    engine: EngineName = AUTO,
    everybody: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Publish real people without their consent, on this legal basis. It is recorded and shown wherever they are.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", metavar=FLAG, help="Say what would be read and replaced, and do nothing.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Pull a range of days, score them and publish them.

    If interrupted, run the same command again: it resumes where it stopped. Once finished, it runs everything again.

    Example: clout run --source higgs=activity.txt.gz --first-day 2012-07-01 --last-day 2012-07-07 --everybody "research data"
    """
    from jobs.cli import run_command
    from jobs.sources import entries
    from schemas.methodology import load

    log(verbose)
    specs = entries.sources(sources_file(), source or ["sample"])
    root = warehouse_of(specs)
    first, last, scored = _range(specs, first_day, last_day, score_from)
    chosen = load(methodology) if methodology else None
    run_command.run(
        root, specs, first, last, scored, chosen, max_reject_share=max_reject_share, engine=engine, everybody=everybody,
        dry_run=dry_run,
    )  # fmt: skip


@app.command()
def pull(
    day: Day,
    source: Sources = None,
    max_reject_share: RejectShare = 0.05,
    settle: Annotated[
        bool,
        typer.Option(
            "--settle",
            metavar=FLAG,
            help="Fail while the day is partial and may still become complete (settle_hours in infra/nights.yaml), as the"
            " nights do. What was pulled is kept.",
        ),
    ] = False,
    again: Annotated[
        bool,
        typer.Option(
            "--again",
            metavar=FLAG,
            help="Ask a platform anew although the day was recorded. Without it, a recorded day is pulled without a request.",
        ),
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Pull one day of one or several sources into `activity`, `accounts`, `rejects` and `coverage`."""
    from jobs import pull_activity
    from jobs.cli import day_lines
    from jobs.night_settings import nights
    from jobs.nights import readiness
    from jobs.places import landing
    from jobs.sources import entries
    from jobs.warehouse.runs import Batch
    from jobs.warehouse.storage import Warehouse

    log(verbose)
    now = datetime.now(UTC)
    refuse_not_begun(day.date(), now)
    specs = entries.sources(sources_file(), source or ["sample"])
    warehouse = Warehouse(warehouse_of(specs))
    warehouse.create_tables()
    if again:
        for spec in specs:
            spec.forget(landing(warehouse.root), day.date())
    watch = day_lines.Watch()
    with consenting.applied_after(warehouse), display.progress() as bar:
        for spec in specs:
            params = pull_activity.Params(
                source=spec, first_day=day.date(), last_day=day.date(), max_reject_share=max_reject_share
            )
            pull_activity.run(
                warehouse,
                params,
                Batch(f"pull {day.date()} {spec.id}"),
                on_lines=lambda count: bar.show(f"pulling, {count:,} lines read"),
                on_day=partial(day_lines.say_pulled, watch=watch),
            )
    if settle:
        for spec in specs:
            readiness.refuse_unsettled(warehouse, spec.id, day.date(), now, nights().settle_hours)


app.command()(scoring.engagement)
app.command()(scoring.influence)
app.command(name="score-changes")(scoring.score_changes)
app.command()(publishing.checks)
app.command()(publishing.publish)
app.command()(publishing.unpublish)
app.command()(publishing.restore)
app.command()(reader_commands.show)
app.command()(reader_commands.explain)
app.command()(reader_commands.restatements)
app.command()(reader_commands.compare)
app.command()(validating.validate)
app.command()(reader_commands.export)
app.command()(sources.sources)
app.add_typer(sources.population)
app.add_typer(consenting.consent)
app.add_typer(leaving.person)
app.add_typer(linking.link)
app.command()(linking.links)
app.command()(looking.lookups)
app.command()(operator_commands.coverage)
app.command()(operator_commands.runs)
app.command()(operator_commands.rejects)
app.command()(maintaining.maintain)
app.command()(repairing.stale)
app.command()(repairing.rescore)
app.command()(repairing.repair)
app.command()(maintaining.upgrade)
app.command()(maintaining.doctor)


def _range(
    specs: tuple[SourceSpec, ...], first_day: datetime | None, last_day: datetime | None, score_from: datetime | None
) -> tuple[date, date, date]:
    """First and last day to pull, and the first day to score.

    For the simulation the last day defaults to yesterday, and without a first day 30 days are pulled and the last 7 scored.
    Raises `UsageError` if the range of a real source is not given, if the last day has not begun, or if the days do not ascend.
    """
    if not are_simulated(specs) and not (first_day and last_day):
        raise UsageError("say which days, as --first-day 2012-07-01 --last-day 2012-07-07")
    last = last_day.date() if last_day else datetime.now(UTC).date() - ONE_DAY
    if first_day:
        first = scored = first_day.date()
    else:
        first, scored = last - timedelta(days=SAMPLE_DAYS - 1), last - timedelta(days=SAMPLE_SCORED_DAYS - 1)
    scored = score_from.date() if score_from else scored
    refuse_not_begun(last, datetime.now(UTC))
    if not first <= scored <= last:
        raise UsageError(f"days must ascend: --first-day {first}, --score-from {scored}, --last-day {last}")
    return first, last, scored


def main() -> None:
    """Runs the command line and exits with its code. Prints an error's message, and the traceback only under --verbose."""
    verbose = is_verbose(sys.argv)
    with interrupts.handled():
        try:
            try:
                app(prog_name="clout")
            finally:
                sys.stdout.flush()
        except BaseException as error:
            if interrupts.asked():
                interrupts.end_children()
                _fail(interrupts.message(sys.argv[1:]), 1, verbose)
            if not isinstance(error, Exception):  # the command's own exit
                raise
            if isinstance(error, OutputError) and error.reader_left:
                sys.exit(READER_LEFT)
            known = isinstance(error, (CloutError, ContractError, MethodologyError))
            message = ": ".join(filter(None, [type(error).__name__, cause(error)])) + " (`--verbose` shows more)"
            usage = UsageError.exit_code if isinstance(error, MethodologyError) else CloutError.exit_code
            _fail(str(error) if known else message, getattr(error, "exit_code", usage), verbose)


def is_verbose(arguments: Sequence[str]) -> bool:
    """Whether the command line requests logs and tracebacks. Needs no parsing, so it also works for a wrong command line."""
    return bool({"-v", "--verbose"} & set(arguments))


def _fail(message: str, code: int, verbose: bool) -> None:
    if verbose:
        logging.getLogger(__name__).exception("failed")
    with suppress(OSError):  # if nobody can read standard error, the exit code alone reports the failure
        display.complain(f"clout: {message}")
    sys.exit(code)
