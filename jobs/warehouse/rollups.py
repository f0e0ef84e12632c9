"""Monthly copies, which make histories and accounts faster to read: finds the copies that still match the files of their days.

A copy's partition names its `month` and its `basis`, a digest of the names of the files that it was made from. File names are
never reused. So a copy whose basis matches the current files is valid, and readers ignore any other. Only the log is read.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from deltalake import DeltaTable

from jobs.days import month_of
from jobs.warehouse import pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.table import Table

BASIS_LENGTH = 32  # hexadecimal digits: 128 bits

Files = list[tuple[date, str]]  # day and path


@dataclass(frozen=True)
class RollUps:
    """Monthly copies of a methodology that match, at a version of their table. `bases`: month -> basis."""

    methodology: str
    version: int
    bases: Mapping[date, str]

    @property
    def partition(self) -> Partition:
        """The partitions of these months."""
        return {"methodology": self.methodology, "month": tuple(self.bases), "basis": tuple(self.bases.values())}

    def outside(self, days: Iterable[date]) -> tuple[date, ...]:
        """Those of the days that are outside these months."""
        return tuple(day for day in days if month_of(day) not in self.bases)


def files(tables: Iterable[DeltaTable], partition: Partition | None = None) -> Files:
    """The data files of these tables, ordered by day and path."""
    parts = [pruning.files(table, partition).select(["day", "path"]) for table in tables]
    ordered = pa.concat_tables(parts).sort_by([("day", "ascending"), ("path", "ascending")])
    return list(zip(ordered["day"].to_pylist(), ordered["path"].to_pylist(), strict=True))


def by_month(of: Files, *, cumulative: bool) -> dict[date, str]:
    """Month -> basis of its files, or, if cumulative, of all files up to its end. Months without files are absent."""
    bases: dict[date, str] = {}
    running = hashlib.sha256()
    for day, path in of:
        month = month_of(day)
        if month not in bases and not cumulative:
            running = hashlib.sha256()
        running.update(f"{path}\n".encode())
        bases[month] = running.hexdigest()[:BASIS_LENGTH]
    return bases


def bases_of_copies(
    warehouse: Warehouse, table: Table, partition: Partition | None = None, version: int | None = None
) -> dict[date, set[str]]:
    """Month -> the bases of its copies, at a version of the table if given."""
    bases: dict[date, set[str]] = {}
    for row in pruning.files(warehouse.delta(table, version), partition).select(["month", "basis"]).to_pylist():
        bases.setdefault(row["month"], set()).add(row["basis"])
    return bases
