"""Chooses the backend of a day."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from jobs.backends import Backend, duck
from jobs.backends.duck import DuckBackend
from jobs.sql import names

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# A window with more rows than this for each pair that fits goes to Spark unread: to count its pairs takes minutes, and there
# would most likely be too many.
ROWS_OF_A_PAIR = 4


@contextmanager
def backend(
    session: "Callable[[], SparkSession]",
    engine: str,
    rows: int,
    accounts: Callable[[DuckBackend], Sequence[tuple[str, Sequence[str]]]],
) -> Iterator[Backend[Any]]:
    """The backend of a day of this many rows, to be scored with the named engine: DuckDB if the day fits, else Spark, whose
    session this starts. `accounts` returns the day's tables, each with its columns that name accounts."""
    if duck.scores(engine, rows // ROWS_OF_A_PAIR):
        with duck.in_duckdb() as in_process:
            held = accounts(in_process)
            pairs = cache(lambda: in_process.pairs(held))

            def fits() -> bool:
                numbered = in_process.accounts
                return duck.scores(engine, rows, numbered) or duck.scores(engine, pairs(), numbered)

            if fits():
                in_process.number(names(in_process, held))
                if fits():
                    yield in_process
                    return
    from jobs.backends.spark import in_spark

    with in_spark(session(), rows) as distributed:
        yield distributed
