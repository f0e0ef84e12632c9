"""Records looks at one person, for every command that shows one person, and lists these records (`clout lookups`)."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.cli import display
from jobs.cli.options import Json, Sample, Verbose, log, open_to_read
from jobs.labels import plain
from jobs.user import user

if TYPE_CHECKING:
    from jobs.warehouse.storage import Warehouse


def record(warehouse: "Warehouse", people: Sequence[str], command: str, why: str | None) -> None:
    """Records a look at each of the people (`person_id`). Warns if the warehouse cannot be written."""
    from jobs.people import lookups

    at = datetime.now(UTC)
    if not all(lookups.record(warehouse, person, command, at=at, by=user(), why=why) for person in people):
        display.complain("clout: this look is not recorded in `lookups`, because the warehouse cannot be written")


def lookups(
    person: Annotated[
        str | None, typer.Argument(metavar="PERSON", help="person_id: only looks at this person.")
    ] = None,
    as_json: Json = False,
    sample: Sample = False,
    verbose: Verbose = False,
) -> None:
    """List who looked at one person, when and why, the newest first."""
    from jobs.people import lookups as people

    log(verbose)
    found = people.recorded(open_to_read(sample), person)
    if as_json:
        display.print_json(found)
        return
    names = ("when (UTC)", "by", "person", "command", "why")
    cells = [
        (
            f"{row['looked_at']:%Y-%m-%d %H:%M}",
            *(plain(row[name]) for name in ("looked_by", "person_id", "command", "why")),
        )
        for row in found.to_pylist()
    ]
    display.print_table("Looks at one person", names, cells, texts=names, foremost=("person", "by", "when (UTC)"))
