"""Commands about sources: what each needs and how its last pulls went, and whom to add to a population."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli import display
from jobs.cli.display import print_table, say
from jobs.cli.operator_commands import Json
from jobs.cli.options import Sample, Verbose, log, open_to_read, root_of
from jobs.labels import plain
from jobs.places import sources_file

if TYPE_CHECKING:
    from jobs.cli.source_status import Row

population = typer.Typer(name="population", help="Populations: the accounts that sources are asked about.")


def sources(as_json: Json = False, sample: Sample = False, verbose: Verbose = False) -> None:
    """List the sources of sources.yaml: enabled, last pull, coverage of 7 days, requests used, and what each still needs.

    Types without an entry follow, with what an entry would need.
    """
    from jobs.cli import source_status
    from jobs.sources.entries import read
    from jobs.warehouse.storage import Warehouse

    log(verbose)
    path = sources_file()
    entries = read(path)
    warehouse = Warehouse(root_of(sample))
    now = datetime.now(UTC)
    opened = warehouse if warehouse.exists() else None
    if opened:
        opened.require_current()
    rows = source_status.status(entries, path.parent, opened, now.date())
    if as_json:
        display.print_json(rows)
    else:
        _print(rows, now)
        say(f"entries: {path}; how to write one: infra/docs/sources.md")


def _print(rows: Sequence["Row"], now: datetime) -> None:
    from jobs.cli.source_status import ago, lasting

    cells = [
        [
            plain(row["source"] or "-"),
            row["type"],
            {True: "yes", False: "no", None: "-"}[row["enabled"]],
            " ".join(filter(None, (ago(now, row["last_pull"]), row["last_status"]))),
            ", ".join(f"{count} {name}" for name, count in sorted(row["days"].items())),
            f"{row['requests'] or 0:,} of {row['budget']:,}" if row["budget"] else "",
        ]
        for row in rows
    ]
    notes = [
        [
            f"asks {row['asks']}",
            *(
                [f"a day takes up to {day['requests']:,} requests and {lasting(day['minutes'])}"]
                if (day := row["day"])
                else []
            ),
            *([f"its last pull took {lasting(row['last_minutes'])}"] if row["last_minutes"] else []),
            *(f"needs {need}" for need in row["needs"]),
            *([f"terms: {row['terms']}"] if row["terms"] else []),
        ]
        for row in rows
    ]
    names = ("source", "type", "enabled", "last pull", "last 7 days", "requests")
    print_table("Sources", names, cells, names, ("type", "source", "enabled"), notes)


@population.command()
def suggest(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="ID of a source that is asked about a population.")],
    days: Annotated[int, typer.Option(min=1, max=366, metavar="N", help="Days to look at, up to the newest.")] = 30,
    top: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many to list.")] = 20,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List the accounts outside a population that engage with it most. Add those you choose to its file yourself.

    It lists people who never said whether they may be published, so do not pass the list on; it leaves out who refused.
    Example: clout population suggest mastodon-social
    """
    from jobs.cli import source_status

    log(verbose)
    rows = source_status.suggested(open_to_read(sample), source, days, top)
    if as_json:
        display.print_json(rows)
        return
    if not rows:
        say(f"nobody outside the population of {plain(source)} engaged with it in {days} days")
        return
    cells = [
        [
            plain(row["account_id"]),
            plain(row["handle"]),
            f"{row['people']:,}",
            f"{row['acts']:,}",
            str(row["active_days"]),
        ]
        for row in rows
    ]
    print_table(
        f"Outside the population of {plain(source)}", ("account", "handle", "people", "acts", "active days"), cells,
        ("account", "handle"), ("account", "people"), [[] for _ in rows],
    )  # fmt: skip
