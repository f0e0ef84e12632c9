"""What does not fit a contract is reported in full: every column at once, expected beside found."""

from typing import Any

import pyarrow as pa
import pytest

from schemas import arrow
from schemas.table import Column, ContractError, Table

TABLE = Table(
    name="t",
    version=1,
    doc="A table.",
    grain=("day", "id"),
    partition_by=("day",),
    columns=(
        Column("id", "string", "Who."),
        Column("day", "date", "When."),
        Column("at", "timestamp", "When exactly.", nullable=True),
        Column("share", "double", "How much."),
    ),
)
ROW = {"id": "a", "day": None, "at": None, "share": 1.0}


def rows(*records: Any) -> pa.Table:
    return pa.Table.from_pylist(list(records), schema=arrow.schema(TABLE))


def test_schema() -> None:
    assert arrow.schema(TABLE).equals(
        pa.schema(
            [
                pa.field("id", pa.string(), nullable=False, metadata={"comment": "Who."}),
                pa.field("day", pa.date32(), nullable=False, metadata={"comment": "When."}),
                pa.field("at", pa.timestamp("us", tz="UTC"), nullable=True, metadata={"comment": "When exactly."}),
                pa.field("share", pa.float64(), nullable=False, metadata={"comment": "How much."}),
            ]
        ),
        check_metadata=True,
    )


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        pytest.param(
            pa.schema([("id", pa.int64()), ("day", pa.date32()), ("at", pa.timestamp("us")), ("more", pa.string())]),
            "t: share: expected double, missing; id: expected string, found int64;"
            " at: expected timestamp[us, tz=UTC], found timestamp[us]; more: not in the contract, found string",
            id="missing, other and unknown columns",
        ),
        pytest.param(
            pa.schema([arrow.schema(TABLE).field(name) for name in ("day", "id", "at", "share")]),
            "t: columns out of order: expected ['id', 'day', 'at', 'share'], found ['day', 'id', 'at', 'share']",
            id="order",
        ),
    ],
)
def test_another_schema(found: pa.Schema, fault: str) -> None:
    with pytest.raises(ContractError) as error:
        arrow.check_schema(TABLE, found)
    assert str(error.value) == fault


def test_nulls() -> None:
    with pytest.raises(ContractError) as error:
        arrow.check(TABLE, rows(ROW, ROW | {"share": None}, ROW | {"at": 0}))
    assert str(error.value) == "t: day: 3 nulls, expected 0; share: 1 nulls, expected 0"


def test_what_fits() -> None:
    arrow.check(TABLE, rows(ROW | {"day": 1}))
    arrow.check(TABLE, rows())
    arrow.check(TABLE, rows(ROW | {"day": 1}).to_batches()[0])


def test_sorted_by_grain() -> None:
    """In the order of the grain, and with its columns as the contract has them."""
    mixed = rows(ROW | {"id": "b", "day": 1}, ROW | {"id": "a", "day": 2}, ROW | {"id": "a", "day": 1, "share": 2.0})
    found = arrow.sorted_by_grain(TABLE, mixed.select(["share", "day", "at", "id"]))
    assert found.column_names == ["id", "day", "at", "share"]
    assert [(row["day"].day, row["id"], row["share"]) for row in found.to_pylist()] == [
        (2, "a", 2.0),
        (2, "b", 1.0),
        (3, "a", 1.0),
    ]
