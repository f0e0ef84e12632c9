"""Contracts as Delta schemas: what a table on disk lacks of its contract."""

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
