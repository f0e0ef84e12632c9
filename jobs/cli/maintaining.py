"""Commands that maintain, repair and upgrade the tables of a warehouse, and that check the installation."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli import display
from jobs.cli.display import say
from jobs.cli.options import FLAG, Json, Sample, Verbose, log, open_to_read, root_of

if TYPE_CHECKING:
    from jobs.maintain import Maintained


def maintain(
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            metavar=FLAG,
            help="Only repair torn and missing files, such as a power cut leaves, and report each.",
        ),
    ] = False,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Merge small files, remove expired data, and shorten the tables' logs. Nights can run at the same time.

    `infra/nights.yaml` sets how long data is kept. With --repair, let no other command write at the same time.
    """
    from jobs import maintain as job
    from jobs.night_settings import nights
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = job.Params(now=datetime.now(UTC), nights=nights())
    if repair:
        _repair(sample, params.today, as_json)
        return
    tables = list(job.run(open_to_read(sample), params, Batch(f"maintain {params.today}")))
    if as_json:
        display.print_json([asdict(kept) for kept in tables])
    else:
        _print(tables)


def _repair(sample: bool, today: date, as_json: bool) -> None:
    """Repairs the tables; exits with 1 if an operator must repair something by hand. Raises `UsageError` for an object
    store."""
    from jobs.errors import UsageError
    from jobs.warehouse import salvage
    from jobs.warehouse.runs import Batch
    from jobs.warehouse.storage import Warehouse

    warehouse = Warehouse(root_of(sample))
    if not warehouse.is_local:
        raise UsageError(
            f"{warehouse.root}: an object store writes files whole, so there is nothing to repair; restore lost objects"
            " from the store's versions or a backup"
        )
    outcomes = salvage.repair(warehouse, Batch(f"repair tables {today}"), today)
    if as_json:
        display.print_json([asdict(outcome) for outcome in outcomes])
    else:
        for outcome in outcomes:
            say(f"{'repaired' if outcome.done else '    left'}  {outcome.damage}")
            say(f"          -> {outcome.done or outcome.left}")
        if not outcomes:
            say("every file of every table is intact")
    if any(outcome.left for outcome in outcomes):
        raise typer.Exit(1)


def upgrade(sample: Sample = False, verbose: Verbose = False) -> None:
    """Bring the tables of an earlier version of clout up to date: columns, docs, properties, the record of what is published.

    Let no other command write at the same time: a change to a table makes concurrent writes fail.
    """
    from jobs.people.admission import decide, is_chosen
    from jobs.warehouse import upgrade as job
    from jobs.warehouse.storage import Warehouse
    from schemas.scores import SCORES

    log(verbose)
    warehouse = Warehouse(root_of(sample))
    for line in job.run(warehouse):
        say(line)
    say(f"{warehouse.root} is up to date")
    days = len({place["day"] for place in warehouse.partitions(SCORES)})
    if days and not decide(warehouse).is_simulated and not is_chosen(warehouse):
        say(
            "nobody's consent and no legal basis is recorded: before the next night, see infra/runbooks/consent.md, else DAG"
            f" `repair` removes everybody from {days:,} published days for good"
        )


def doctor(sample: Sample = False, verbose: Verbose = False) -> None:
    """Say what is installed, where the warehouse is, and what is missing."""
    from jobs.cli import doctor as job
    from jobs.warehouse.storage import Warehouse

    log(verbose)
    findings = list(job.findings(Warehouse(root_of(sample))))
    for finding in findings:
        say(f"{'FAULT' if finding.fault else '   ok'}  {finding.what}: {finding.found}")
        if finding.fault:
            say(f"       -> {finding.fault}")
    if any(finding.fault for finding in findings):
        raise typer.Exit(1)


def _print(tables: "list[Maintained]") -> None:
    heads = {"files before": "files_before", "files": "files", "merged": "compacted", "removed": "removed",
             "expired days": "expired_days", "dead pulls": "dead_pulls"}  # fmt: skip
    cells = [[kept.table, *(f"{getattr(kept, name):,}" for name in heads.values())] for kept in tables]
    notes = [[f"skipped a step: {kept.skipped}"] if kept.skipped else [] for kept in tables]
    display.print_table("Maintenance", ("table", *heads), cells, ("table",), ("table", "files", "files before"), notes)
