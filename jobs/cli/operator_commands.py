"""Read-only commands for operators: coverage, runs and rejects."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli import display
from jobs.cli.options import DAY_FORMAT, FLAG, Json, Sample, Verbose, log, open_to_read
from jobs.days import ONE_DAY, days_between
from jobs.errors import UsageError
from jobs.places import sources_file
from schemas.kinds import is_simulated

if TYPE_CHECKING:
    from jobs.cli.operator_queries import Request
    from jobs.warehouse.storage import Warehouse

OneDay = Annotated[datetime | None, typer.Option("--day", help="Only this UTC day.", **DAY_FORMAT)]
FirstDay = Annotated[
    datetime | None,
    typer.Option("--first-day", help="First UTC day; the last 7 with rows if left out.", **DAY_FORMAT),
]
LastDay = Annotated[datetime | None, typer.Option("--last-day", help="Last UTC day, included.", **DAY_FORMAT)]
Source = Annotated[str | None, typer.Option("--source", metavar="ID", help="Only this source.")]


class Outcome(StrEnum):
    """Why an input line did not become an act."""

    REJECTED = "rejected"
    UNRESOLVED = "unresolved"


def coverage(
    day: OneDay = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    source: Source = None,
    faulty: Annotated[
        bool, typer.Option("--faulty", metavar=FLAG, help="Only what is missing, partial or has a warning.")
    ] = False,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List the days of each source: complete, partial and why, or missing.

    Example: clout coverage --first-day 2012-07-01 --last-day 2012-07-07 --faulty
    """
    from jobs.cli import operator_queries, operator_tables

    log(verbose)
    request, warehouse = _request(day, first_day, last_day, source), open_to_read(sample)
    yesterday = datetime.now(UTC).date() - ONE_DAY
    rows = operator_queries.coverage(warehouse, request, _expected(warehouse, request, yesterday), faulty=faulty)
    (display.print_json if as_json else operator_tables.print_coverage)(rows)


def runs(
    day: OneDay = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    source: Source = None,
    job: Annotated[
        str | None, typer.Option("--job", metavar="NAME", help="Only this job, such as `influence`.")
    ] = None,
    failed: Annotated[
        bool, typer.Option("--failed", metavar=FLAG, help="Only runs that failed or did not end.")
    ] = False,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List what ran for each day: how it ended, what was missing, accepted or wrong.

    Example: clout runs --day 2012-07-07 --failed
    """
    from jobs.cli import operator_queries, operator_tables

    log(verbose)
    request = _request(day, first_day, last_day, source)
    rows = operator_queries.runs(open_to_read(sample), request, job=job, failed=failed)
    if as_json:
        display.print_json(rows)
    else:
        operator_tables.print_runs(rows, datetime.now(UTC))


def rejects(
    day: OneDay = None,
    first_day: FirstDay = None,
    last_day: LastDay = None,
    source: Source = None,
    outcome: Annotated[
        Outcome | None,
        typer.Option(
            "--outcome",
            metavar="rejected|unresolved",
            help="Unreadable, or understood but without target, actor or time.",
        ),
    ] = None,
    lines: Annotated[
        bool, typer.Option("--lines", metavar=FLAG, help="The lines themselves, not their reasons.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help="How many to list.")] = 20,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List why input lines did not become acts, the most common reason first.

    Example: clout rejects --day 2012-07-07 --source gharchive --outcome rejected
    """
    from jobs.cli import operator_queries, operator_tables

    log(verbose)
    request = _request(day, first_day, last_day, source)
    query = operator_queries.rejected_lines if lines else operator_queries.reject_reasons
    print_table = operator_tables.print_rejected_lines if lines else operator_tables.print_reasons
    rows = query(open_to_read(sample), request, outcome.value if outcome else None, top)
    (display.print_json if as_json else print_table)(rows)


def _request(
    day: datetime | None, first_day: datetime | None, last_day: datetime | None, source: str | None
) -> "Request":
    from jobs.cli.operator_queries import Request

    if day and (first_day or last_day):
        raise UsageError("--day and --first-day or --last-day exclude each other")
    first, last = (given.date() if given else None for given in (day or first_day, day or last_day))
    if first and last and last < first:
        raise UsageError(f"days must ascend: --first-day {first}, --last-day {last}")
    return Request(first_day=first, last_day=last, source=source)


def _expected(warehouse: "Warehouse", request: "Request", yesterday: date) -> dict[str, list[date]]:
    """Source -> days up to yesterday that the nightly runs should have pulled (`sources.yaml`).

    Compares the warehouse's newest day with the enabled sources: a warehouse of real data gets no days of the simulation, and a
    simulated one no real days. Empty for a warehouse without coverage.
    """
    from jobs.cli.operator_queries import DAYS, Request
    from jobs.sources.entries import enabled_sources
    from schemas.coverage import COVERAGE

    newest = Request().days(warehouse, COVERAGE)[-1:]
    platforms = (
        warehouse.read(COVERAGE, {"day": newest}, columns=["platform"])["platform"].to_pylist() if newest else []
    )
    first, last = request.first_day, min(request.last_day or yesterday, yesterday)
    expected: dict[str, list[date]] = {}
    for day in days_between(first or last - timedelta(days=DAYS - 1), last):
        for spec in enabled_sources(sources_file(), day):
            if {is_simulated(platform) for platform in platforms} == {spec.type == "sample"}:
                expected.setdefault(spec.id, []).append(day)
    return expected
