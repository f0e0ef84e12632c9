"""The rows of `activity` and `accounts` that count: those of the pulls named in `coverage`. All jobs read these tables through
this module.

A row counts if the coverage row of its platform, day and source names its pull. A null pull marks rows of earlier versions of
clout. The table versions of one `Snapshot` belong together: they contain a concurrent pull completely or not at all.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.warehouse import pruning
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import LostRaceError, Warehouse, repeated
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAMES = ("platform", "day", "source", "pull")


@dataclass(frozen=True)
class Snapshot:
    """Table versions that belong together: `activity` and `accounts` hold all rows of the pulls that count at `coverage`."""

    coverage: int
    activity: int
    accounts: int
    engagement: int

    @property
    def versions(self) -> dict[str, int]:
        """Table name -> version, for a row of `runs`."""
        return asdict(self)


def snapshot(warehouse: Warehouse) -> Snapshot:
    """The current table versions. A pull adds its rows before `coverage` names it and removes superseded rows afterwards. So if
    `coverage` has the same version before and after the other versions are read, all belong together. Raises `LostRaceError` if
    `coverage` changes on every try."""
    for attempt in repeated(LostRaceError):
        with attempt:
            coverage = warehouse.version(COVERAGE)
            others = [warehouse.version(table) for table in (ACTIVITY, ACCOUNTS, ENGAGEMENT)]
            if warehouse.version(COVERAGE) != coverage:
                raise LostRaceError(
                    f"coverage: changed from version {coverage} again and again while tables were opened"
                )
    return Snapshot(coverage, *others)


def platforms(warehouse: Warehouse, snapshot: Snapshot, last_day: date) -> set[str]:
    """The platforms with any pulled rows up to the day, read from the log alone."""
    upto = {"day": Span(date.min, last_day)}
    opened = (warehouse.delta(ACTIVITY, snapshot.activity), warehouse.delta(ACCOUNTS, snapshot.accounts))
    return {name for delta in opened for name in pc.unique(pruning.files(delta, upto)["platform"]).to_pylist()}


def dataset(
    warehouse: Warehouse,
    table: Table,
    version: int,
    coverage: int,
    first_day: date = date.min,
    last_day: date = date.max,
) -> ds.Dataset:
    """The rows of these days that count, for Arrow and DuckDB to stream. Both versions must be from one snapshot."""
    named = _named(warehouse, coverage, first_day, last_day)
    days = {"day": Span(first_day, last_day)}
    return warehouse.dataset(table, days, version=version).filter(condition(named))


def frame(
    session: "SparkSession",
    warehouse: Warehouse,
    table: Table,
    version: int,
    coverage: int,
    first_day: date = date.min,
    last_day: date = date.max,
) -> "DataFrame":
    """Like `dataset`, as a Spark frame."""
    from pyspark.sql import functions as F

    pulls, unnamed = _pulls(_named(warehouse, coverage, first_day, last_day))
    counts = F.col("pull").isin(pulls)
    for (platform, source), days in unnamed:
        counts |= (
            F.isnull("pull") & (F.col("platform") == platform) & (F.col("source") == source) & F.col("day").isin(days)
        )
    return warehouse.frame(session, table, {"day": Span(first_day, last_day)}, version=version).where(counts)


def _named(warehouse: Warehouse, coverage: int, first_day: date, last_day: date) -> pa.Table:
    """Columns platform, day, source and pull of the coverage rows of these days."""
    return warehouse.read(COVERAGE, {"day": Span(first_day, last_day)}, columns=NAMES, version=coverage)


def condition(named: pa.Table) -> pc.Expression:
    """A filter on the rows that count, given these rows of `coverage` (platform, day, source, pull). A pull's id belongs to one
    source and day, so it alone identifies its rows."""
    pulls, unnamed = _pulls(named)
    counts = pc.field("pull").isin(pa.array(pulls, pa.string()))
    for (platform, source), days in unnamed:
        of_source = (pc.field("platform") == platform) & (pc.field("source") == source)
        counts = counts | (pc.field("pull").is_null() & of_source & pc.field("day").isin(pa.array(days, pa.date32())))
    return counts


def _pulls(named: pa.Table) -> tuple[list[str], list[tuple[tuple[str, str], list[date]]]]:
    """The pulls that count, and ((platform, source), days) of the coverage rows whose pull is null."""
    unnamed: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in named.filter(pc.is_null(named["pull"])).to_pylist():
        unnamed[row["platform"], row["source"]].append(row["day"])
    return sorted(pc.drop_null(pc.unique(named["pull"])).to_pylist()), sorted(unnamed.items())
