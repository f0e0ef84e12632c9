"""DuckDB databases: those that spill what exceeds their memory into a folder of their own, so any number of rows fits, and one
in memory for queries of registered rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from uuid import uuid4

import duckdb

MEMORY_BYTES = 1_000_000_000  # leaves memory for Spark and Arrow on a small machine; usual days fit


def quoted(text: str) -> str:
    """A literal of DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"


def connect(folder: Path, *, in_memory: bool = False, memory_bytes: int = MEMORY_BYTES) -> duckdb.DuckDBPyConnection:
    """Opens a database file in the folder, which must exist. A database `in_memory` uses the folder only for what exceeds its
    memory: rows that are written and read once then take half of the time, because nothing compresses them."""
    db = duckdb.connect(":memory:" if in_memory else folder / "scratch.duckdb")
    _limit(db, memory_bytes, folder / "spill")
    return db


@contextmanager
def separate(memory_bytes: int = MEMORY_BYTES) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a temporary folder ($TMPDIR) that is removed afterwards, with memory, functions and settings of its own.
    To start it takes 15 ms."""
    with TemporaryDirectory(prefix="clout-") as folder, connect(Path(folder), memory_bytes=memory_bytes) as db:
        yield db


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """As `separate`, but in 3 ms: its tables are its own, while all such databases of this process share `MEMORY_BYTES`, and
    with them functions and settings."""
    with TemporaryDirectory(prefix="clout-") as folder, shared() as all_of_process:
        name = f'"{Path(folder).name}"'
        all_of_process.execute(f"attach {quoted(folder + '/scratch.duckdb')} as {name}")
        try:
            with shared() as db:  # which ends with its results, open ones too
                db.execute(f"use {name}")
                yield db
        finally:
            all_of_process.execute(f"detach {name}")


def shared() -> duckdb.DuckDBPyConnection:
    """A connection, to be closed, to a database in memory that all queries of this process share. Others see its tables, but
    not its registered rows."""
    return _process().cursor()


@cache
def _process() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    _limit(db, MEMORY_BYTES, Path(gettempdir()) / f"clout-{uuid4().hex}")
    return db


def _limit(db: duckdb.DuckDBPyConnection, memory_bytes: int, spill: Path) -> None:
    db.execute(f"set memory_limit = '{memory_bytes}B'")
    db.execute(f"set temp_directory = {quoted(str(spill))}")  # DuckDB makes the folder when it needs it, and removes it
