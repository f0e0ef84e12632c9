"""DuckDB databases: those that spill what exceeds their memory into a folder of their own, so any number of rows fits, and one
in memory for queries of registered rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

MEMORY_BYTES = 1_000_000_000  # leaves memory for Spark and Arrow on a small machine; usual days fit


def quoted(text: str) -> str:
    """A literal of DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"


def connect(folder: Path, *, in_memory: bool = False, memory_bytes: int = MEMORY_BYTES) -> duckdb.DuckDBPyConnection:
    """Opens a database file in the folder, which must exist. A database `in_memory` uses the folder only for what exceeds its
    memory: rows that are written and read once then take half of the time, because nothing compresses them."""
    db = duckdb.connect(":memory:" if in_memory else folder / "scratch.duckdb")
    db.execute(f"set memory_limit = '{memory_bytes}B'")
    db.execute(f"set temp_directory = {quoted(str(folder / 'spill'))}")
    return db


@contextmanager
def scratch(memory_bytes: int = MEMORY_BYTES) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a temporary folder ($TMPDIR) that is removed afterwards."""
    with TemporaryDirectory(prefix="clout-") as folder, connect(Path(folder), memory_bytes=memory_bytes) as db:
        yield db


def shared() -> duckdb.DuckDBPyConnection:
    """A connection, to be closed, to a database in memory that all queries of this process share: a database of their own would
    take 20 ms. Others see its tables, but not its registered rows."""
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()
