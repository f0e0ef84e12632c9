"""Contracts on disk: a table is created from its contract, and an older one is brought up to date.

Two writers into an empty folder would fail, so tables are created before any run.
"""

from contextlib import suppress

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError

from schemas import arrow
from schemas.delta import lacking, reworded
from schemas.table import Table

# Tried again, the loser of two creators would declare the table a second time, under another id.
ONCE = CommitProperties(max_commit_retries=0)


def create(path: str, table: Table) -> None:
    """Creates the table, empty, with its columns' docs, unless it is there. Of two creators one makes it."""
    with suppress(CommitFailedError):
        DeltaTable.create(
            path,
            schema=arrow.schema(table),
            mode="ignore",
            partition_by=list(table.partition_by),
            name=table.name,
            description=table.doc,
            commit_properties=ONCE,
        )


def bring_up_to_date(delta: DeltaTable, table: Table) -> None:
    """Adds the columns that came to the contract since, and rewrites the docs that were reworded. Raises
    `CommitFailedError` if another commit came first."""
    if missing := lacking(table, delta.schema()):
        delta.alter.add_columns(missing, commit_properties=ONCE)
    for name, doc in reworded(table, delta.schema()).items():
        delta.alter.set_column_metadata(name, {"comment": doc}, commit_properties=ONCE)
