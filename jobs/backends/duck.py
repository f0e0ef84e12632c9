"""The backend for days of few rows: DuckDB in this process. Spark would need more time to start than DuckDB for the day."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from duckdb.func import PythonUDFType

from jobs.engines import AUTO, memory
from jobs.engines.budget import budget_bytes
from jobs.engines.memory import Need
from jobs.score import java_logarithms
from jobs.scratch import scratch
from jobs.warehouse import counted
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.table import Table

if TYPE_CHECKING:
    import duckdb

# Days of more rows are left to Spark, which divides them among its tasks.
MOST_ROWS = 2_000_000
ROWS_OF_A_BATCH = 65_536
NAME_BYTES = 64  # more than an account's name has on any platform

ENGINE = "memory"

# Functions of Spark's dialect that DuckDB lacks. A hash only orders and never decides.
MACROS = {
    "rint(x)": "round_even(x, 0)",
    "shiftleft(x, bits)": "x << bits",
    "shiftright(x, bits)": "x >> bits",
    "xxhash64(one, other)": "hash(one, other)",
    "pmod(x, n)": "x % n",
}


@contextmanager
def database() -> Iterator["duckdb.DuckDBPyConnection"]:
    """A database of its own (`jobs.scratch`), with the functions of the score's SQL."""
    with scratch() as db:
        for signature, body in MACROS.items():
            db.execute(f"create macro {signature} as {body}")
        for name, logarithm in (("java_log2", java_logarithms.log2), ("java_log1p", java_logarithms.log1p)):
            db.create_function(name, _of_arrow(logarithm), ["double"], "double", type=PythonUDFType.ARROW)
        yield db


def _of_arrow(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda values: pa.array(function(values.to_numpy()))


class DuckBackend:
    """Its tables are text: the name of a table or a view, or a query in brackets."""

    log2, log1p = "java_log2({})", "java_log1p({})"
    spark_partitions = 1

    def __init__(self, db: "duckdb.DuckDBPyConnection") -> None:
        self.db = db
        self._names = (f"table_{number}" for number in count())

    def query(self, text: str, /, **tables: str) -> str:
        """As `Backend.query`."""
        return f"({text.format(**tables)})"

    def local(self, rows: Any) -> str:
        """As `Backend.local`, also for an Arrow dataset."""
        name = next(self._names)
        self.db.register(name, rows)
        return name

    def read(self, warehouse: Warehouse, table: Table, partition: Partition, version: int | None = None) -> str:
        """As `Backend.read`."""
        return self.local(warehouse.dataset(table, partition, version=version))

    def counted(
        self, warehouse: Warehouse, table: Table, version: int, coverage: int, first_day: date, last_day: date
    ) -> str:
        """As `Backend.counted`."""
        return self.local(counted.dataset(warehouse, table, version, coverage, first_day, last_day))

    def kept(self, table: str) -> str:
        """As `Backend.kept`."""
        name = next(self._names)
        self.db.execute(f"create temp table {name} as from {table}")
        return name

    def need(self, edges: str) -> Need:
        """As `Backend.need`."""
        lengths = "coalesce(sum(strlen(src) + strlen(dst)), 0)::bigint"
        ((pairs, name_bytes),) = self.db.sql(f"select count(*), {lengths} from {edges}").fetchall()
        return Need(pairs, 2 * pairs, name_bytes, memory.needed_bytes(pairs, 2 * pairs, name_bytes))

    def sums(self, edges: str, rounds: int, engine: str, need: Need) -> tuple[str, str]:
        """As `Backend.sums`."""
        pulled = self.db.sql(f"select src, dst, a from {edges}").to_arrow_table()
        return ENGINE, self.local(memory.table_of_sums(pulled, rounds))

    def write(
        self, warehouse: Warehouse, table: Table, rows: str, partition: Partition, *, run_id: str, job: str
    ) -> None:
        """As `Backend.write`. Sorts the rows by the table's grain."""
        ordered = f"select {', '.join(table.column_names)} from {rows} order by {', '.join(table.grain)}"
        reader = self.db.sql(ordered).to_arrow_reader(ROWS_OF_A_BATCH)
        warehouse.replace(table, reader, partition, run_id=run_id, job=job)

    def arrow(self, table: str) -> pa.Table:
        """As `Backend.arrow`."""
        return self.db.sql(f"from {table}").to_arrow_table()

    def step(self, name: str) -> AbstractContextManager[None]:
        """As `Backend.step`; DuckDB shows it nowhere."""
        return nullcontext()


def suits(engine: str, rows: int) -> bool:
    """Whether DuckDB takes a day of this many rows: they are few, engine `memory` may add them, and they fit its budget."""
    most = memory.needed_bytes(rows, 2 * rows, 2 * rows * NAME_BYTES)
    return engine in (AUTO, ENGINE) and rows <= MOST_ROWS and most <= budget_bytes()


@contextmanager
def in_duckdb() -> Iterator[DuckBackend]:
    """The backend, with a database of its own."""
    with database() as db:
        yield DuckBackend(db)
