"""The backend for days that fit the memory budget of this process: DuckDB, which needs a tenth of Spark's processor time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import date
from glob import escape
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from duckdb.func import PythonUDFType

from jobs.engines import AUTO, memory
from jobs.engines.memory import Need
from jobs.memory_budget import budget_bytes
from jobs.score import java_logarithms
from jobs.scratch import MEMORY_BYTES, quoted, separate
from jobs.sql import ENDS
from jobs.warehouse import counted
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.table import Table

if TYPE_CHECKING:
    import duckdb

ROWS_OF_A_BATCH = 65_536
DATABASE_SHARE = 0.8  # of the budget that is free for the database, which exceeds its limit by some buffers
BYTES_OF_A_REPORT = 150
PARTED = 500_000  # accounts of a day whose pairs are made one part of the accounts after the other
ACCOUNTS_OF_A_PART = 50_000  # with ten pairs each, their groups take some 50 MB
SAMPLED = 64  # of 200 million pairs, one in 64 shows their number with an error of 0.06 %
LEAST_BYTES = 100_000_000  # of the budget for the database: enough to stream rows while the arrays are in memory

ENGINE = "memory"
ACCOUNTS = "accounts"  # table (name, number), the numbers from 0 on in the order of the names

TYPES = {"string": "varchar", "date": "date"}  # DuckDB's, of the columns that partition tables

# Functions of Spark's dialect that DuckDB lacks.
MACROS = {
    "rint(x)": "round_even(x, 0)",
    "shiftleft(x, bits)": "x << bits",
    "shiftright(x, bits)": "x >> bits",
    "pmod(x, n)": "x % n",
}


@contextmanager
def database(memory_bytes: int = MEMORY_BYTES) -> Iterator["duckdb.DuckDBPyConnection"]:
    """A database of its own (`jobs.scratch`), with the functions of the score's SQL."""
    with separate(memory_bytes, prepare=_add_logarithms) as db:
        for signature, body in MACROS.items():
            db.execute(f"create macro {signature} as {body}")
        yield db


def _add_logarithms(process: "duckdb.DuckDBPyConnection") -> None:
    for name, logarithm in (("java_log2", java_logarithms.log2), ("java_log1p", java_logarithms.log1p)):
        process.create_function(name, _of_arrow(logarithm), ["double"], "double", type=PythonUDFType.ARROW)


def _of_arrow(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[pa.ChunkedArray], pa.Array]:
    return lambda values: pa.array(function(values.to_numpy()))


