"""Chooses the backend of a day."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.backends import Backend, duck
from jobs.backends.duck import DuckBackend

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def backend(
    session: "Callable[[], SparkSession]", engine: str, rows: int, names: Callable[[DuckBackend], str]
) -> Iterator[Backend[Any]]:
    """The backend of a day of this many rows, to be scored with the named engine: DuckDB if the day fits, else Spark, whose
    session this starts. `names` returns (name) of the day's accounts, which may repeat them."""
    if duck.scores(engine, rows):
        with duck.in_duckdb() as in_process:
            in_process.number(names(in_process))
            if duck.scores(engine, rows, in_process.accounts):
                yield in_process
                return
    from jobs.backends.spark import in_spark

    with in_spark(session(), rows) as distributed:
        yield distributed
