"""`clout upgrade`: brings the tables of an earlier version of clout up to date. No other command alters an existing table.

Altering columns, docs or properties aborts concurrent writes to the table, so run it only while no nightly run is active.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from deltalake import DeltaTable, write_deltalake

from jobs.warehouse import creation, earlier_days, retention
from jobs.warehouse.creation import MARKER, ONCE
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.catalog import TABLES
from schemas.delta import lacking, reworded
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.publications import PUBLICATIONS
from schemas.table import Column, Table

# Tables that only save time. An upgrade empties one that has columns which the contract lacks, because Delta cannot drop a
# column of files that it keeps.
MADE_AGAIN = (MONTHLY_WEIGHTS,)


@dataclass(frozen=True)
class Difference:
    """How a table on disk differs from its contract and the settings."""

    removed: list[str]  # columns that the contract lacks, of a table of `MADE_AGAIN`
    columns: list[Column]  # missing
    docs: dict[str, str]  # column -> its doc
    description: str | None
    properties: dict[str, str]

    def __str__(self) -> str:
        changes = [f"column {name} removed, and all rows, which the next runs make again" for name in self.removed]
        changes += [f"column {column.name} added" for column in self.columns]
        changes += ["docs reworded"] * bool(self.docs or self.description)
        return ", ".join([*changes, *(f"{name} set to {value}" for name, value in self.properties.items())])


def run(warehouse: Warehouse) -> Iterator[str]:
    """Upgrades the tables; yields a line for each changed table. Raises `UsageError` if there is no warehouse, or if a newer
    version of clout made it. Safe to rerun after an interruption."""
    creation.refuse_newer(warehouse.root, warehouse.delta(MARKER).metadata().configuration)
    from jobs.night_settings import nights  # loads pydantic, which readers of scores need not wait for

    kept = nights()
    for table in TABLES:
        properties = retention.properties(table, kept)
        if not DeltaTable.is_deltatable(warehouse.path(table), warehouse.options):
            creation.create(warehouse.path(table), table, properties, warehouse.options)
            yield f"{table.name}: created"
            continue
        changes = difference(warehouse.delta(table), table, properties)
        if str(changes):
            alter(warehouse.own(table), table, changes)
            yield f"{table.name}: {changes}"
    if recorded := earlier_days.record(warehouse):
        yield f"{PUBLICATIONS.name}: {recorded} changes of published days recorded, as far as `runs` knows them"
    marker = warehouse.own(MARKER)
    if not creation.marked().items() <= marker.metadata().configuration.items():
        marker.alter.set_table_properties(creation.marked(), raise_if_not_exists=False, commit_properties=ONCE)


def difference(delta: DeltaTable, table: Table, properties: dict[str, str]) -> Difference:
    """How the table on disk differs from its contract and these properties."""
    metadata, missing = delta.metadata(), {field.name for field in lacking(table, delta.schema())}
    present = [field.name for field in delta.schema().fields] if table in MADE_AGAIN else []
    return Difference(
        removed=[name for name in present if name not in table.column_names],
        columns=[column for column in table.columns if column.name in missing],
        docs=reworded(table, delta.schema()),
        description=table.doc if metadata.description != table.doc else None,
        properties={name: value for name, value in properties.items() if metadata.configuration.get(name) != value},
    )


def alter(delta: DeltaTable, table: Table, changes: Difference) -> None:
    """Alters the table. Raises `CommitFailedError` if another commit comes first."""
    if changes.removed:
        empty, by = arrow.schema(table).empty_table(), list(table.partition_by)
        write_deltalake(
            delta, empty, mode="overwrite", schema_mode="overwrite", partition_by=by, commit_properties=ONCE
        )
        delta.update_incremental()
    if changes.columns:
        delta.alter.add_columns(lacking(table, delta.schema()), commit_properties=ONCE)
    for name, doc in changes.docs.items():
        delta.alter.set_column_metadata(name, {"comment": doc}, commit_properties=ONCE)
    if changes.description:
        delta.alter.set_table_description(changes.description, commit_properties=ONCE)
    if changes.properties:
        delta.alter.set_table_properties(changes.properties, raise_if_not_exists=False, commit_properties=ONCE)
