"""Contracts as Delta schemas: what a table on disk lacks of its contract, and what it tells otherwise."""

from deltalake import Field, Schema
from deltalake.schema import PrimitiveType

from schemas.table import Table


def lacking(table: Table, found: Schema) -> list[Field]:
    """Columns that came to the contract after the table was made, each with its doc as `comment`. They may be null, since the
    rows that are there have nothing in them; what else is missing is a fault, and not mended."""
    there = {field.name for field in found.fields}
    return [
        Field(column.name, PrimitiveType(column.type), metadata={"comment": column.doc})
        for column in table.columns
        if column.nullable and column.name not in there
    ]


def reworded(table: Table, found: Schema) -> dict[str, str]:
    """Column -> its doc, where the table on disk has another one."""
    told = {field.name: field.metadata.get("comment") for field in found.fields}
    return {column.name: column.doc for column in table.columns if told.get(column.name, column.doc) != column.doc}
