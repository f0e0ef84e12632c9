"""Contracts as Arrow schemas, and the check of Arrow rows against them."""

from functools import cache

import pyarrow as pa
import pyarrow.compute as pc

from schemas.table import ContractError, Table

TYPES = {
    "string": pa.string(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "double": pa.float64(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
}


@cache
def schema(table: Table) -> pa.Schema:
    """The table's columns in order, each with its doc as the field's `comment`."""
    return pa.schema(
        [
            pa.field(column.name, TYPES[column.type], nullable=column.nullable, metadata={"comment": column.doc})
            for column in table.columns
        ]
    )


def completed(table: Table, actual: pa.Schema) -> pa.Schema:
    """The given schema, followed by nullable columns of the contract that it lacks: these were added to the contract later."""
    names = set(actual.names)
    return pa.schema([*actual, *(field for field in schema(table) if field.nullable and field.name not in names)])


def check_schema(table: Table, actual: pa.Schema) -> None:
    """Raises `ContractError` naming every column that is missing, unknown, of another type, or out of order."""
    expected = {column.name: TYPES[column.type] for column in table.columns}
    problems = [f"{name}: expected {kind}, missing" for name, kind in expected.items() if name not in actual.names]
    for field in actual:
        if field.name not in expected:
            problems.append(f"{field.name}: not in the contract, found {field.type}")
        elif field.type != expected[field.name]:
            problems.append(f"{field.name}: expected {expected[field.name]}, found {field.type}")
    if not problems and actual.names != list(expected):
        problems.append(f"columns out of order: expected {list(expected)}, found {actual.names}")
    if problems:
        raise ContractError(f"{table.name}: " + "; ".join(problems))


def check(table: Table, rows: pa.RecordBatch | pa.Table) -> None:
    """Raises `ContractError` unless the rows have the contract's columns and nulls only where it allows them."""
    check_schema(table, rows.schema)
    nulls = [
        f"{column.name}: {rows.column(column.name).null_count} nulls, expected 0"
        for column in table.columns
        if not column.nullable and rows.column(column.name).null_count
    ]
    if nulls:
        raise ContractError(f"{table.name}: " + "; ".join(nulls))


def sorted_by_grain(table: Table, rows: pa.Table) -> pa.Table:
    """The rows sorted by the grain, so that the rows of two runs can be compared."""
    order = pc.sort_indices(rows, sort_keys=[(name, "ascending") for name in table.grain])
    return rows.select(table.column_names).take(order)
