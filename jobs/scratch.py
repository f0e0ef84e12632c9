"""DuckDB databases: those that spill what exceeds their memory into a folder of their own, so any number of rows fits, and one
in memory for queries of registered rows."""

import atexit
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from uuid import uuid4

import duckdb

MEMORY_BYTES = 1_000_000_000  # leaves memory for Spark and Arrow on a small machine; usual days fit
SETTINGS = ("preserve_insertion_order", "threads")  # that users of a DuckDB of their own may change, beside its limits

_HELD = "select tag from duckdb_memory() where memory_usage_bytes > 0 and tag <> 'OBJECT_CACHE'"

Prepare = Callable[[duckdb.DuckDBPyConnection], None]

_idle: defaultdict[Prepare | None, list[duckdb.DuckDBPyConnection]] = defaultdict(list)  # started, and used by nobody


def quoted(text: str) -> str:
    """A literal of DuckDB's SQL."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def separate(
    memory_bytes: int = MEMORY_BYTES, *, in_memory: bool = False, prepare: Prepare | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a temporary folder ($TMPDIR) that is removed afterwards, with memory and `SETTINGS` of its own. A database
    `in_memory` uses the folder only for what exceeds its memory: rows that are written and read once then take half of the
    time, because nothing compresses them. `prepare` creates the functions that all its databases have."""
    with (
        TemporaryDirectory(prefix="clout-") as folder,
        _alone(memory_bytes, Path(folder, "spill"), prepare) as process,
        _attached(process, folder, in_memory=in_memory) as db,
    ):
        yield db


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """As `separate`, but its memory, functions and settings are shared: all such databases of this process have `MEMORY_BYTES`
    together."""
    with TemporaryDirectory(prefix="clout-") as folder, shared() as process, _attached(process, folder) as db:
        yield db


def beside(db: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same database, for a result that stays open while `db` is used. `db` must have no open
    result."""
    ((name,),) = db.execute("select current_catalog()").fetchall()
    other = db.cursor()
    other.execute(f'use "{name}"')
    return other


def shared() -> duckdb.DuckDBPyConnection:
    """A connection, to be closed, to a database in memory that all queries of this process share. Others see its tables, but
    not its registered rows."""
    return _process().cursor()


@cache
def _process() -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    _limit(db, MEMORY_BYTES, Path(gettempdir()) / f"clout-{uuid4().hex}")
    return db


@contextmanager
def _alone(memory_bytes: int, spill: Path, prepare: Prepare | None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that nobody else uses meanwhile. To start one takes 20 ms, so it is kept for the next caller, unless the block
    raised, or a result is still open, or DuckDB spilled: it then refuses another folder."""
    try:
        process = _idle[prepare].pop()
    except IndexError:
        process = duckdb.connect()
        if prepare:
            prepare(process)
    is_fit = False
    try:
        for setting in SETTINGS:
            process.execute(f"reset {setting}")
        _limit(process, memory_bytes, spill)
        yield process
        process.execute("reset memory_limit")  # gives free memory back to the system, which DuckDB else keeps
        is_fit = not spill.exists() and not process.execute(_HELD).fetchall()
    finally:
        if is_fit:
            _idle[prepare].append(process)
        else:
            process.close()


@atexit.register
def _close() -> None:
    """Else Python would report the functions that DuckDB holds as leaked."""
    for started in _idle.values():
        while started:
            started.pop().close()


@contextmanager
def _attached(
    process: duckdb.DuckDBPyConnection, folder: str, *, in_memory: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to a database of its own, which is removed afterwards, in this folder or in memory."""
    name = f'"{Path(folder).name}"'
    process.execute(f"attach {quoted(':memory:' if in_memory else f'{folder}/scratch.duckdb')} as {name}")
    try:
        with process.cursor() as db:  # which ends with its results, open ones too
            db.execute(f"use {name}")
            yield db
    finally:
        process.execute(f"detach {name}")


def _limit(db: duckdb.DuckDBPyConnection, memory_bytes: int, spill: Path) -> None:
    db.execute(f"set temp_directory = {quoted(str(spill))}")  # DuckDB makes the folder when it needs it, and removes it
    db.execute(f"set memory_limit = '{memory_bytes}B'")
