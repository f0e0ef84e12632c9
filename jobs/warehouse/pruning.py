"""Turns a partition into a filter, and selects a table's matching files from the log before opening any.

deltalake's `to_pyarrow_dataset` first builds an expression from every file's statistics, which takes 6 s for ten years of
files.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import reduce
from itertools import compress
from operator import and_
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from pyarrow import fs

from jobs.errors import GoneError
from jobs.warehouse import listing
from jobs.warehouse.commits import Partition, Span
from schemas import arrow
from schemas.table import Table

ABOUT = ("path", "size_bytes")  # columns of a table's add actions
Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)
NO_CONTENTS: Mapping[str, bytes] = MappingProxyType({})
PARTITION = "partition."  # begins the names of partition columns in `listing.added`


def expression(partition: Partition) -> pc.Expression:
    """The partition as a filter on a dataset."""
    conditions = (_condition(pc.field(name), values) for name, values in partition.items())
    return reduce(and_, conditions, pc.scalar(True))


def within(rows: Rows, partition: Partition) -> Rows:
    """The rows that are in the partition. To filter rows in memory by `expression` takes several times as long."""
    for name, values in partition.items():
        rows = rows.filter(_condition(rows.column(name), values))
    return rows


def outside(rows: Rows, partition: Partition) -> Rows:
    """The rows that are not in the partition."""
    inside = pa.repeat(True, rows.num_rows)
    for name, values in partition.items():
        inside = pc.and_(inside, pc.fill_null(_condition(rows.column(name), values), False))
    return rows.filter(pc.invert(inside))


def _condition(column: Any, values: Any) -> Any:
    """Whether the column, of a dataset or of rows, has one of these values of a partition."""
    if isinstance(values, Span):
        return pc.and_kleene(pc.greater_equal(column, values.first), pc.less_equal(column, values.last))
    if not isinstance(values, tuple):  # from an equality, unlike from `is_in`, a scan learns the column's value
        return pc.equal(column, values)
    given = [value for value in values if value is not None]
    never = pc.and_kleene(pc.is_null(column), pc.is_valid(column))
    among = pc.is_in(column, value_set=pa.array(given)) if given else never
    return pc.or_kleene(among, pc.is_null(column)) if None in values else among


def row_filter(table: Table, partition: Partition) -> pc.Expression:
    """What is left to filter once `files` has selected the partition's files: the columns that are not partition columns."""
    return expression({name: values for name, values in partition.items() if name not in table.partition_by})


def either(any_of: Partition) -> pc.Expression:
    """A filter for rows in which at least one of these columns has one of its values."""
    condition = pc.scalar(False)
    for name, values in any_of.items():
        condition = condition | expression({name: values})
    return condition


def files(delta: DeltaTable, partition: Partition | None = None) -> pa.Table:
    """One row per data file of the table, or, if a partition is given, per file that may hold rows of it: `path` below the
    table's root (as in the log, URL-encoded), `size_bytes`, and the partition columns. Of other columns that `partition` names,
    only the bounds of texts in the log (`schemas.delta.STATISTICS`) exclude files."""
    return _files(delta, partition, ABOUT)


def row_count(delta: DeltaTable, partition: Partition) -> int | None:
    """The number of rows in the files that `files` returns, from the log alone; None if the log does not say it of a file, or
    may count deleted rows."""
    if delta.protocol().min_reader_version > 1:
        return None
    counts = _files(delta, partition, ("num_records",))["num_records"]
    return None if counts.null_count else pc.sum(counts, min_count=0).as_py()


def _files(delta: DeltaTable, partition: Partition | None, about: Sequence[str]) -> pa.Table:
    """The files that may hold rows of the partition, with these columns and the partition columns."""
    chosen = listing.added(delta)
    names = [name for name in chosen.column_names if name in about or name.startswith(PARTITION)]
    for name, values in (partition or {}).items():
        if PARTITION + name in names:
            chosen = within(chosen, {PARTITION + name: values})
        elif f"min.{name}" in chosen.column_names:
            chosen = chosen.filter(_may_hold(chosen[f"min.{name}"], chosen[f"max.{name}"], values))
    return chosen.select(names).rename_columns([name.removeprefix(PARTITION) for name in names])


