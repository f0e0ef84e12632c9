"""Tables on disk or in an object store: every job reads and writes rows through `Warehouse`.

Every table is a Delta table under one root. Arrow and Spark write only data files. `deltalake`, which needs no JVM, makes every
commit, after the files that the commit names were flushed. A write is one commit that names its run.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.transaction import AddAction
from pyarrow import fs

from jobs import object_store
from jobs.causes import cause
from jobs.errors import CloutError, GoneError, UsageError
from jobs.warehouse import arrow_writer, compaction, creation, data_files, delta_log, object_files, pruning, spark_files
from jobs.warehouse.arrow_writer import PLAIN, Layout
from jobs.warehouse.commits import Partition
from jobs.warehouse.data_files import Change
from jobs.warehouse.opened import Opened, opened
from jobs.warehouse.races import LostRaceError, RearrangedError, repeated
from jobs.warehouse.rewriting import Rewriting
from jobs.warehouse.small_files import contents as small_contents
from jobs.warehouse.transaction import transaction
from schemas import arrow
from schemas.catalog import TABLES
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class Warehouse:
    """The tables under one root: a folder or an object store's URL."""

    def __init__(self, root: str) -> None:
        self.is_local = "://" not in root
        self.root = str(Path(root).expanduser().resolve()) if self.is_local else root.rstrip("/")
        self._newest: dict[str, Opened] = {}  # by table name

    @property
    def options(self) -> dict[str, str] | None:
        """Those of deltalake, for the tables' store."""
        return object_files.deltalake_options(self.root)

    def path(self, table: Table) -> str:
        """The table's folder or URL."""
        return f"{self.root}/{table.name}"

    def create_tables(self) -> None:
        """Creates the empty tables of a new warehouse; leaves an existing one unchanged. Raises like `require_writable`, for an
        existing warehouse like `require_current`, and for a new one like `creation.create_all`."""
        self.require_writable()
        if self.exists():
            self.require_current()
            return
        creation.create_all(self.root, self.options)

    def exists(self) -> bool:
        """Whether all tables were created. Raises `CloutError` with the cause if the folder or store is unreachable."""
        try:
            return DeltaTable.is_deltatable(self.path(creation.MARKER), self.options)
        except OSError as error:
            raise CloutError(f"{self.root}: the warehouse cannot be reached ({cause(error)})") from error

    def require_current(self) -> None:
        """Raises `UsageError`, which names the fix, if an earlier or a newer clout made the tables."""
        marks = self.delta(creation.MARKER).metadata().configuration
        creation.refuse_newer(self.root, marks)
        creation.refuse_older(self.root, marks)

    def require_writable(self) -> None:
        """Raises `UsageError` if a folder is not writable. Delta's client would fail only in the middle of a write."""
        if self.is_local:
            tables = [Path(self.path(table)) for table in TABLES]
            creation.refuse_unwritable([Path(self.root), *tables, *(table / "_delta_log" for table in tables)])

    # Reading

    def delta(self, table: Table, version: int | None = None) -> DeltaTable:
        """The table, at a version if given. Raises `GoneError` if that version is no longer kept, and `UsageError` if there is
        no warehouse. Raises `CloutError` if the table is unreadable, or if the commit of the opened version is torn: Delta
        readers would take a torn commit for a smaller change."""
        newest = self._newest.get(table.name)
        if newest and newest.is_at(version, self._file_system(table)):
            return newest.delta
        delta = self._open(table, version)
        if version is None:
            self._newest[table.name] = opened(delta, self._file_system(table), self.is_local)
        return delta

    def own(self, table: Table) -> DeltaTable:
        """Like `delta`, but opens a table of the caller's own, to advance: the tables that `delta` returns are shared."""
        return self._open(table, None)

    def _open(self, table: Table, version: int | None) -> DeltaTable:
        try:
            delta = DeltaTable(self.path(table), version=version, storage_options=self.options)
        except Exception as error:
            if not self.exists():
                missing = "no warehouse here yet; run `clout run` first or set CLOUT_WAREHOUSE"
                raise UsageError(f"{self.root}: {missing}") from error
            where, why = self.path(table), cause(error)
            if version is not None:
                raise GoneError(f"{where}: version {version} is no longer kept ({why})") from error
            raise CloutError(f"{where}: cannot be read as a Delta table ({why}); run `clout doctor`") from error
        if self.is_local:
            delta_log.refuse_torn(Path(self.path(table)), delta.version())
        return delta

    def version(self, table: Table) -> int:
        """The table's newest version. Raises like `delta`."""
        return self.delta(table).version()

    def dataset(
        self, table: Table, partition: Partition | None = None, *, version: int | None = None
    ) -> ds.FileSystemDataset:
        """The files of a partition, or all files, for Arrow, DuckDB and Polars to stream; reads the small files in an object
        store. Columns that the contract gained later are null in older rows. The files may hold rows outside the partition:
        `read` and `reader` filter them out. Raises like `intact_files`, and `GoneError` if a small file is missing."""
        delta = self.delta(table, version)
        chosen = self.intact_files(table, delta, partition)
        found = pruning.dataset(delta, chosen, self._file_system(table), self._contents(table, chosen))
        return found.replace_schema(arrow.completed(table, found.schema))

    def intact_files(self, table: Table, delta: DeltaTable, partition: Partition | None) -> pa.Table:
        """As `pruning.files`; opens none. Raises `GoneError` if one is missing or torn, in a store only if it was replaced."""
        chosen = pruning.files(delta, partition)
        if self.is_local:
            fault = delta_log.files_fault(Path(self.path(table)), chosen)
        else:
            fault = object_files.files_fault(self.path(table), chosen, delta, self._newest.get(table.name))
        if fault:
            raise GoneError(f"{fault}; run `clout doctor`")
        return chosen

    def _contents(self, table: Table, chosen: pa.Table) -> dict[str, bytes]:
        return {} if self.is_local else small_contents(self.path(table), chosen, self.options)

    def _file_system(self, table: Table) -> fs.FileSystem:
        """The file system rooted at the table."""
        if self.is_local:
            return fs.SubTreeFileSystem(self.path(table), fs.LocalFileSystem())
        return object_files.file_system(self.path(table))

    def read(
        self, table: Table, partition: Partition | None = None, *, columns: Sequence[str] | None = None,
        where: pc.Expression | None = None, version: int | None = None,
    ) -> pa.Table:  # fmt: skip
        """Rows of a partition, held in memory: only for tables and partitions known to be small. `partition` selects the files
        to read; `where` only filters their rows. Raises like `dataset`."""
        asked = pruning.row_filter(table, partition or {})
        condition = asked if where is None else asked & where
        dataset = self.dataset(table, partition, version=version)
        return dataset.to_table(columns=list(columns or table.column_names), filter=condition)

    def row_count(self, table: Table, partition: Partition, version: int | None = None) -> int:
        """Counts the partition's rows, at a version if given. Opens no file if `partition` names only partition columns."""
        inside = set(partition) <= set(table.partition_by)
        if inside and (logged := pruning.row_count(self.delta(table, version), partition)) is not None:
            return logged
        return self.dataset(table, partition, version=version).count_rows(filter=pruning.row_filter(table, partition))

    def partitions(self, table: Table) -> list[dict[str, str]]:
        """The partitions that hold rows, each as column -> value as text."""
        return pruning.partitions(self.delta(table))

    def reader(self, table: Table, partition: Partition, version: int | None = None) -> pa.RecordBatchReader:
        """Rows of a partition as a stream, in the contract's columns. Opens every file first. So if an old version or its files
        are no longer kept, this call raises `GoneError`, and the stream does not break off later."""
        asked = pruning.row_filter(table, partition)
        dataset = self.dataset(table, partition, version=version)
        pruning.open_all(self.path(table), dataset, asked)
        return dataset.scanner(columns=list(table.column_names), filter=asked).to_reader()

    # Writing without a JVM

    def replace(
        self, table: Table, rows: pa.Table | pa.RecordBatchReader, partition: Partition, *, run_id: str, job: str,
        version: int | None = None, layout: Layout = PLAIN,
    ) -> None:  # fmt: skip
        """Replaces the partition with the rows, in one commit. Raises `ContractError` if a row violates the contract. Raises
        `LostRaceError` if another run wrote the partition after `version`, by default after this call began. If only other
        partitions changed meanwhile, or maintenance ran, commits the written files again."""
        delta = self.delta(table, version)
        checked = arrow_writer.checked(table, rows, partition)
        added = arrow_writer.write(table, checked, self._file_system(table), layout)
        self._replace(table, delta, added, partition, run_id, job)

    def append(
        self, table: Table, rows: pa.Table | pa.RecordBatchReader, partition: Partition, *, run_id: str, job: str
    ) -> None:
        """Adds the rows to the partition, in one commit and in new files. Raises `ContractError` like `replace`, and
        `LostRaceError` if the table was altered meanwhile."""
        delta = self.delta(table)
        added = arrow_writer.write(table, arrow_writer.checked(table, rows, partition), self._file_system(table))
        self._flush(table, added)
        with self._transaction(table, delta, partition, run_id, job) as metadata:
            data_files.commit(delta, Change(added, pruning.files(delta).slice(0, 0)), metadata, retries=None)

    def delete(self, table: Table, partition: Partition, *, run_id: str, job: str) -> None:
        """Removes the partition's rows, in one commit. Raises `LostRaceError` like `replace`."""
        self._replace(table, self.delta(table), [], partition, run_id, job)

    def rewrite(self, table: Table, partition: Partition, rewriting: Rewriting, *, run_id: str, job: str) -> None:
        """Changes rows in one commit, which replaces only the partition's files that hold such rows; without any, makes none.
        `partition` may name only partition columns. Raises `LostRaceError` like `replace`."""

        def change(now: DeltaTable) -> Change:
            return rewriting.of_files(table, now, pruning.files(now, partition), self._file_system(table))

        first = change(delta := self.delta(table))
        if first.removed.num_rows:
            self._commit(table, delta, lambda now: first if now is delta else change(now), partition, run_id, job)

    def _replace(
        self, table: Table, delta: DeltaTable, added: list[AddAction], partition: Partition, run_id: str, job: str
    ) -> None:
        """Replaces the partition's rows with the `added` files. Copies other rows that share a file with them."""

        def change(now: DeltaTable) -> Change:
            files, contents = self._file_system(table), partial(self._contents, table)
            removed, others = pruning.split(table, now, partition, files, contents)
            return Change(added + arrow_writer.write(table, others, files), removed)

        self._commit(table, delta, change, partition, run_id, job)

    def compact(self, table: Table, *, run_id: str, job: str) -> int:
        """Merges the small files of each partition, in one commit that changes no row. Returns the number of files merged.
        Raises `LostRaceError` if another run replaced one of them meanwhile, and `GoneError` if a file is missing or torn."""
        delta = self.delta(table)
        merged = compaction.merge(table, delta, self.intact_files(table, delta, None), self._file_system(table))
        if merged.added:
            self._commit(table, delta, partial(compaction.unless_replaced, table, change=merged), None, run_id, job)
        return merged.removed.num_rows

    def _commit(self, table: Table, delta: DeltaTable, change: Callable[[DeltaTable], Change], *by: Any) -> None:
        """Commits the change; `by` holds the partition, run and job. If only commits that do not touch the change's rows came
        first, makes the change again on top of them."""
        for attempt in repeated(RearrangedError):
            with attempt:
                made = change(delta)
                self._flush(table, made.added)
                try:
                    with self._transaction(table, delta, *by) as metadata:
                        # deltalake's own retry does not check what the newer commits removed.
                        data_files.commit(delta, made, metadata, retries=0)
                except RearrangedError as rearranged:
                    delta = self.delta(table, rearranged.version)
                    raise

    def _flush(self, table: Table, added: Sequence[AddAction]) -> None:
        if self.is_local:
            delta_log.flush_files(Path(self.path(table)), [action.path for action in added])

    def replace_bookkeeping(self, table: Table, rows: pa.Table, partition: Partition, *, run_id: str, job: str) -> None:
        """Like `replace`, but writes again after each lost race, at most `races.TRIES` times, even if the other run wrote the
        same partition. So the last writer wins."""
        for attempt in repeated(LostRaceError):
            with attempt:
                self.replace(table, rows, partition, run_id=run_id, job=job)

    # Spark

    def frame(
        self, session: "SparkSession", table: Table, partition: Partition | None = None, *, version: int | None = None
    ) -> "DataFrame":
        """The files of a partition, or all files, as a Spark frame in the contract's columns. As with `dataset`, they
        may hold other rows too. Raises like `dataset`."""
        delta = self.delta(table, version)
        chosen = self.intact_files(table, delta, partition)
        return spark_files.frame(session, table, object_store.spark_url(self.path(table)), chosen)

    def replace_by_spark(
        self, table: Table, frame: "DataFrame", partition: Partition, *, run_id: str, job: str
    ) -> None:
        """Like `replace`, for a Spark frame. `partition` may name only partition columns."""
        from schemas import spark

        spark.check(table, frame)
        delta = self.delta(table)
        files = self._file_system(table) if self.is_local else object_files.movable(self.path(table), self.options)
        with spark_files.written(table, frame, partition, object_store.spark_url(self.path(table)), files) as added:
            self._replace(table, delta, added, partition, run_id, job)

    def _transaction(self, table: Table, delta: DeltaTable, *by: Any) -> AbstractContextManager[str]:
        return transaction(table.name, delta, lambda: self.delta(table), *by)


def rows(table: Table, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A few records as a table with the contract's columns. Columns missing from a record are null."""
    return pa.Table.from_pylist([dict(record) for record in records], schema=arrow.schema(table))
