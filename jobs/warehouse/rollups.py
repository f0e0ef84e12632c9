"""Copies of months of history, made for speed: which of them still hold what the days' own files hold.

A copy's partition names its `month` and its `basis`, a digest of the names of the files that it was made from. File names are
never used twice, so a copy whose basis is that of today's files is right, and any other is passed over. The log alone decides.
"""

import hashlib
from collections.abc import Iterable
from datetime import date

import pyarrow as pa
from deltalake import DeltaTable

from jobs.days import ONE_DAY
from jobs.warehouse import pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.table import Table

BASIS_LENGTH = 32  # hexadecimal digits: 128 bits

Files = list[tuple[date, str]]  # day and path


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def end_of(month: date) -> date:
    """The last day of a month that is given by its first."""
    return month_of(month + 31 * ONE_DAY) - ONE_DAY


def files(tables: Iterable[DeltaTable], partition: Partition | None = None) -> Files:
    """The data files of these tables in order of day and name."""
    found = [pruning.files(table, partition).select(["day", "path"]) for table in tables]
    ordered = pa.concat_tables(found).sort_by([("day", "ascending"), ("path", "ascending")])
    return list(zip(ordered["day"].to_pylist(), ordered["path"].to_pylist(), strict=True))


def by_month(of: Files, *, cumulative: bool) -> dict[date, str]:
    """Month -> basis of its files, or of all files up to its end; of months that have files."""
    found: dict[date, str] = {}
    running = hashlib.sha256()
    for day, path in of:
        month = month_of(day)
        if month not in found and not cumulative:
            running = hashlib.sha256()
        running.update(f"{path}\n".encode())
        found[month] = running.hexdigest()[:BASIS_LENGTH]
    return found


def there(warehouse: Warehouse, table: Table, partition: Partition | None = None) -> dict[date, set[str]]:
    """Month -> the bases of its copies."""
    found: dict[date, set[str]] = {}
    for row in pruning.files(warehouse.delta(table), partition).select(["month", "basis"]).to_pylist():
        found.setdefault(row["month"], set()).add(row["basis"])
    return found
