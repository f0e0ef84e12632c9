"""How the database reads tables and writes them."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.backends.duck import DuckBackend, database
from jobs.warehouse.storage import Warehouse
from schemas.arrow import schema, sorted_by_grain
from schemas.engagement import ENGAGEMENT
from schemas.table import Column
from tests.fixture_types import ArrowRows

DAYS = [date(2026, 11, 3), date(2026, 11, 4)]


def filled(root: Path, arrow_rows: ArrowRows) -> Warehouse:
    """A warehouse in this folder with a row of `engagement` for each day."""
    warehouse = Warehouse(str(root))
    warehouse.create_tables()
    for day in DAYS:
        warehouse.replace(ENGAGEMENT, arrow_rows(ENGAGEMENT, [{"day": day}]), {"day": day}, run_id="r", job="j")
    return warehouse


def read(warehouse: Warehouse, *days: date) -> pa.Table:
    with database() as db:
        backend = DuckBackend(db)
        return backend.arrow(backend.read(warehouse, ENGAGEMENT, {"day": days})).cast(schema(ENGAGEMENT))


@pytest.mark.integration
@pytest.mark.parametrize("name", ["warehouse", "it's {a} warehouse", "[ab]*?"])
def test_a_table_is_read_wherever_it_is(tmp_path: Path, arrow_rows: ArrowRows, name: str) -> None:
    warehouse = filled(tmp_path / name, arrow_rows)
    assert sorted_by_grain(ENGAGEMENT, read(warehouse, *DAYS)).equals(
        sorted_by_grain(ENGAGEMENT, warehouse.read(ENGAGEMENT))
    )
    assert read(warehouse, DAYS[1])["day"].to_pylist() == DAYS[1:]
    assert read(warehouse, date(2026, 11, 5)).num_rows == 0


@pytest.mark.integration
def test_a_column_that_the_contract_gained_is_null_in_older_files(tmp_path: Path, arrow_rows: ArrowRows) -> None:
    warehouse = filled(tmp_path / "warehouse", arrow_rows)
    gained = replace(ENGAGEMENT, columns=(*ENGAGEMENT.columns, Column("gained", "string", "New.", nullable=True)))
    with database() as db:
        backend = DuckBackend(db)
        found = backend.arrow(backend.read(warehouse, gained, {"day": tuple(DAYS)}))
    assert (found.column_names[-1], found["gained"].null_count) == ("gained", 2)
