"""SQL for two dialects: Spark's and DuckDB's. `jobs.backends` runs it.

The equations of the score are text in the common subset of both dialects. Placeholders such as `{engagement}` stand for tables.
Hints (`/*+ */`) are for Spark; DuckDB reads them as comments.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import pyarrow as pa

T = TypeVar("T")

ENDS = ("src", "dst")  # the columns that name the accounts of a pair


class Sql(Protocol[T]):
    """Runs SQL over tables of type T: Spark frames, or names and queries of DuckDB."""

    log2: str  # the JVM's logarithm to base 2, for `str.format`
    log1p: str  # the JVM's log(1 + x)
    spark_partitions: int  # to use for the rows of the day
    is_distributed: bool  # whether tasks share the rows

    def query(self, text: str, /, **tables: T) -> T:
        """The result of the query, which runs when it is read. Tables replace their placeholders."""
        ...

    def local(self, rows: pa.Table) -> T:
        """Rows of this process as a table."""
        ...

    def with_totals(self, table: T, by: str, **totals: str) -> T:
        """The rows of `with_totals_sql`."""
        ...


def with_totals_sql(rows: str, by: str, **totals: str) -> str:
    """SQL for `rows`, a table or a query in brackets, with a column for each keyword: the sum of the named column of integers
    over the rows with the same value of column `by`."""
    sums = ", ".join(f"sum({value}) over (partition by {by}) as {name}" for name, value in totals.items())
    return f"select *, {sums} from {rows}"


def names(sql: Sql[T], held: Iterable[tuple[T, Sequence[str]]]) -> T:
    """(name) of the accounts that tables hold in these columns, with repetitions."""
    tables = {f"table_{number}": place for number, place in enumerate(held)}
    selects = [
        f"select {column} as name from {{{name}}}" for name, (_, columns) in tables.items() for column in columns
    ]
    return sql.query(" union all ".join(selects), **{name: table for name, (table, _) in tables.items()})
