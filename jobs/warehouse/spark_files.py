"""Reads and writes a Delta table's data files with Spark. Only `deltalake` writes the log, so all commits come from one
library.

Spark reads and writes plain Parquet files. Its queries do not touch the log, and accelerators of Parquet scans work on them.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.transaction import AddAction
from pyarrow import fs

from jobs.warehouse import pruning
from jobs.warehouse.commits import Partition, as_text
from schemas.delta import STATISTICS
from schemas.table import ContractError, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Folder of a table for the files of unfinished writes. `clout maintain` removes what killed runs leave there.
STAGING = "staging"


def frame(session: "SparkSession", table: Table, root: str, chosen: pa.Table) -> "DataFrame":
    """The rows of the `chosen` files (rows of `pruning.files`) in the contract's columns. `root` is the table's folder or URL
    for Spark. Columns that an older file lacks are null."""
    from schemas import arrow, spark

    paths = [f"{root}/{unquote(path)}" for path in chosen["path"].to_pylist()]
    if not paths:
        # Through Arrow: Python rows would start a Python worker on every executor.
        return session.createDataFrame(arrow.schema(table).empty_table())
    # Partition columns are in the folders' names. With globbing, Spark would take a name with brackets for a pattern.
    reader = session.read.schema(spark.schema(table)).option("basePath", root).option("__globPaths__", "false")
    return reader.parquet(*paths).select(*table.column_names)


@contextmanager
def written(
    table: Table, rows: "DataFrame", partition: Partition, root: str, files: fs.FileSystem
) -> Iterator[list[AddAction]]:
    """Writes the rows as new files of the table. Yields the log entries of these files, for the block to commit. `root` is the
    table's folder or URL for Spark, `files` the same folder as a file system. `partition` may name only partition columns.

    Raises `ContractError` if a column that the contract declares not null has nulls, or if a row lies outside the partition. If
    the block does not commit the files, no reader sees them, and `clout maintain` removes them later.
    """
    staging = f"{STAGING}/{uuid4().hex}"
    try:
        rows.write.partitionBy(*table.partition_by).parquet(f"{root}/{staging}")
        found = files.get_file_info(fs.FileSelector(staging, recursive=True))
        staged = sorted(each.path for each in found if each.path.endswith(".parquet"))
        added = [_described(table, path, staging, files) for path in staged]
        _refuse_strangers(table, added, partition)
        for path, action in zip(staged, added, strict=True):
            files.create_dir(action.path.rpartition("/")[0])
            files.move(path, action.path)
    finally:
        # Spark may still write after an interrupt. `clout maintain` removes what is left.
        with suppress(OSError):
            if files.get_file_info(staging).type == fs.FileType.Directory:
                files.delete_dir(staging)
    yield added


def commit(table: Table, delta: DeltaTable, added: list[AddAction], partition: Partition, metadata: str) -> None:
    """Replaces the partition's files with the `added` files, in one commit on the version at which `delta` was opened. Raises
    `CommitFailedError` if the table has a newer version. deltalake's own retry is off, because it does not check whether the
    newer commits changed the partition."""
    filters = [(name, "in", values) for name, values in as_text(partition).items()]
    removed = pruning.files(delta, partition).num_rows
    counts = {"num_added_files": len(added), "num_removed_files": removed}  # `delta_log.commit_fault` checks them
    delta.create_write_transaction(
        [*added],
        "overwrite",
        delta.schema(),
        partition_by=list(table.partition_by),
        partition_filters=filters,
        commit_properties=CommitProperties(
            custom_metadata={"userMetadata": metadata, "operationMetrics": counts}, max_commit_retries=0
        ),
    )


def _described(table: Table, path: str, staging: str, files: fs.FileSystem) -> AddAction:
    """The log entry of a new file, made from the file's footer. Raises `ContractError` if a column that the contract declares
    not null has nulls."""
    info = files.get_file_info(path)
    with files.open_input_file(path) as opened:
        footer = pq.read_metadata(opened)
    nulls = _nulls(footer)
    wrong = [
        f"{c.name}: {nulls[c.name]} nulls, expected 0" for c in table.columns if not c.nullable and nulls.get(c.name)
    ]
    if wrong:
        raise ContractError(f"{table.name}: " + "; ".join(wrong))
    final = path.removeprefix(f"{staging}/")
    values = dict(folder.split("=", 1) for folder in final.split("/")[:-1])
    return AddAction(
        path=final,
        size=info.size,
        partition_values={name: unquote(value) for name, value in values.items()},
        modification_time=info.mtime_ns // 1_000_000,
        data_change=True,
        stats=json.dumps(_statistics(table, footer, nulls)),
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
    readers filter by."""
    bounds: dict[str, list[Any]] = {name: [] for name in STATISTICS[table.name]}
    for column in _columns(footer):
        if column.path_in_schema in bounds and column.statistics.has_min_max:
            bounds[column.path_in_schema] += [column.statistics.min, column.statistics.max]
    return {
        "numRecords": footer.num_rows,
        "minValues": {name: min(values) for name, values in bounds.items() if values},
        "maxValues": {name: max(values) for name, values in bounds.items() if values},
        "nullCount": {name: nulls[name] for name in bounds if name in nulls},
    }


def _refuse_strangers(table: Table, added: list[AddAction], partition: Partition) -> None:
    """Raises `ContractError` if a file lies outside the partition."""
    asked = as_text(partition)
    strange = [action.path for action in added for name in asked if action.partition_values[name] not in asked[name]]
    if strange:
        raise ContractError(f"{table.name}: rows of {strange[0].rpartition('/')[0]}, expected only {dict(asked)}")
