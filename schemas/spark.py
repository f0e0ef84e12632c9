"""Contracts as Spark schemas, and the check of Spark frames against them."""

from pyspark.sql import DataFrame
from pyspark.sql import types as t

from schemas.table import ContractError, Table

TYPES: dict[str, t.DataType] = {
    "string": t.StringType(),
    "date": t.DateType(),
    "timestamp": t.TimestampType(),
    "double": t.DoubleType(),
    "long": t.LongType(),
    "boolean": t.BooleanType(),
}


def schema(table: Table) -> t.StructType:
    """The table's columns in order, each with its doc as the field's `comment`."""
    return t.StructType([t.StructField(c.name, TYPES[c.type], c.nullable, {"comment": c.doc}) for c in table.columns])


def check(table: Table, frame: DataFrame) -> None:
    """Raises `ContractError` naming every column of the frame that differs from the contract. Nulls are not looked for: that
    would take a query."""
    expected = {column.name: TYPES[column.type] for column in table.columns}
    actual = {field.name: field.dataType for field in frame.schema.fields}
    problems = [
        f"{name}: expected {kind.simpleString()}, found {actual[name].simpleString() if name in actual else 'nothing'}"
        for name, kind in expected.items()
        if actual.get(name) != kind
    ]
    problems += [f"{name}: not in the contract" for name in actual if name not in expected]
    if not problems and list(actual) != list(expected):
        problems.append(f"columns out of order: expected {list(expected)}, found {list(actual)}")
    if problems:
        raise ContractError(f"{table.name}: " + "; ".join(problems))
