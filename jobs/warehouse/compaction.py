"""Merges the small files of a table: which files to merge, and the larger files that replace them."""

from collections.abc import Iterator

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import fs

from jobs.warehouse import arrow_writer, pruning
from jobs.warehouse.data_files import Change
from jobs.warehouse.races import LostRaceError
from schemas import arrow
from schemas.table import Table


def merge(table: Table, delta: DeltaTable, listed: pa.Table, files: fs.FileSystem) -> Change:
    """Writes the rows of small files into larger files, as a stream. Returns the change that adds the larger files and removes
    the small ones. `listed` holds the table's files as `pruning.files` returns them; `files` is the file system rooted at the
    table."""
    merged = list(groups(listed))
    added = [
        action for group in merged for action in arrow_writer.write(table, _rows(table, delta, group, files), files)
    ]
    return Change(added, pa.concat_tables([listed.slice(0, 0), *merged]), changes_rows=False)


def _rows(table: Table, delta: DeltaTable, group: pa.Table, files: fs.FileSystem) -> Iterator[pa.RecordBatch]:
    """Yields the rows of the files, one row group at a time, because a scan would read rows faster than they are written."""
    dataset = pruning.dataset(delta, group, files)
    schema = arrow.completed(table, dataset.schema)
    for fragment in dataset.get_fragments():
        for row_group in fragment.split_by_row_group():
            yield from row_group.to_table(schema=schema, columns=list(table.column_names)).to_batches()


def groups(listed: pa.Table) -> Iterator[pa.Table]:
    """Groups of two or more files of one partition that together fit into one file, the smallest files first."""
    columns = [name for name in listed.column_names if name not in pruning.ABOUT]
    listed = listed.sort_by([(name, "ascending") for name in (*columns, "size_bytes")])
    found: list[list[int]] = []
    partition, group_bytes = None, 0
    for number, row in enumerate(listed.to_pylist()):
        current = tuple(row[name] for name in columns)
        group_bytes += row["size_bytes"]
        if current != partition or group_bytes > arrow_writer.FILE_BYTES:
            found.append([])
            partition, group_bytes = current, row["size_bytes"]
        found[-1].append(number)
    return (listed.take(group) for group in found if len(group) > 1)


def unless_replaced(table: Table, delta: DeltaTable, change: Change) -> Change:
    """Returns the change. Raises `LostRaceError` if the table no longer holds all the files that the change removes."""
    gone = set(change.removed["path"].to_pylist()) - set(pruning.files(delta)["path"].to_pylist())
    if gone:
        raise LostRaceError(f"{table.name}: another run replaced {len(gone):,} files while they were being merged")
    return change
