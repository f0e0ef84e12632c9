"""New data files of a table, by any writer: their log entries, made from their footers, and the commit that names them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from time import time
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction, RemoveAction
from pyarrow import fs

from jobs.warehouse.pruning import ABOUT
from schemas.delta import STATISTICS
from schemas.table import ContractError, Table


def described(table: Table, path: str, final: str, files: fs.FileSystem) -> AddAction:
    """The log entry of a new file that is now at `path` and will be at `final`, made from the file's footer. The folders in
    `final` name the file's partition. Raises `ContractError` if a column that the contract declares not null has nulls."""
    info = files.get_file_info(path)
    with files.open_input_file(path) as opened:
        footer = pq.read_metadata(opened)
    nulls = _nulls(footer)
    wrong = [
        f"{c.name}: {nulls[c.name]} nulls, expected 0" for c in table.columns if not c.nullable and nulls.get(c.name)
    ]
    if wrong:
        raise ContractError(f"{table.name}: " + "; ".join(wrong))
    values = dict(folder.split("=", 1) for folder in final.split("/")[:-1])
    return AddAction(
        path=final,
        size=info.size,
        partition_values={name: unquote(value) for name, value in values.items()},
        modification_time=info.mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps(_statistics(table, footer, nulls), default=_text),
    )


@dataclass(frozen=True)
class Change:
    """The files that a commit adds, and those that it removes (rows of `pruning.files`). If `changes_rows` is false, the added
    and the removed files hold the same rows."""

    added: Sequence[AddAction]
    removed: pa.Table
    changes_rows: bool = True


def commit(delta: DeltaTable, change: Change, metadata: str, *, retries: int | None) -> None:
    """Makes the change in one commit. If the table is newer than the version at which `delta` was opened, deltalake itself
    retries up to `retries` times (None: its default). Raises `CommitFailedError` if these retries fail."""
    now = int(time() * 1000)
    changes = change.changes_rows
    names = [name for name in change.removed.column_names if name not in ABOUT]
    added = [replace(action, data_change=changes) for action in change.added]
    removals = [
        RemoveAction(unquote(row["path"]), changes, now, row["size_bytes"], {name: str(row[name]) for name in names})
        for row in change.removed.to_pylist()
    ]
    counts = {"num_added_files": len(added), "num_removed_files": len(removals)}  # `delta_log.commit_fault` checks them
    delta.create_write_transaction(
        [*added, *removals],
        "append",  # "overwrite" would choose the removed files by itself
        delta.schema(),
        partition_by=delta.metadata().partition_columns,
        commit_properties=CommitProperties(
            custom_metadata={"userMetadata": metadata, "operationMetrics": counts}, max_commit_retries=retries
        ),
    )


def _nulls(footer: pq.FileMetaData) -> dict[str, int]:
    counts: dict[str, int] = {}
    for column in _columns(footer):
        counts[column.path_in_schema] = counts.get(column.path_in_schema, 0) + column.statistics.null_count
    return counts


def _columns(footer: pq.FileMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    for group in range(footer.num_row_groups):
        yield from map(footer.row_group(group).column, range(footer.num_columns))


def _statistics(table: Table, footer: pq.FileMetaData, nulls: Mapping[str, int]) -> dict[str, Any]:
    """The file's statistics for the log: its row count, and the least value, greatest value and null count of each column that
    readers filter by. Parquet knows no bounds of very long texts, nor of columns of nulls."""
    bounds: dict[str, list[Any]] = {name: [] for name in STATISTICS[table.name]}
    unknown = set()
    for column in _columns(footer):
        if column.path_in_schema in bounds:
            if column.statistics.has_min_max:
                bounds[column.path_in_schema] += [column.statistics.min, column.statistics.max]
            elif column.statistics.null_count < column.num_values:
                unknown.add(column.path_in_schema)
    return {
        "numRecords": footer.num_rows,
        "minValues": {name: min(values) for name, values in bounds.items() if values and name not in unknown},
        "maxValues": {name: max(values) for name, values in bounds.items() if values and name not in unknown},
        "nullCount": {name: nulls[name] for name in bounds if name in nulls},
    }


def _text(value: date | datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")