def _may_hold(least: pa.ChunkedArray, most: pa.ChunkedArray, values: Any) -> pa.ChunkedArray:
    """Whether files with these least and greatest values of a column, null if unknown, may hold one of the values of a
    partition. Only texts exclude a file: other programs may round instants in the log."""
    given = values if isinstance(values, tuple) else (values,)
    if not all(isinstance(value, str) for value in given):
        return pa.repeat(True, len(least))
    asked = pa.array(given, pa.string())
    between = pc.and_(pc.less_equal(least, pc.max(asked)), pc.greater_equal(most, pc.min(asked)))
    held = pc.if_else(pc.equal(least, most), pc.is_in(least, value_set=asked), between)
    return pc.fill_null(held, True)


def partitions(delta: DeltaTable) -> list[dict[str, str]]:
    """The partitions that have files, each as column -> value as text. deltalake's own list takes ten times as long."""
    names = delta.metadata().partition_columns
    values = (map(str, row.values()) for row in files(delta).select(names).to_pylist())
    return (
        [dict(zip(names, place, strict=True)) for place in sorted({tuple(place) for place in values})] if names else []
    )


def dataset(
    delta: DeltaTable, chosen: pa.Table, root: fs.FileSystem, contents: Mapping[str, bytes] = NO_CONTENTS
) -> ds.FileSystemDataset:
    """The `chosen` rows of `files`, as a dataset to stream. `root` is the file system rooted at the table. Arrow need not ask a
    store for the files' sizes, which the log holds, nor for files that `contents` holds (`path` -> bytes)."""
    if delta.protocol().min_reader_version > 1:  # never true of clout's own tables
        delta.to_pyarrow_dataset(filesystem=root, file_pruning_predicate="false")  # refuses what Arrow would misread
    schema, parquet = pa.schema(delta.schema().to_arrow()), ds.ParquetFileFormat()
    names = [name for name in chosen.column_names if name not in ABOUT]
    fragments = []
    for row in chosen.select([*ABOUT, *names]).to_pylist():
        path, size = (row.pop(name) for name in ABOUT)
        asked = expression(row)
        if content := contents.get(path):
            fragments.append(parquet.make_fragment(pa.py_buffer(content), partition_expression=asked))
        else:  # the log holds paths as URLs
            at = {"filesystem": root, "file_size": size}
            fragments.append(parquet.make_fragment(unquote(path), partition_expression=asked, **at))
    return ds.FileSystemDataset(fragments, schema, parquet, root)


def open_all(table: str, found: ds.FileSystemDataset, condition: pc.Expression) -> None:
    """Opens every file whose partition may meet the condition. Raises `GoneError` if one is missing, which Arrow reports as any
    other error of a store if it knows the file's size. `table` is the table's folder or URL."""
    for fragment in found.get_fragments(condition):
        try:
            fragment.ensure_complete_metadata()
        except OSError as error:
            if fragment.buffer or found.filesystem.get_file_info(fragment.path).type != fs.FileType.NotFound:
                raise
            raise missing(table, fragment.path) from error


def missing(table: str, path: str) -> GoneError:
    """The error that this file of the table at this folder or URL is missing."""
    return GoneError(f"{table}/{path}: this file of the table is missing; run `clout doctor`")


def one_by_one(found: ds.FileSystemDataset) -> Iterator[ds.FileSystemDataset]:
    """Each file of the dataset. Filter its rows only after you read them: deltalake's own deletions write string views, and
    Arrow cannot filter by the statistics of string views."""
    for fragment in found.get_fragments():
        yield ds.FileSystemDataset([fragment], found.schema, found.format, found.filesystem)


def split(
    table: Table,
    delta: DeltaTable,
    partition: Partition,
    root: fs.FileSystem,
    contents: Callable[[pa.Table], Mapping[str, bytes]],
) -> tuple[pa.Table, Iterable[pa.RecordBatch]]:
    """The files (as from `files`) that hold rows of the partition, and a stream of the other rows in them. `contents` returns
    what `dataset` needs for the files that it is given."""
    chosen = files(delta, partition)
    if set(partition) <= set(table.partition_by):
        return chosen, ()
    found = dataset(delta, chosen, root, contents(chosen))
    found = found.replace_schema(arrow.completed(table, found.schema))
    held = [
        any(within(batch, partition).num_rows for batch in _batches(one, list(partition))) for one in one_by_one(found)
    ]
    mixed = ds.FileSystemDataset(
        list(compress(found.get_fragments(), held)), found.schema, found.format, found.filesystem
    )
    others = (outside(batch, partition) for batch in _batches(mixed, list(table.column_names)))
    return chosen.filter(pa.array(held, pa.bool_())), others


def _batches(rows: ds.Dataset, columns: list[str]) -> pa.RecordBatchReader:
    """All rows, to be filtered only now; see `one_by_one`."""
    return rows.scanner(columns=columns).to_reader()
