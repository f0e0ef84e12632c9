"""Reads and writes a Delta table's data files with Spark. Only `deltalake` writes the log, so tables have one kind of writer.

Spark sees plain Parquet files: it plans no query over the log, and an accelerator of Parquet scans can take them.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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

STAGING = (
    "staging"  # below a table: files of writes that have not ended. `clout maintain` removes those of killed runs.
)


def frame(session: "SparkSession", table: Table, root: str, chosen: pa.Table) -> "DataFrame":
    """The rows of the `chosen` files (as `pruning.files` returns them) below the table's root, in the contract's columns.
    Columns that an older file lacks are null."""
    from schemas import arrow, spark

    paths = [f"{root}/{unquote(path)}" for path in chosen["path"].to_pylist()]
    if not paths:
        return session.createDataFrame(
            arrow.schema(table).empty_table()
        )  # not from a list, for which executors need Python
    # Partition columns are in the folders' names. Without the option, names with brackets would be patterns.
    reader = session.read.schema(spark.schema(table)).option("basePath", root).option("__globPaths__", "false")
    return reader.parquet(*paths).select(*table.column_names)


@contextmanager
def written(
    table: Table, rows: "DataFrame", partition: Partition, root: str, files: fs.FileSystem
) -> Iterator[list[AddAction]]:
    """Writes the rows as new files of the table and yields them, for the block to commit. `root` is the table's folder for
    Spark; `files` is rooted there.

    Raises `ContractError` if a column that the contract declares not null has nulls, or a row lies outside the partition.
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
        if files.get_file_info(staging).type == fs.FileType.Directory:
            files.delete_dir(staging)
    yield added


def commit(table: Table, delta: DeltaTable, added: list[AddAction], partition: Partition, metadata: str) -> None:
    """Replaces the partition's files by the added ones, in one commit on top of `delta` as opened. Raises `CommitFailedError`
    if the table has changed since: deltalake would retry, but does not look at the partition."""
    filters = [(name, "in", values) for name, values in as_text(partition).items()]
    removed = pruning.files(delta, partition).num_rows
    counts = {"num_added_files": len(added), "num_removed_files": removed}  # which `delta_log` compares with the commit
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
    """The log's description of a file, from its footer."""
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
    """What the log keeps of a file: its rows, and bounds of the columns that readers filter by."""
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
    asked = as_text(partition)
    strange = [action.path for action in added for name in asked if action.partition_values[name] not in asked[name]]
    if strange:
        raise ContractError(f"{table.name}: rows of {strange[0].rpartition('/')[0]}, expected only {dict(asked)}")
