"""Commands for what people ask: objections and their answers, and requests with their deadlines."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli import display
from jobs.cli.display import say
from jobs.cli.options import DAY_FORMAT, FLAG, By, Json, Sample, Verbose, log, open_to_read
from jobs.errors import CloutError, UsageError
from jobs.labels import plain
from jobs.user import user

if TYPE_CHECKING:
    from jobs.warehouse.storage import Warehouse


def object_to(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="person_id of who disputes the act.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="Why the person disputes it.")],
    act: Annotated[
        str | None, typer.Option("--act", metavar="ACT", help="The act's activity_id, as `explain --acts` lists it.")
    ] = None,
    link: Annotated[
        str | None, typer.Option("--link", metavar="PERSON", help="Instead of an act: an account that is not theirs.")
    ] = None,
    day: Annotated[
        datetime | None, typer.Option("--day", help="The act's UTC day, which makes the search quick.", **DAY_FORMAT)
    ] = None,
    by: By = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Record that a person disputes an act by them or towards them, or that an account is theirs. Prints the objection's id.

    Example: clout person object github:ana --act 41 --why "not my account then"
    """
    from jobs.people import objections

    log(verbose)
    at = datetime.now(UTC)
    if act is not None and link is None:
        on = day.date() if day else None
        say(objections.record(_writable(sample), person, act, why, at=at, by=_by(by), day=on))
    elif link is not None and act is None:
        say(objections.record_link(_writable(sample), person, link, why, at=at, by=_by(by)))
    else:
        raise UsageError("say what the person disputes: --act ACT or --link PERSON")


def answer(
    objection: Annotated[
        str, typer.Argument(metavar="OBJECTION", help="The id that `person object` printed, or `open`.")
    ],
    text: Annotated[str, typer.Option("--answer", metavar="TEXT", help="What the person is answered.")],
    uphold: Annotated[bool, typer.Option("--uphold/--reject", help="Whether the act or link no longer counts.")],
    by: By = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Answer an objection, or with `open` the only one that is open. The act or link of an upheld one does not count from now
    on."""
    from jobs.people import objections
    from jobs.warehouse.links import of_accounts

    log(verbose)
    warehouse = _writable(sample)
    chosen = _only_open(warehouse) if objection == "open" else objection
    at = datetime.now(UTC)
    days = objections.answer(warehouse, chosen, text, upheld=uphold, at=at, by=_by(by))
    say(f"{chosen}: {'upheld' if uphold else 'rejected'}")
    if link := objections.link_of(warehouse, chosen):
        person, other = link
        theirs = of_accounts(at.date(), warehouse, [person]).with_account(person)
        if uphold and other in theirs:
            say(f"{', '.join(theirs)}: still one person by other links; `clout links {person}` lists them")
        say("published days that this changes: `clout stale`")
    if days:
        say(
            f"scores that count acts of {', '.join(map(str, days))} are stale; the DAG `repair` and `clout rescore` compute"
            " them again"
        )


def list_objections(as_json: Json = False, sample: Sample = False, verbose: Verbose = False) -> None:
    """List all objections and what became of them."""
    from jobs.warehouse import objections

    log(verbose)
    found = objections.current(open_to_read(sample))
    if as_json:
        display.print_json(found)
        return
    names = ("objection_id", "person_id", "kind", "day", "activity_id", "state", "why")
    display.print_table(
        "Objections",
        names,
        [[plain(row[name]) for name in names] for row in found],
        texts=names,
        foremost=("objection_id",),
    )


def request(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="forget or export.")],
    people: Annotated[list[str], typer.Argument(metavar="PERSON...", help="Each person_id of the person.")],
    asked: Annotated[
        datetime | None,
        typer.Option("--asked", help="UTC day on which the person asked; today if left out.", **DAY_FORMAT),
    ] = None,
    by: By = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Record that a person asks to be forgotten, or for their data. `forget` and `export` close the request.

    Example: clout person request forget github:dee --asked 2026-11-03
    """
    from jobs.people import requests

    log(verbose)
    now = datetime.now(UTC)
    requests.record(_writable(sample), kind, people, asked.date() if asked else now.date(), at=now, by=_by(by))


def list_requests(
    as_json: Json = False,
    overdue: Annotated[
        bool, typer.Option("--overdue", metavar=FLAG, help="Only those that are overdue; fail if there is one.")
    ] = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List what people asked for or objected to, when, and until when it is due (erase_by_days in infra/nights.yaml)."""
    from jobs.night_settings import nights
    from jobs.people import requests

    log(verbose)
    today = datetime.now(UTC).date()
    every = requests.listed(open_to_read(sample), nights().erase_by_days)
    found = [one for one in every if one.is_overdue(today) or not overdue]
    if as_json:
        display.print_json([one.__dict__ | {"overdue": one.is_overdue(today)} for one in found])
    else:
        names = ("request", "who", "asked", "due", "done", "overdue")
        cells = [
            (one.kind, plain(one.who), str(one.asked_on), str(one.due_on), f"{one.done_at:%Y-%m-%d}" if one.done_at else "",
             "overdue" if one.is_overdue(today) else "")
            for one in found
        ]  # fmt: skip
        display.print_table("Requests of people", names, cells, texts=names, foremost=("request", "due"))
    if overdue and found:
        raise CloutError(
            f"{len(found)} requests of people are overdue, the first since {found[0].due_on}; see infra/runbooks/leaving.md,"
            " for objections infra/runbooks/dispute.md"
        )


def _only_open(warehouse: "Warehouse") -> str:
    from jobs.warehouse import objections
    from schemas.objections import OPEN

    found = {row["objection_id"] for row in objections.current(warehouse) if row["state"] == OPEN}
    if len(found) != 1:
        raise UsageError(f"{len(found)} objections are open; name one that `clout person objections` lists")
    return str(found.pop())


def _writable(sample: bool) -> "Warehouse":
    warehouse = open_to_read(sample)
    warehouse.require_writable()
    return warehouse


def _by(name: str | None) -> str:

    return name or user()
