"""Commands about consent: record what people agree to, or another legal basis, and apply it to what is published."""

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli import display
from jobs.cli.display import say
from jobs.cli.options import DAY_FORMAT, FLAG, By, InAdvance, Json, Sample, Verbose, log, open_to_read
from jobs.errors import UsageError
from jobs.user import user
from schemas.consent import CONSENT, PUBLIC
from schemas.views import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobs.consent import Params
    from jobs.warehouse.storage import Warehouse

consent = typer.Typer(name="consent", help="Consent: who may be published, and on which legal basis.")


@consent.command("import")
def import_file(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or Parquet: person_id, scope, and optionally since, until.")
    ],
    by: By = None,
    verbose: Verbose = False,
) -> None:
    """Record what the people of a file agree to. Scopes: public, audiences, self, no.

    A line is not recorded if the person has said something else since: give `since`, the UTC day on which they said it, or
    else the file's last change counts. Removes people who no longer agree from every published day.
    Example: clout consent import people.csv
    """
    from jobs import consent as job
    from jobs.people import imports
    from jobs.people.consent import IMPORT
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = _params(IMPORT, by)
    rows = imports.rows(file, params.today)
    warehouse = _opened()
    counts = job.record(warehouse, params, rows, Batch(f"consent import {params.at}"))
    say(f"recorded the consent of {counts['people']:,} people{_left(counts)}")
    _apply(warehouse, params)
    if counts["people"]:
        _say_when(warehouse)


@consent.command("set")
def set_person(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="person_id, such as `twitter:88`.")],
    scope: Annotated[str, typer.Argument(metavar="SCOPE", help="public, audiences, self or no.")],
    since: Annotated[datetime | None, typer.Option(help="First UTC day; today if left out.", **DAY_FORMAT)] = None,
    until: Annotated[
        datetime | None, typer.Option(help="UTC day from which it ends; never if left out.", **DAY_FORMAT)
    ] = None,
    by: By = None,
    in_advance: InAdvance = False,
    verbose: Verbose = False,
) -> None:
    """Record what one account agrees to, such as an account of your own organization.

    Example: clout consent set mastodon.example:42 public
    """
    from jobs import consent as job
    from jobs.people import presence
    from jobs.people.consent import row
    from jobs.warehouse.runs import Batch

    log(verbose)
    params = _params("operator", by)
    given = row(person, scope, since.date() if since else params.today, until.date() if until else None)
    warehouse = _opened()
    if not in_advance:
        presence.require(warehouse, [person])
    counts = job.record(warehouse, params, [given], Batch(f"consent set {params.at}"))
    say(f"{person}: {scope} since {given['since']}{_left(counts)}")
    _apply(warehouse, params)
    if scope == PUBLIC and counts["people"]:
        _say_when(warehouse)


@consent.command()
def code(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="person_id, such as `github:ana`.")],
    scope: Annotated[str, typer.Option(metavar="SCOPE", help="public, audiences, self or no.")],
) -> None:
    """Print a code by which one person agrees, from their own profile. Only their profile can use it.

    Needs CLOUT_CONSENT_KEYS. infra/runbooks/consent.md says where to place the code.

    Example: clout consent code github:ana --scope public
    """
    from jobs.people import proofs

    say(proofs.code(person, scope))


@consent.command()
def basis(
    reason: Annotated[
        str | None, typer.Argument(metavar="REASON", help='Such as "public research data set, SNAP".')
    ] = None,
    end: Annotated[bool, typer.Option("--end", metavar=FLAG, help="End the present legal basis.")] = False,
    by: By = None,
    verbose: Verbose = False,
) -> None:
    """Record a legal basis other than consent: everybody who did not refuse is published, and the reason is shown with them.

    Without arguments it prints the present one. Example: clout consent basis "public research data set, SNAP" --by NAME
    """
    from jobs import consent as job
    from jobs.people import admission
    from jobs.warehouse.runs import Batch

    log(verbose)
    if reason and end:
        raise UsageError("give a REASON or --end, not both")
    warehouse = _opened() if reason or end else open_to_read(sample=False)
    if reason or end:
        params = _params("operator", by)
        job.record_basis(warehouse, params, reason, Batch(f"legal basis {params.at}"))
        _apply(warehouse, params)
    say(admission.decide(warehouse).label)
    if reason:
        _say_when(warehouse)


@consent.command()
def apply(verbose: Verbose = False) -> None:
    """Remove people who no longer agree from every published day. The DAG `repair` runs it every day."""
    log(verbose)
    _apply(open_to_read(sample=False), _params("operator", None))


@consent.command()
def status(as_json: Json = False, sample: Sample = False, verbose: Verbose = False) -> None:
    """Say on which legal basis people are published, and how many agreed to what."""
    from jobs.people import admission
    from jobs.people import consent as people

    log(verbose)
    warehouse = open_to_read(sample)
    decision = admission.decide(warehouse)
    counts = people.counts(warehouse, decision.day)
    if as_json:
        display.print_json({"ground": decision.ground, "day": decision.day, **counts})
        return
    say(decision.label)
    cells = [(scope, f"{count:,}") for scope, count in counts.items()]
    display.print_table(f"Consent on {decision.day}", ("scope", "people"), cells, texts=("scope",))


@consent.command()
def views(
    min_group: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1_000_000,
            metavar="PEOPLE",
            help="Hide figures of smaller groups; min_group of infra/nights.yaml.",
        ),
    ] = None,
) -> None:
    """Print SQL for Trino, Spark SQL, DuckDB or PostgreSQL: views of who may see which scores, and figures of large groups."""
    from jobs.night_settings import nights

    say(statements(min_group or nights().min_group))


@contextmanager
def applied_after(warehouse: "Warehouse") -> "Iterator[None]":
    """Runs the block, such as a pull. If it records that people no longer agree, removes them from every published day
    afterwards."""
    before = warehouse.version(CONSENT)
    yield
    if warehouse.version(CONSENT) > before:
        _apply(warehouse, _params("code", None))


def _opened() -> "Warehouse":
    """The warehouse of real people, made if it does not exist."""
    from jobs.places import warehouse_root
    from jobs.warehouse.storage import Warehouse

    warehouse = Warehouse(warehouse_root(simulated=False))
    warehouse.create_tables()
    return warehouse


def _params(origin: str, by: str | None) -> "Params":
    from jobs import consent as job

    return job.Params(at=datetime.now(UTC), by=by or user(), origin=origin)


def _say_when(warehouse: "Warehouse") -> None:
    """Prints on which days people who agreed will appear, and the command that adds them to a day that is already scored."""
    from jobs.consent import scored_days
    from jobs.days import spans

    if days := scored_days(warehouse):
        say(
            f"whoever may be published now appears in days published from now on; to add them to a day that is scored already"
            f" ({spans(days)}), run `clout publish --day DAY` for each"
        )


def _left(counts: "Mapping[str, float]") -> str:
    left = f"; {counts['left']:,} not recorded, because they left for good" if counts["left"] else ""
    if not counts["outdated"]:
        return left
    return (
        f"{left}; {counts['outdated']:,} not recorded, because they said something else later than the file (its"
        " `since`, or its last change), and what they said last stays"
    )


def _apply(warehouse: "Warehouse", params: "Params") -> None:
    from jobs import consent as job
    from jobs.warehouse.runs import Batch

    changed = list(job.apply(warehouse, params.today, Batch(f"consent apply {params.at}")))
    for day, withdrawn in changed:
        say(f"{day}: {withdrawn:,} people removed, because they do not agree")
