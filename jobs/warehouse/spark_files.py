"""Reads and writes a Delta table's data files with Spark. Only `deltalake` writes the log, so all commits come from one
library.

Spark reads and writes plain Parquet files, and its queries do not touch the log. So accelerators of Parquet scans work with
these queries.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING
from urllib.parse import unquote
from uuid import uuid4

import pyarrow as pa
from deltalake.transaction import AddAction
from pyarrow import fs

from jobs.warehouse import data_files, object_files
from jobs.warehouse.commits import Partition, as_text
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
        # The empty frame is made through Arrow, because Python rows would start a Python worker on every executor.
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
        added = [data_files.described(table, path, path.removeprefix(f"{staging}/"), files) for path in staged]
        _refuse_strangers(table, added, partition)
        for path, action in zip(staged, added, strict=True):
            object_files.make_folder(files, action.path.rpartition("/")[0])
            files.move(path, action.path)
    finally:
        # Spark may still write after an interrupt. `clout maintain` removes what is left.
        with suppress(OSError):
            if files.get_file_info(staging).type == fs.FileType.Directory:
                files.delete_dir(staging)
    yield added


def _refuse_strangers(table: Table, added: list[AddAction], partition: Partition) -> None:
    """Raises `ContractError` if a file lies outside the partition."""
    asked = as_text(partition)
    strange = [action.path for action in added for name in asked if action.partition_values[name] not in asked[name]]
    if strange:
        raise ContractError(f"{table.name}: rows of {strange[0].rpartition('/')[0]}, expected only {dict(asked)}")
