"""Commands for readers of scores: show, explain, restatements, compare, export. They read the warehouse and change nothing."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.cli import display, looking
from jobs.cli.display import say
from jobs.cli.options import (
    DAY_FORMAT,
    FLAG,
    AnyDay,
    Day,
    EngineName,
    Json,
    LookedUpWhy,
    Sample,
    Verbose,
    Version,
    log,
    methodology_of,
    open_to_read,
)
from jobs.engines import AUTO
from jobs.errors import UsageError
from schemas.versions import official


def show(
    person: Annotated[
        str | None,
        typer.Argument(metavar="PERSON", help="person_id (`twitter:88`) or handle: their history."),
    ] = None,
    day: Annotated[
        datetime | None,
        typer.Option("--day", help="UTC day. If left out: the newest published one; of a person, all.", **DAY_FORMAT),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=1, max=100_000, metavar="N", help="Instead of a person: the first N people who are published."
        ),
    ] = None,
    methodology: Version = None,
    why: LookedUpWhy = None,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", metavar=FLAG, help="CSV instead of a table.")] = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Show one person's history or, with --top, the highest scores of a day. A look at one person is recorded in `lookups`."""
    from jobs.cli import queries
    from jobs.people.admission import decide

    log(verbose)
    if as_json and as_csv:
        raise UsageError("--json and --csv exclude each other")
    if (person is None) == (top is None):
        raise UsageError("name a PERSON, or say how many of the first people of a day: --top 20")
    warehouse = open_to_read(sample)
    admission = decide(warehouse)
    if person is not None:
        scores, print_table = (
            queries.history(admission, person, methodology, day.date() if day else None),
            display.print_history,
        )
        looking.record(warehouse, [scores["person_id"][0].as_py()], "show", why)
    elif top is not None:
        shown_day = day.date() if day else queries.newest_day(warehouse, methodology)
        scores, print_table = (
            queries.top(admission, shown_day, methodology or official(shown_day), top),
            display.print_top,
        )
    if as_json or as_csv:
        (display.print_json if as_json else display.print_csv)(queries.with_ground(admission, scores))
    else:
        print_table(scores, admission.label)


def restatements(
    day: Annotated[datetime | None, typer.Option("--day", help="Of this UTC day only.", **DAY_FORMAT)] = None,
    methodology: Annotated[
        str | None, typer.Option("--methodology", metavar="VERSION", help="Of this methodology only.")
    ] = None,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List what changed in days that were already published: how many people moved, by how much, why, when."""
    from jobs.cli import queries

    log(verbose)
    changes = queries.restatements(open_to_read(sample), day.date() if day else None, methodology)
    (display.print_json if as_json else display.print_restatements)(changes)


def compare(
    day: Day,
    methodology: Annotated[str, typer.Option("--methodology", metavar="VERSION", help="Methodology to compare.")],
    against: Annotated[
        str | None,
        typer.Option(
            metavar="VERSION", help="Methodology to compare it with; the official one of the day if left out."
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder for `report.html`, CSV files and everybody's two scores."),
    ] = None,
    engine: EngineName = AUTO,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Say who would move under another methodology, and why; nothing is published.

    Example: clout compare --day 2012-07-07 --methodology 2026.12 --to report
    """
    from jobs import score_twice as job
    from jobs.comparison import report
    from jobs.engines import choice
    from jobs.night_settings import nights
    from jobs.people.admission import decide
    from jobs.report import page
    from jobs.session import on_demand
    from jobs.warehouse.window import row_count

    log(verbose)
    choice.require(engine)
    params = job.Params(
        day=day.date(), methodology=methodology_of(methodology, day.date()), against=methodology_of(against, day.date())
    )
    warehouse = open_to_read(sample)
    people_to = page.folder(to) / "people.parquet" if to else None
    with display.progress() as bar:
        bar.show("scoring twice")
        admission = decide(warehouse)
        rows = sum(
            row_count(warehouse, methodology, [day.date()]) for methodology in (params.methodology, params.against)
        )
        comparison = job.run(on_demand(rows), warehouse, params, admission, engine, people_to, nights().min_group)
    say(f"{methodology} against {params.against.version} on {params.day}: {report.headline(comparison)}")
    for sentence in report.sentences(comparison):
        say(f"  {sentence}")
    label = report.label(comparison, admission.label)
    say(label)
    if to:
        say(f"report: {report.write(params, comparison, label, to)}")


def export(
    to: Annotated[Path, typer.Option(metavar="FILE", help="File to write, .parquet or .csv.")],
    day: AnyDay = None,
    methodology: Version = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Write a published day as one plain Parquet or CSV file, for tools that do not read Delta."""
    from jobs.cli import queries
    from jobs.people.admission import decide

    log(verbose)
    warehouse = open_to_read(sample)
    admission = decide(warehouse)
    exported_day = day.date() if day else queries.newest_day(warehouse, methodology)
    count = queries.export(admission, exported_day, methodology or official(exported_day), to)
    say(f"{to}: {count:,} people of {exported_day}")
    say(admission.label)


def explain(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="person_id (`twitter:88`) or handle.")],
    day: AnyDay = None,
    since: Annotated[
        datetime | None, typer.Option("--since", help="Why the score changed since this UTC day.", **DAY_FORMAT)
    ] = None,
    acts: Annotated[
        bool, typer.Option("--acts", metavar=FLAG, help="List the rows of `activity` behind the largest paths.")
    ] = False,
    top: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many to name of each.")] = 10,
    methodology: Version = None,
    why: LookedUpWhy = None,
    as_json: Annotated[bool, typer.Option("--json", metavar=FLAG, help="JSON instead of words.")] = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Say why a person's score is what it is, or why it changed. The look is recorded in `lookups`.

    Example: clout explain twitter:88 --day 2012-07-07 --since 2012-07-06
    """
    from jobs.cli import change_explanations, explanations, queries
    from jobs.people.admission import decide
    from jobs.why import explain as job
    from jobs.why import explain_change, published

    log(verbose)
    if since and acts:
        raise UsageError("--acts explains one day; leave out --since")
    warehouse = open_to_read(sample)
    explained_day = day.date() if day else queries.newest_day(warehouse, methodology)
    now = methodology_of(methodology, explained_day)
    admission = decide(warehouse)
    who = queries.person_id(admission, person)
    if since:
        then = methodology_of(methodology, since.date())
        of_change = published.Params(day=explained_day, methodology=now, since_day=since.date(), since_methodology=then)
        explanation, print_words = (
            explain_change.explained(warehouse, who, of_change, top),
            change_explanations.print_change,
        )
    else:
        of_one_day = job.Params(person=who, day=explained_day, methodology=now, top=top, with_acts=acts)
        explanation, print_words = job.explained(warehouse, of_one_day), explanations.print_explanation
    looking.record(warehouse, [who], "explain", why)
    if as_json:
        display.print_json(explanation | {"ground": admission.label})
    else:
        print_words(explanation, admission.label)
