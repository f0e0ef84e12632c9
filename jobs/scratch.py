"""DuckDB with a folder of its own, to which it spills what exceeds its memory: any number of rows fits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

MEMORY_LIMIT = "1GB"  # leaves room for Spark and Arrow on a small machine; more gains little, less spills sooner


def connect(folder: Path) -> duckdb.DuckDBPyConnection:
    """Opens a database file in the folder, which must exist."""
    db = duckdb.connect(folder / "scratch.duckdb")
    db.execute(f"set memory_limit = '{MEMORY_LIMIT}'")
    db.execute(f"set temp_directory = '{str(folder / 'spill').replace(chr(39), chr(39) * 2)}'")
    return db


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in a temporary folder ($TMPDIR) that is removed afterwards."""
    with TemporaryDirectory(prefix="clout-") as folder, connect(Path(folder)) as db:
        yield db