class DuckBackend:
    """Its tables are text: the name of a table or a view, or a query in brackets."""

    log2, log1p = "java_log2({})", "java_log1p({})"
    spark_partitions, is_distributed = 1, False

    def __init__(self, db: "duckdb.DuckDBPyConnection") -> None:
        self.db = db
        self._names = (f"table_{number}" for number in count())
        self._budget = budget_bytes()  # now: what is free shrinks by what the database holds
        self.accounts = 0  # how many are numbered

    def pairs(self, held: Iterable[tuple[str, Sequence[str]]]) -> int:
        """How many different pairs the tables with columns `ENDS` hold: an estimate, from one in `SAMPLED` pairs."""
        pairs = " union all ".join(f"select src, dst from {table}" for table, columns in held if columns == ENDS)
        sample = f"select distinct src, dst from ({pairs}) where hash(src, dst) % {SAMPLED} = 0"
        ((count,),) = self.db.sql(f"select count(*) from ({sample})").fetchall()
        return SAMPLED * count

    def number(self, names: str) -> None:
        """Numbers the accounts of a table (name), which may repeat them."""
        self.db.execute(f"""
            create temp table {ACCOUNTS} as
            select name, cast(row_number() over (order by name) - 1 as int) as number from (select distinct name from {names})
        """)
        ((self.accounts,),) = self.db.sql(f"select count(*) from {ACCOUNTS}").fetchall()

    def query(self, text: str, /, **tables: str) -> str:
        """As `Backend.query`."""
        return f"({text.format(**tables)})"

    def local(self, rows: Any) -> str:
        """As `Backend.local`, also for an Arrow dataset."""
        name = next(self._names)
        self.db.register(name, rows)
        return name

    def with_totals(self, table: str, by: str, **totals: str) -> str:
        """As `Backend.with_totals`. Joins the totals, because a window would sort all rows."""
        sums = ", ".join(f"cast(sum({value}) as bigint) as {name}" for name, value in totals.items())
        by_each = f"select {by}, {sums} from given group by {by}"
        return f"(with given as materialized (from {table}) select * from given join ({by_each}) using ({by}))"

    def numbered(self, table: str, *columns: str) -> str:
        """As `Backend.numbered`."""
        return self._replaced(table, columns, "name", "number")

    def named(self, table: str, *columns: str) -> str:
        """As `Backend.named`."""
        return self._replaced(table, columns, "number", "name")

    @staticmethod
    def _replaced(table: str, columns: tuple[str, ...], by: str, to: str) -> str:
        new = ", ".join(f"of_{column}.{to} as {column}" for column in columns)
        joins = " ".join(f"join {ACCOUNTS} as of_{column} on given.{column} = of_{column}.{by}" for column in columns)
        return f"(select given.* replace ({new}) from {table} as given {joins})"

    def read(self, warehouse: Warehouse, table: Table, partition: Partition, version: int | None = None) -> str:
        """As `Backend.read`."""
        found = warehouse.dataset(table, partition, version=version)
        paths = [f"{warehouse.path(table)}/{file}" for file in found.files]
        if not paths or not warehouse.is_local or escape(warehouse.root) != warehouse.root:
            return self.local(found)
        # DuckDB's own reader takes a quarter of the time. Older files lack columns that the contract gained later.
        return self.query(
            """
            select {columns}
            from (from {none} union all by name from read_parquet({paths}, hive_types = {types}, union_by_name = true))
            """,
            columns=", ".join(table.column_names),
            none=self.local(arrow.schema(table).empty_table()),
            paths=f"[{', '.join(map(quoted, paths))}]",
            types=str({name: TYPES[table.column(name).type] for name in table.partition_by}),
        )

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

    def kept_by_actor(self, make: Callable[..., str], *tables: str) -> str:
        """As `Backend.kept_by_actor`. The groups of all pairs of a large day would exceed the memory, and miss the processor's
        caches. Files are sorted by name. So the rows of a part lie in few blocks of the kept tables."""
        if self.accounts <= PARTED:
            return self.kept(make(*(self.numbered(table, *ENDS) for table in tables)))
        whole = [self.kept(self.numbered(self._with_codes(table), *ENDS)) for table in tables]
        name = next(self._names)
        for first in range(0, self.accounts, ACCOUNTS_OF_A_PART):
            actors = f"src between {first} and {first + ACCOUNTS_OF_A_PART - 1}"
            rows = make(*(f"(from {table} where {actors})" for table in whole))
            self.db.execute(f"insert into {name} from {rows}" if first else f"create temp table {name} as from {rows}")
        for table in whole:
            self.db.execute(f"drop table {table}")
        return name

    def _with_codes(self, table: str) -> str:
        """The table with a code of one byte, DuckDB's `enum`, in place of each text."""
        codes = []
        for column, kind in self.db.sql(f"describe from {table}").project("column_name, column_type").fetchall():
            if kind == "VARCHAR" and column not in ENDS:
                code = next(self._names)
                self.db.execute(f"create temp type {code} as enum (select distinct {column} from {table} order by 1)")
                codes.append(f"{column}::{code} as {column}")
        return f"(select * replace ({', '.join(codes)}) from {table})" if codes else table

    def staged(self, table: str) -> str:
        """As `Backend.staged`: each join of a statement keeps one side in memory, and six joins of 20 million people exceed
        10 GB."""
        return self.kept(table)

    def need(self, edges: str) -> Need:
        """As `Backend.need`."""
        ((pairs,),) = self.db.sql(f"select count(*) from {edges}").fetchall()
        return _need(pairs, self.accounts)

    def sums(self, edges: str, rounds: int, engine: str, need: Need) -> tuple[str, str]:
        """As `Backend.sums`."""
        # The database makes room for the arrays.
        self.db.execute(f"set memory_limit = '{_limit(max(LEAST_BYTES, self._budget - need.needed_bytes))}B'")
        batches = self.db.sql(f"select src, dst, a from {edges}").to_arrow_reader(ROWS_OF_A_BATCH)
        sums = memory.table_of_numbers(batches, need.pairs, need.people, rounds)
        self.db.execute(f"set memory_limit = '{_limit(self._budget)}B'")
        return ENGINE, self.local(sums)

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


@contextmanager
def in_duckdb() -> Iterator[DuckBackend]:
    """The backend, with a database of its own."""
    with large_database() as db:
        yield DuckBackend(db)


def counts(reports: int) -> bool:
    """Whether this process counts the acts of so many reports. The database spills what exceeds its part of the budget."""
    return reports * BYTES_OF_A_REPORT + LEAST_BYTES <= budget_bytes()


def scores(engine: str, pairs: int, accounts: int = 0) -> bool:
    """Whether this process scores a day of so many pairs and accounts with the named engine: that may be `memory`, whose limits
    and budget hold them."""
    return engine in (AUTO, ENGINE) and _need(pairs, accounts).fits(budget_bytes() - LEAST_BYTES)


def _need(pairs: int, accounts: int) -> Need:
    return Need(pairs, accounts, 0, memory.numbered_bytes(pairs, accounts))


def _limit(free: int) -> int:
    """The limit of a database that has this many bytes."""
    return int(DATABASE_SHARE * free)


@contextmanager
def large_database() -> Iterator["duckdb.DuckDBPyConnection"]:
    """Like `database`, but may use the memory budget."""
    with database(_limit(budget_bytes())) as db:
        db.execute("set preserve_insertion_order = false")  # would hold rows in memory
        yield db
