"""Rows for the tests of tables, and threads that write at once."""

import threading
from collections.abc import Callable
from datetime import date

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from jobs.warehouse.storage import Warehouse
from schemas.rejects import REJECTS
from schemas.table import Table

DAY = date(2026, 11, 3)


@pytest.fixture
def reject(arrow_rows) -> Callable[..., pa.Table]:
    """Rejects of a source, a line each."""
    return lambda source="a", day=DAY, lines=1, reason="": arrow_rows(
        REJECTS, [{"day": day, "source": source, "line": n + 1, "reason": reason} for n in range(lines)]
    )


@pytest.fixture
def frame(spark, arrow_rows):
    """Rows of a contract as a Spark frame that needs no Python in Spark."""
    return lambda table, records: spark.createDataFrame(arrow_rows(table, records))


@pytest.fixture
def meeting(monkeypatch) -> Callable[[int], None]:
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
