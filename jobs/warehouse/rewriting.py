"""Changes rows wherever they are in a table: each file that holds some of them is written anew, once, and no other file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import fs

from jobs.warehouse import arrow_writer, pruning
from jobs.warehouse.data_files import Change
from schemas import arrow
from schemas.table import Table


@dataclass(frozen=True)
class Rewriting:
    """What to change. `is_meant` gets these `columns` of a file's rows, and returns whether the file holds rows to change.
    `change` gets all columns of the file's rows, and returns the rows that take their place."""

    columns: Sequence[str]
    is_meant: Callable[[pa.Table], bool]
    change: Callable[[pa.Table], pa.Table]

    def of_files(self, table: Table, delta: DeltaTable, files: pa.Table, root: fs.FileSystem) -> Change:
        """Writes those of the `files` (as from `pruning.files`) anew that hold rows to change, one at a time."""
        found = pruning.dataset(delta, files, root)
        added, is_removed = [], []
        for file in pruning.one_by_one(found.replace_schema(arrow.completed(table, found.schema))):
            is_removed.append(self.is_meant(file.to_table(columns=list(self.columns))))
            if is_removed[-1]:
                left = self.change(file.to_table(columns=list(table.column_names)))
                added += arrow_writer.write(table, left.to_batches(), root)
        return Change(added, files.filter(pa.array(is_removed, pa.bool_())))
