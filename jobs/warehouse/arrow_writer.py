"""Streams Arrow rows into new data files of a table, and checks every batch against the contract."""

from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import quote
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction
from pyarrow import fs

from jobs.ahead import ahead
from jobs.warehouse import data_files, object_files
from jobs.warehouse.commits import Partition
from jobs.warehouse.pruning import outside, within
from schemas import arrow
from schemas.table import ContractError, Table

BUFFER_BYTES = 2**20  # Parquet writes each page and each part of the footer separately; the buffer joins these writes
FILE_BYTES = 128 * 2**20  # beyond this a partition gets another file
BATCHES_AHEAD = 4  # that are computed and checked while a row group is written
SMALL_BYTES = 2**14  # of rows, about 100


@dataclass(frozen=True)
class Layout:
    """How Parquet files are laid out: the rows per row group, and the compression of files that begin with more than
    `SMALL_BYTES`. A writer holds one row group in memory, beside `BATCHES_AHEAD` batches."""

    rows_per_group: int = 131_072
    compression: str = "zstd"


PLAIN = Layout()


def checked(table: Table, rows: pa.Table | pa.RecordBatchReader, partition: Partition) -> Iterator[pa.RecordBatch]:
    """The rows as a stream of batches. The stream raises `ContractError` at the first batch that violates the contract or has
    rows outside the partition. At its end, it raises `ContractError` if two rows have the same grain."""
    arrow.check_schema(table, rows.schema)
    schema = pa.schema([field.remove_metadata() for field in arrow.schema(table)])
    few = isinstance(rows, pa.Table) and rows.num_rows < 2  # most bookkeeping: one row cannot repeat the grain
    given: Iterable[pa.RecordBatch] = rows.to_batches() if isinstance(rows, pa.Table) else rows
    if not few:
        from jobs.warehouse.grain import unrepeated  # loads DuckDB and NumPy, which readers and single rows do not need

        given = unrepeated(table, given)
    for batch in given:
        arrow.check(table, batch)
        if strange := outside(batch, partition).num_rows:
            raise ContractError(f"{table.name}: {strange:,} rows lie outside {dict(partition)}, expected 0")
        yield batch.cast(schema)


def write(
    table: Table, batches: Iterable[pa.RecordBatch], files: fs.FileSystem, layout: Layout = PLAIN
) -> list[AddAction]:
    """Writes rows in the contract's columns as new files of the table, whose folder is the root of `files`. Returns the log
    entries of these files. Until a commit names them, no reader sees them."""
    writers: dict[str, _Writer] = {}
    try:
        with closing(ahead(iter(batches), BATCHES_AHEAD)) as computed:  # no thread outlives an error
            for batch in computed:
                for folder, part in _by_folder(table, batch):
                    if folder not in writers:
                        writers[folder] = _Writer(folder, files, layout)
                    writers[folder].add(part)
        for writer in writers.values():
            writer.close()
        return [data_files.described(table, path, path, files) for writer in writers.values() for path in writer.paths]
    except BaseException:
        for writer in writers.values():
            writer.discard()
        raise


class _Writer:
    """Writes the files of one partition value. Collects rows until they fill a row group."""

    def __init__(self, folder: str, files: fs.FileSystem, layout: Layout) -> None:
        self.paths: list[str] = []
        self._folder = folder
        self._files = files
        self._layout = layout
        self._batches: list[pa.RecordBatch] = []
        self._row_count = 0  # rows in `_batches`
        self._stream: pa.NativeFile | None = None
        self._file: pq.ParquetWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        self._batches.append(batch)
        self._row_count += batch.num_rows
        if self._row_count >= self._layout.rows_per_group:
            self._write()

    def close(self) -> None:
        if self._batches:
            self._write()
        self._end_file()

    def discard(self) -> None:
        with suppress(OSError):  # `clout maintain` removes what is left
            self._end_file()
            for path in self.paths:
                self._files.delete_file(path)

    def _write(self) -> None:
        collected = pa.Table.from_batches(self._batches)
        self._batches, self._row_count = [], 0
        if self._file is None:
            if self._folder:
                object_files.make_folder(self._files, self._folder)
            self.paths.append(f"{self._folder}/{uuid4()}.parquet".lstrip("/"))
            self._stream = self._files.open_output_stream(self.paths[-1], buffer_size=BUFFER_BYTES)
            # Numbers and instants rarely repeat, so their dictionaries would only add to the file.
            texts = [field.name for field in collected.schema if pa.types.is_string(field.type)]
            # For few rows, to start zstd for each column and to make dictionaries takes longer than all else. Without, a file
            # is written and read in a third of the time. One of 20 rows gets no larger, one of 100 rows by a third.
            small = collected.nbytes <= SMALL_BYTES
            self._file = pq.ParquetWriter(
                self._stream,
                collected.schema,
                compression="snappy" if small else self._layout.compression,
                use_dictionary=[] if small else texts,
                store_schema=False,
            )
        self._file.write_table(collected, self._layout.rows_per_group)
        if self._stream is not None and self._stream.tell() >= FILE_BYTES:
            self._end_file()

    def _end_file(self) -> None:
        if self._file is not None and self._stream is not None:
            self._file.close()
            self._stream.close()
        self._file = self._stream = None


def _by_folder(table: Table, batch: pa.RecordBatch) -> Iterator[tuple[str, pa.RecordBatch]]:
    """Yields (folder, rows): for each partition value, its folder and the batch's rows, without the partition columns."""
    names = list(table.partition_by)
    rows = pa.Table.from_batches([batch])
    found = rows.group_by(names).aggregate([]).to_pylist() if names else [{}]
    for values in found:
        folder = "/".join(f"{name}={quote(str(value), safe='')}" for name, value in values.items())
        part = rows if len(found) == 1 else within(rows, values)
        for piece in part.drop_columns(names).to_batches():
            yield folder, piece
