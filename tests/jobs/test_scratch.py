"""Databases of their own, those that share a process's memory, and queries that share one of them."""

import os
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from duckdb.sqltypes import BIGINT

from jobs import scratch as databases
from jobs.scratch import MEMORY_BYTES, beside, scratch, separate, shared


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


def setting(db: duckdb.DuckDBPyConnection, name: str) -> Any:
    ((value,),) = db.execute(f"select current_setting('{name}')").fetchall()
    return value


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts the DuckDBs that a test starts. None is there before."""
    counts: Counter[str] = Counter()
    connect = duckdb.connect

    def counting(*given: Any) -> duckdb.DuckDBPyConnection:
        counts["started"] += 1
        return connect(*given)

    monkeypatch.setattr(databases, "_idle", defaultdict(list))
    monkeypatch.setattr(duckdb, "connect", counting)
    return counts


@pytest.mark.parametrize("in_memory", [False, True])
def test_who_comes_next_gets_the_same_duckdb_without_what_was_in_it(started: Counter[str], in_memory: bool) -> None:
    with separate(2**28, in_memory=in_memory) as db:
        threads = setting(db, "threads")
        db.execute("create table given as select 1 as number")
        db.execute("create temp table kept as select 2 as number")
        db.execute("create macro plus_one(x) as x + 1")
        db.register("rows", pa.table({"number": [3]}))
        for changed in ("preserve_insertion_order = false", f"threads = {threads + 1}", "memory_limit = '1MB'"):
            db.execute(f"set {changed}")
    with separate(2**29) as db:
        assert db.sql("show all tables").fetchall() == []
        assert (setting(db, "preserve_insertion_order"), setting(db, "memory_limit")) == (True, "512.0 MiB")
        assert setting(db, "threads") == threads
        for gone in ("from given", "from kept", "from rows", "select plus_one(1)"):
            with pytest.raises(duckdb.CatalogException):
                db.execute(gone)
    assert started["started"] == 1


def test_databases_of_their_own_at_the_same_time_are_two_duckdbs(started: Counter[str]) -> None:
    with separate(2**28) as one, separate(2**29) as other:
        assert [setting(db, "memory_limit") for db in (one, other)] == ["256.0 MiB", "512.0 MiB"]
    assert started["started"] == 2


def memory() -> int:
    """Bytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_duckdb_that_waits_for_the_next_holds_no_memory(started: Counter[str]) -> None:
    with separate(2**29) as db:
        before = memory()
        db.execute("create temp table given as select md5(range::varchar) as text from range(3_000_000)")
        needed = memory() - before
    assert needed > 100_000_000
    assert memory() - before < needed / 4


def test_a_duckdb_that_spilled_or_failed_is_not_used_again(started: Counter[str], tmp_path: Path) -> None:
    with separate(2**24, in_memory=True) as db:
        db.execute("create table given as select md5(range::varchar) as text from range(1_000_000)")
        assert [*tmp_path.glob("*/spill/*")]
    with pytest.raises(duckdb.CatalogException), separate() as db:
        db.execute("from nothing")
    with separate():
        assert started["started"] == 3


def test_functions_are_created_once_for_all_databases_that_need_them(started: Counter[str]) -> None:
    def prepare(process: duckdb.DuckDBPyConnection) -> None:
        process.create_function("twice", lambda number: 2 * number, [BIGINT], BIGINT)

    for number in range(3):
        with separate(prepare=prepare) as db:
            assert db.sql(f"select twice({number})").fetchall() == [(2 * number,)]
    with separate() as db, pytest.raises(duckdb.CatalogException):
        db.sql("select twice(1)")
    assert started["started"] == 2


def test_a_duckdb_with_an_open_result_is_not_used_again(started: Counter[str]) -> None:
    with separate(in_memory=True) as db:
        db.execute("create table given as select md5(range::varchar) as text from range(1_000_000)")
        reader = beside(db).sql("from given").to_arrow_reader(1000)
        reader.read_next_batch()
    with separate(2**24):
        assert started["started"] == 2
    assert sum(batch.num_rows for batch in reader) == 999_000


def test_threads_have_databases_of_their_own_at_the_same_time() -> None:
    def number(given: int) -> int:
        with scratch() as db, separate() as other:
            db.execute(f"create table given as select {given} as number")
            other.execute(f"create table given as select {given} as number")
            ((found,),) = db.sql("from given").fetchall()
            return found + other.sql("from given").fetchall()[0][0]

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(number, range(40))) == [2 * given for given in range(40)]


def test_a_connection_beside_reads_the_same_tables_on_its_own() -> None:
    with separate() as db:
        db.execute("create table given as from range(10_000)")
        reader = beside(db).sql("from given").to_arrow_reader(1000)
        reader.read_next_batch()
        db.execute("create table other as from range(3)")
        assert sum(batch.num_rows for batch in reader) == 9000
