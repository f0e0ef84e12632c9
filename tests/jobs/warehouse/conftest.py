"""Rows for the tests of tables, warehouses before a pull, and threads that write at once."""

import shutil
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.table import Table
from tests.fixture_types import ArrowRows, SparkRows
from tests.jobs.warehouse.deciding import EARLIER, pull

DAY = date(2026, 11, 3)


@pytest.fixture
def reject(arrow_rows: ArrowRows) -> Callable[..., pa.Table]:
    """Rejects of a source, a line each."""
    return lambda source="a", day=DAY, lines=1, reason="": arrow_rows(
        REJECTS, [{"day": day, "source": source, "line": n + 1, "reason": reason} for n in range(lines)]
    )


@pytest.fixture
def frame(spark: SparkSession, arrow_rows: ArrowRows) -> SparkRows:
    """Rows of a contract as a Spark frame that needs no Python in Spark."""
    return lambda table, records: spark.createDataFrame(arrow_rows(table, records))


@pytest.fixture
def meeting(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """`meeting(2)`: from now on two threads that write both open the table before either writes to it."""

    def meet(writers: int) -> None:
        barrier, met, delta = threading.Barrier(writers, timeout=20), set(), Warehouse.delta

        def opened(self: Warehouse, table: Table, version: int | None = None) -> DeltaTable:
            found = delta(self, table, version)
            thread = threading.current_thread()
            if thread not in met and thread is not threading.main_thread():
                met.add(thread)
                barrier.wait()
            return found

        monkeypatch.setattr(Warehouse, "delta", opened)

    return meet


@pytest.fixture(params=["nothing", "a pull"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """`before()`: a new warehouse in which nothing was pulled, or something was."""
    made = Warehouse(str(tmp_path / "before"))
    made.create_tables()
    if request.param != "nothing":
        pull(made, EARLIER)
    if request.param == "a pull of an earlier version":  # which named no pull and took no digests
        for table in (ACTIVITY, ACCOUNTS, REJECTS, COVERAGE):
            made.delta(table).update({"pull": "null"})
        made.delta(COVERAGE).update({"activity_digest": "null", "accounts_digest": "null"})
    copies = iter(range(1000))
    return lambda: str(shutil.copytree(made.root, tmp_path / f"copy{next(copies)}"))
