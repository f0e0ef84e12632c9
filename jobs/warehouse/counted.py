"""The rows of `activity` and `accounts` that count: those of the pulls that `coverage` names. Everybody reads them here.

A row counts where a coverage row of its platform, day and source names its pull; null names the rows of earlier versions of
clout. What was read together is one `Snapshot`: a pull that lands in between is seen whole or not at all.
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
    """Versions of tables that belong together: all rows of the pulls that count at `coverage` are in `activity` and
    `accounts`."""

    coverage: int
    activity: int
    accounts: int
    engagement: int

    @property
    def versions(self) -> dict[str, int]:
        """Table's name -> version, for the manifest."""
        return asdict(self)


def snapshot(warehouse: Warehouse) -> Snapshot:
    """The tables as they are now. A pull adds its rows before `coverage` names it and removes superseded rows after, so what is
    read between two looks at the same version of `coverage` belongs to it."""
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
    """The platforms that anything was pulled of up to the day, as the log alone says."""
    upto = {"day": Span(date.min, last_day)}
    opened = (warehouse.delta(ACTIVITY, snapshot.activity), warehouse.delta(ACCOUNTS, snapshot.accounts))
    return {name for delta in opened for name in pc.unique(pruning.files(delta, upto)["platform"]).to_pylist()}


def rows(
    warehouse: Warehouse,
    table: Table,
    version: int,
    coverage: int,
    first_day: date = date.min,
    last_day: date = date.max,
) -> ds.Dataset:
    """The rows of these days that count, for Arrow and DuckDB to scan in a stream; both versions are of one snapshot."""
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
    """As `rows`, as a Spark frame."""
    from pyspark.sql import functions as F

    every = warehouse.frame(session, table, version).alias("every")
    named = F.broadcast(session.createDataFrame(_named(warehouse, coverage, first_day, last_day))).alias("named")
    same = [F.col(f"every.{name}").eqNullSafe(F.col(f"named.{name}")) for name in NAMES]
    # As text: a year below 1000 does not survive the way of a Python date to the JVM.
    in_days = f"day between date '{first_day}' and date '{last_day}'"
    return every.where(in_days).join(named, same, "left_semi")


def _named(warehouse: Warehouse, coverage: int, first_day: date, last_day: date) -> pa.Table:
    """The coverage rows of these days: platform, day, source, pull."""
    return warehouse.read(COVERAGE, {"day": Span(first_day, last_day)}, columns=NAMES, version=coverage)


def condition(named: pa.Table) -> pc.Expression:
    """Which rows count where `coverage` holds these rows (platform, day, source, pull). The id of a pull is of one source and
    day, so it alone says where its rows are."""
    counts = pc.field("pull").isin(pc.drop_null(pc.unique(named["pull"])))
    unnamed: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in named.filter(pc.is_null(named["pull"])).to_pylist():
        unnamed[row["platform"], row["source"]].append(row["day"])
    for (platform, source), days in sorted(unnamed.items()):
        of_source = (pc.field("platform") == platform) & (pc.field("source") == source)
        counts = counts | (pc.field("pull").is_null() & of_source & pc.field("day").isin(pa.array(days, pa.date32())))
    return counts
