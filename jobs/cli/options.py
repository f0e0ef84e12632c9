"""Options that several commands share, and functions that resolve their values."""

import logging
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.days import ONE_DAY, start_of
from jobs.errors import UsageError
from jobs.places import warehouse_root
from jobs.sources.spec import SourceSpec, are_simulated
from jobs.sources.types import TYPES

if TYPE_CHECKING:
    from jobs.warehouse.storage import Warehouse
    from schemas.methodology import Methodology

FLAG = ""  # the metavar of an option that takes no value
DAY_FORMAT = {"formats": ["%Y-%m-%d"], "metavar": "YYYY-MM-DD"}
Day = Annotated[datetime, typer.Option("--day", help="UTC day.", **DAY_FORMAT)]
AnyDay = Annotated[
    datetime | None, typer.Option("--day", help="UTC day; the newest published one if left out.", **DAY_FORMAT)
]
FirstDay = Annotated[datetime | None, typer.Option(help="First UTC day of the range.", **DAY_FORMAT)]
LastDay = Annotated[datetime | None, typer.Option(help="Last UTC day of the range, included.", **DAY_FORMAT)]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="[ID:]TYPE[@PLATFORM]=WHERE",
        help=f"What to pull; can be repeated. Types: {', '.join(TYPES)}."
        " The same ID twice is several files of one source.",
    ),
]
Json = Annotated[bool, typer.Option("--json", metavar=FLAG, help="JSON instead of a table.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who records it; your user name if left out.")]
Version = Annotated[
    str | None,
    typer.Option("--methodology", metavar="VERSION", help="Methodology; the official one of the day if left out."),
]
EngineName = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="auto|memory|spark|graphframes",
        help="What adds the messages; all give the same scores. `auto`: memory if the pairs fit, else spark.",
    ),
]
RejectShare = Annotated[
    float,
    typer.Option(
        min=0, max=1, metavar="SHARE", help="A pull fails if more than this share of the lines read is rejected."
    ),
]
Why = Annotated[str | None, typer.Option(metavar="TEXT", help="The reason, for the table `publications`.")]
LookedUpWhy = Annotated[
    str | None, typer.Option("--why", metavar="TEXT", help="Why you look at the person, for the table `lookups`.")
]
Accept = Annotated[
    str | None,
    typer.Option(
        metavar="WHY",
        help="Accept a day that is outside its bounds, for this reason; it is stored with the publication.",
    ),
]
Sample = Annotated[
    bool,
    typer.Option("--sample", metavar=FLAG, help="Use the simulation's warehouse even if one with real data exists."),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", metavar=FLAG, help="Log every step, and show tracebacks.")]


def log(verbose: bool) -> None:
    """Turns on debug logs of `jobs` if `verbose`. Both the program and its commands call it, since both accept `--verbose`."""
    if verbose:
        logging.getLogger("jobs").setLevel(logging.DEBUG)


def refuse_not_begun(day: date, now: datetime) -> None:
    """Raises `UsageError` if the UTC day has not begun at `now`."""
    if now < start_of(day):
        raise UsageError(
            f"{day} has not begun: it is {now:%Y-%m-%d %H:%M} UTC. The newest day that is over is"
            f" {now.date() - ONE_DAY}"
        )


def methodology_of(version: str | None, day: date) -> "Methodology":
    """The methodology of this version or, if None, the official one of the day. Raises `MethodologyError` if there is none."""
    from schemas.methodology import load
    from schemas.versions import official

    return load(version or official(day))


def root_of(sample: bool) -> str:
    """The root of the warehouse to read: the simulation's if `sample` is set or no warehouse with real data exists, else the
    latter's. A warehouse at a URL counts as existing."""
    real = warehouse_root(simulated=False)
    has_real_data = "://" in real or (Path(real) / "scores").exists()
    return warehouse_root(simulated=sample or not has_real_data)


InAdvance = Annotated[
    bool,
    typer.Option(
        "--in-advance",
        metavar=FLAG,
        help="The warehouse does not know this person yet, and that is no slip of the keyboard.",
    ),
]


def open_to_read(sample: bool) -> "Warehouse":
    """Opens the existing warehouse that `root_of` names. Raises `UsageError` if there is none, or if another version of clout
    made it."""
    from jobs.warehouse.storage import Warehouse

    warehouse = Warehouse(root_of(sample))
    if not warehouse.exists():
        raise UsageError(f"{warehouse.root}: no warehouse here yet; run `clout run` first, or set CLOUT_WAREHOUSE")
    warehouse.require_current()
    return warehouse


def warehouse_of(specs: tuple[SourceSpec, ...]) -> str:
    """The root of the warehouse for these sources. Raises the errors of `are_simulated`."""
    return warehouse_root(simulated=are_simulated(specs))
