"""Commands for what people may ask of the operator: to be forgotten, or to get everything that is held about them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from jobs.causes import cause
from jobs.cli import asking, display, looking
from jobs.cli.display import say
from jobs.cli.options import InAdvance, LookedUpWhy, Sample, Verbose, log, open_to_read
from jobs.errors import UsageError
from jobs.user import user
from schemas.requests import EXPORT, FORGET

person = typer.Typer(
    name="person",
    help="What people may ask for: their data, to be forgotten, that an act no longer counts.",
    no_args_is_help=True,
)

person.command("object")(asking.object_to)
person.command("answer")(asking.answer)
person.command("objections")(asking.list_objections)
person.command("request")(asking.request)
person.command("requests")(asking.list_requests)


@person.command()
def forget(
    people: Annotated[
        list[str] | None, typer.Argument(metavar="PERSON...", help="Each person_id of the person.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option("--name", metavar="NAME", help="A further handle of theirs; can be repeated."),
    ] = None,
    from_file: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="Forget everybody in this file, which has one person_id a line."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the certificate (JSON); else it is printed.")
    ] = None,
    in_advance: InAdvance = False,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="After you restored a backup: forget everybody in this journal again."),
    ] = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Erase people from every table, recording and replaced file, and never record them again.

    Many people at once cost hardly more than one: each file that names them is written anew once. Let no other command write at
    the same time. Needs CLOUT_SUPPRESSION_KEYS; see infra/runbooks/leaving.md. If interrupted, run the same command again. For
    somebody who wants never to be scored, add --in-advance."""
    import json

    from jobs import leaving as job
    from jobs.files import appearing
    from jobs.people import presence, requests
    from jobs.warehouse.runs import Batch

    log(verbose)
    everybody = (*(people or ()), *(_listed(from_file) if from_file else ()))
    if bool(everybody) == bool(replay):
        raise UsageError("give each person_id of a person, --from FILE or --replay FILE")
    at = datetime.now(UTC)
    params = job.Params(people=everybody, names=tuple(name or ()), at=at)
    warehouse = open_to_read(sample)
    warehouse.require_writable()
    batch = Batch(f"forget {at}")
    if replay:
        made = job.replay(warehouse, replay, at, batch)
    else:
        if not in_advance:
            presence.require(warehouse, params.people)
        made = job.forget(warehouse, params, batch)
        requests.done(warehouse, FORGET, params.people, at=at, by=user())
    if certificate is None:
        display.print_json(made)
        return
    with appearing(certificate) as part:
        part.write_text(json.dumps(made, default=str, indent=1) + "\n", encoding="utf-8")
    say(f"forgotten: {sum(made['rows_removed'].values()):,} rows removed, no trace in {made['files_searched']:,} files")
    say(f"certificate: {certificate}")


def _listed(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read ({cause(error)})") from error
    return [line.strip() for line in lines if line.strip()]


@person.command()
def export(
    people: Annotated[list[str], typer.Argument(metavar="PERSON...", help="Each person_id of the person.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder for `person.json` and a CSV file per table.")],
    in_advance: InAdvance = False,
    why: LookedUpWhy = None,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """Write everything that is held about a person: their rows of every table, and the recorded items that name them. The
    look is recorded in `lookups`.

    Example: clout person export mastodon.example:42 --to for-the-person
    """
    from jobs import holdings as job
    from jobs.people import presence, requests
    from jobs.report import page

    log(verbose)
    warehouse = open_to_read(sample)
    if not in_advance:
        presence.require(warehouse, people)
    held = job.export(warehouse, tuple(people), page.folder(to))
    looking.record(warehouse, people, "export", why)
    requests.done(warehouse, EXPORT, people, at=datetime.now(UTC), by=user())
    say(f"{to}: {sum(held.values()):,} rows and items about the person")
    for name, count in held.items():
        say(f"  {name:16} {count:>10,}")
