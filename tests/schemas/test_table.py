"""A contract that contradicts itself cannot be written, and every table of the catalog can be."""

from typing import Any

import pytest

from jobs.warehouse.storage import Warehouse
from schemas import arrow, spark
from schemas.catalog import TABLES
from schemas.kinds import is_simulated
from schemas.table import Column, Table

ID = Column("id", "string", "Who.")


def table(**changes: Any) -> Table:
    plain: dict[str, Any] = {"name": "t", "version": 1, "doc": "A table.", "grain": ("id",), "partition_by": ()}
    return Table(**plain | {"columns": (ID,)} | changes)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"columns": (ID, ID)}, "t: a column is declared twice"),
        ({"grain": ("id", "day")}, r"t: grain or partition names no column: \['day'\]"),
        ({"partition_by": ("month",)}, r"t: grain or partition names no column: \['month'\]"),
        ({"columns": (Column("id", "string", "Who.", nullable=True),)}, r"t: a grain cannot be null: \['id'\]"),
    ],
)
def test_faults(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        table(**changes)


def test_columns_by_name() -> None:
    assert table().column("id") is ID
    assert table().column_names == ("id",)


@pytest.mark.parametrize("found", TABLES, ids=lambda found: found.name)
def test_every_table(found: Table, warehouse: Warehouse) -> None:
    """Is documented down to the column, is partitioned by what its grain knows, and is in a new warehouse as written
    down, docs too."""
    assert found.doc.endswith(".")
    assert all(column.doc.endswith(".") for column in found.columns)
    assert found.name in ("activity", "runs", "rejects") or set(found.partition_by) <= set(found.grain)
    made = warehouse.delta(found)
    assert (made.metadata().name, made.metadata().description) == (found.name, found.doc)
    assert made.metadata().partition_columns == list(found.partition_by)
    fields = {field.name: field for field in made.schema().fields}
    assert {name: (field.nullable, field.metadata) for name, field in fields.items()} == {
        column.name: (column.nullable, {"comment": column.doc}) for column in found.columns
    }


def test_names_are_distinct() -> None:
    assert len({found.name for found in TABLES}) == len(TABLES)


@pytest.mark.parametrize("found", TABLES, ids=lambda found: found.name)
def test_arrow_and_spark_agree(found: Table) -> None:
    """On names, order and nulls; on types they agree by way of `Column.type`."""
    of_arrow = [(field.name, field.nullable, field.metadata[b"comment"].decode()) for field in arrow.schema(found)]
    of_spark = [(field.name, field.nullable, field.metadata["comment"]) for field in spark.schema(found)]
    assert of_arrow == of_spark == [(column.name, column.nullable, column.doc) for column in found.columns]
    assert arrow.TYPES.keys() == spark.TYPES.keys()


def test_simulated_platforms() -> None:
    assert [is_simulated(name) for name in ("sample-a", "sample", "twitter", "a-sample-")] == [
        True,
        False,
        False,
        False,
    ]
