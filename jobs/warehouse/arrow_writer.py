"""Writes Arrow rows to a Delta table as they stream in. Each batch is checked against the contract before the commit."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake

from jobs.warehouse.grain import unrepeated
from schemas import arrow
from schemas.table import Table


def properties(metadata: str) -> CommitProperties:
    """The properties of a commit with this user metadata."""
    return CommitProperties(custom_metadata={"userMetadata": metadata})


def write(table: Table, rows: pa.Table | pa.RecordBatchReader, delta: DeltaTable, metadata: str, **how: Any) -> None:
    """Writes the rows as they stream in, in one commit with this user metadata. `how` goes to `write_deltalake`. Raises
    `ContractError` if a row violates the contract: a row's own error, not the writer's wrapper of it."""
    raised: list[BaseException] = []
    try:
        write_deltalake(delta, _checked(table, rows, raised), commit_properties=properties(metadata), **how)
    except Exception:
        if raised:
            raise raised[0] from None
        raise


def _checked(table: Table, rows: pa.Table | pa.RecordBatchReader, raised: list[BaseException]) -> pa.RecordBatchReader:
    """The rows as a checked stream. It fails at the first batch that violates the contract, or at its end if rows repeat the
    grain, before anything is committed. `raised` then holds the original error: the writer reads the stream outside Python and
    would raise one of its own. Columns carry no docs: the writer would refuse docs that differ from the table's."""
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
