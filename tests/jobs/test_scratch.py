"""Databases that share a process's memory, and queries that share one of them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.scratch import MEMORY_BYTES, scratch, shared


@pytest.fixture(autouse=True)
def left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test does, it leaves no table, no database and no file."""
    shared().close()  # the process's database exists from here on
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    with shared() as db:
        assert db.sql("show all tables").fetchall() == []
        assert db.sql("select database_name from duckdb_databases() where not internal").fetchall() == [("memory",)]
    assert [*tmp_path.iterdir()] == []


def test_queries_at_the_same_time_see_their_own_rows() -> None:
    with shared() as one, shared() as other:
        one.register("given", pa.table({"number": [1]}))
        other.register("given", pa.table({"number": [2]}))
        assert [db.sql("from given").fetchall() for db in (one, other)] == [[(1,)], [(2,)]]


def test_databases_at_the_same_time_have_their_own_tables() -> None:
    with scratch() as one, scratch() as other:
        for number, db in enumerate((one, other)):
            db.execute(f"create table given as select {number} as number")
            db.execute(f"create temp view seen as select {number} as number")
        assert [db.sql("from given natural join seen").fetchall() for db in (one, other)] == [[(0,)], [(1,)]]


def test_an_error_while_rows_are_read_stays_itself() -> None:
    def fails() -> None:
        with scratch() as db:
            db.execute("create table given as from range(1_000_000)")
            reader = db.sql("from given").to_arrow_reader(1000)
            reader.read_next_batch()
            raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        fails()


def test_tables_are_on_disk_and_memory_is_bounded(tmp_path: Path) -> None:
    with scratch() as db:
        db.execute("create table given as from range(1_000_000)")
        db.execute("checkpoint")
        (file,) = tmp_path.glob("*/scratch.duckdb")
        assert file.stat().st_size > 100_000
        ((limit,),) = db.sql("select current_setting('memory_limit')").fetchall()
        assert float(limit.removesuffix(" MiB")) == pytest.approx(MEMORY_BYTES / 2**20, abs=0.1)
