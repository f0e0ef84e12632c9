"""Measures what the roll-ups of months save a night: `clout influence` of one day whose window of 180 days is covered, under a
methodology without roll-ups, under one that first makes them, and under the same once they are there.

Each actor engages with the same few people again and again, as people do. So a month holds fewer pairs than its days hold rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from tempfile import TemporaryDirectory

import duckdb
import graphs
import grounds
from history_tables import append, coverage_row, rows_of, run_row
from measuring import Command
from pipeline import CLOUT
from records import Measured
from rich.table import Table

from jobs import monthly_weights
from jobs.days import days_between
from jobs.warehouse.pruning import files
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window, digests_of_days
from schemas import arrow
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.runs import RUNS

DAY = date(2026, 12, 15)  # the window's first month ends after 13 days, its last one is at its 15th
AT_ONCE, BY_MONTH = "2026.11", "2026.12.1"
ACTORS, FRIENDS = 40_000, 8
ROWS = 40_000  # of engagement a day

ACTS = f"""
    select date '{{day}}' as day, 'github:' || actor as src, 'github:' || ((actor + 1 + friend * friend) % {ACTORS}) as dst,
        'github' as platform, 'reply' as kind, count(*) as act_count
    from (
        select hash(number, '{{day}}', 1) % {ACTORS} as actor, hash(number, '{{day}}', 2) % {FRIENDS} as friend
        from range({ROWS}) as numbers(number)
    )
    group by all
"""


@dataclass
class Figure:
    """A night's command `influence`, and what it reads of the window: files and rows of `engagement` and `monthly_weights`."""

    way: str
    seconds: float
    processor_s: float
    files: int
    rows: int
    name: str = "months"


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per way, each on the warehouse that the one before left."""
    with TemporaryDirectory(dir=graphs.folder()) as folder:
        warehouse = Warehouse(f"{folder}/warehouse")
        _make(warehouse)
        for way, version in (("all days", AT_ONCE), ("makes roll-ups", BY_MONTH), ("reads roll-ups", BY_MONTH)):
            reads = _reads(warehouse, version)
            command = (CLOUT, "influence", "--day", str(DAY), "--methodology", version)
            ran = Command(*command, CLOUT_WAREHOUSE=warehouse.root)
            yield Figure(way, ran.seconds, ran.processor_s, *reads)


def _make(warehouse: Warehouse) -> None:
    """Writes the window's engagement, as pulled and counted by nights before."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    days = days_between(load(AT_ONCE).first_day(DAY) - timedelta(days=1), DAY)
    covered = [coverage_row(day) for day in days]
    digests = digests_of_days(covered)
    append(warehouse, COVERAGE, [rows_of(COVERAGE, covered)])
    append(warehouse, RUNS, [rows_of(RUNS, [run_row("engagement", day, digests) for day in days])])
    with duckdb.connect() as db:
        for day in days:
            acts = db.sql(ACTS.format(day=day)).to_arrow_table()
            append(warehouse, ENGAGEMENT, [acts.cast(arrow.schema(ENGAGEMENT))])


def _reads(warehouse: Warehouse, version: str) -> tuple[int, int]:
    """The files and rows that a night would read of the window."""
    window = counted_window(warehouse, DAY, load(version))
    roll_ups = monthly_weights.matching(warehouse, window)
    places = ((ENGAGEMENT, {"day": roll_ups.outside(window.days)}), (MONTHLY_WEIGHTS, roll_ups.partition))
    file_count = sum(files(warehouse.delta(table), place).num_rows for table, place in places)
    return file_count, sum(warehouse.row_count(table, place) for table, place in places)


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields what a night with roll-ups costs, beside the same night without."""
    *_, last = figures
    for what, unit, column in (
        ("processor time of influence", "s", "processor_s"),
        ("files read", "files", "files"),
        ("rows read", "rows", "rows"),
    ):
        peers = {figure.way: float(getattr(figure, column)) for figure in figures[:-1]}
        yield Measured(name=last.name, what=what, value=getattr(last, column), unit=unit, peers=peers)


def table(figures: list[Figure]) -> Table:
    """A row per way."""
    shown = Table(title=f"influence of one day, from a window of 180 days of {ROWS:,} acts each")
    for head in ("", "processor s", "wall s", "files", "rows"):
        shown.add_column(head, justify="left" if not head else "right")
    for figure in figures:
        seconds = (f"{figure.processor_s:.1f}", f"{figure.seconds:.1f}")
        shown.add_row(figure.way, *seconds, f"{figure.files:,}", f"{figure.rows:,}")
    return shown
