"""Checks that no two rows of a stream have the same grain. Keeps 8 bytes per row in memory."""

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from jobs.scratch import shared
from schemas.table import ContractError, Table


def count(table: Table, rows: pa.RecordBatchReader) -> int:
    """The number of rows. Raises `ContractError` if two have the same grain."""
    return sum(batch.num_rows for batch in unrepeated(table, rows))


def unrepeated(table: Table, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Passes the batches through. Raises `ContractError` after the last one if two rows have the same grain.

    Rows are compared by 64-bit hashes. Among a million rows, two different ones collide with a probability of 3e-8.
    """
    names = ", ".join(table.grain)
    hashes: list[np.ndarray] = []
    with shared() as db:
        for batch in batches:
            if batch.num_rows:
                db.register("batch", batch.select(list(table.grain)))
                hashes.append(np.asarray(db.execute(f"select hash({names}) as grain from batch").fetchnumpy()["grain"]))
            yield batch
    ordered = np.concatenate(hashes) if hashes else np.empty(0)
    hashes.clear()
    ordered.sort()
    repeated = np.count_nonzero(ordered[1:] == ordered[:-1])
    if repeated:
        raise ContractError(
            f"{table.name}: {repeated:,} of {len(ordered):,} rows repeat the grain ({names}), expected 0"
        )
