"""Two backends that run the SQL of the score: Spark, and DuckDB in this process, without a JVM, for days that fit.

The rows are the same, bit for bit, because sums add whole numbers and both backends compute the JVM's logarithms.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any, Protocol

import pyarrow as pa

from jobs.engines.memory import Need
from jobs.sql import Sql, T
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.table import Table


class Backend(Sql[T], Protocol):
    """Reads, computes and writes tables of type T."""

    def numbered(self, table: T, *columns: str) -> T:
        """The table with numbers in place of the account names in these columns, if the backend numbers accounts: 32-bit
        integers in the order of the names. Leaves out rows that name other accounts than those of the day."""
        ...

    def named(self, table: T, *columns: str) -> T:
        """The table with the accounts' names in place of their numbers: the inverse of `numbered`."""
        ...

    def read(self, warehouse: Warehouse, table: Table, partition: Partition, version: int | None = None) -> T:
        """The files of a partition. As with `Warehouse.dataset`, they may hold other rows too."""
        ...

    def counted(
        self, warehouse: Warehouse, table: Table, version: int, coverage: int, first_day: date, last_day: date
    ) -> T:
        """The rows of these days that count (`jobs.warehouse.counted`)."""
        ...

    def kept(self, table: T) -> T:
        """The table, computed once and kept until the backend is closed."""
        ...

    def kept_by_actor(self, make: Callable[..., T], *tables: T) -> T:
        """`make` of these tables, with their columns `ENDS` as from `numbered`; computed once and kept. A row of the result may
        depend only on rows with its own `src`: the backend may make one part of the accounts after the other."""
        ...

    def staged(self, table: T) -> T:
        """The table, kept before other statements read it, if the backend cannot hold the joins of both at once."""
        ...

    def need(self, edges: T) -> Need:
        """The size of edges (src, dst, a)."""
        ...

    def sums(self, edges: T, rounds: int, engine: str, need: Need) -> tuple[str, T]:
        """The name of the engine that adds up the edges, and its sums (`jobs.engines`), kept."""
        ...

    def write(
        self, warehouse: Warehouse, table: Table, rows: T, partition: Partition, *, run_id: str, job: str
    ) -> None:
        """Replaces the partition, as `Warehouse.replace` does."""
        ...

    def arrow(self, table: T) -> pa.Table:
        """The rows, held in memory."""
        ...

    def step(self, name: str) -> AbstractContextManager[Any]:
        """Names what runs within the block."""
        ...
