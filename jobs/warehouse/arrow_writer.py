"""Streams Arrow rows into a Delta table, and checks every batch against the contract before the commit."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from jobs.warehouse.grain import unrepeated
from schemas import arrow
from schemas.table import Table


def properties(metadata: str) -> CommitProperties:
    """The properties of a commit with this text as its user metadata."""
    return CommitProperties(custom_metadata={"userMetadata": metadata})


def write(table: Table, rows: pa.Table | pa.RecordBatchReader, delta: DeltaTable, metadata: str, **how: Any) -> None:
    """Streams the rows into the table in one commit with this user metadata. `how` goes to `write_deltalake`. Raises
    `ContractError` if a row violates the contract or two rows have the same grain. If reading the rows fails, raises the
    original error, not the one in which deltalake wraps it."""
    raised: list[BaseException] = []
    try:
        write_deltalake(delta, _checked(table, rows, raised), commit_properties=properties(metadata), **how)
    except Exception:
        if raised:
            raise raised[0] from None
        raise


def _checked(table: Table, rows: pa.Table | pa.RecordBatchReader, raised: list[BaseException]) -> pa.RecordBatchReader:
    """The rows as a checked stream. The stream fails before the commit: at the first batch that violates the contract, or at
    its end if two rows have the same grain. deltalake reads the stream outside Python and raises an error of its own instead,
    so `raised` collects the original error. The columns carry no docs, because deltalake refuses docs that differ from the
    table's.

    Raises `ContractError` at once if the columns violate the contract.
    """
    arrow.check_schema(table, rows.schema)
    schema = pa.schema([field.remove_metadata() for field in arrow.schema(table)])

    def batches() -> Iterable[pa.RecordBatch]:
        try:
            few = isinstance(rows, pa.Table) and rows.num_rows < 2  # most bookkeeping: one row cannot repeat the grain
            given = rows.to_batches() if isinstance(rows, pa.Table) else rows
            for batch in given if few else unrepeated(table, given):
                arrow.check(table, batch)
                yield batch.cast(schema) if not batch.schema.equals(schema, check_metadata=True) else batch
        except BaseException as error:
            raised.append(error)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())
