"""Chooses the backend of a day."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.backends import Backend, duck

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@contextmanager
def backend(session: "Callable[[], SparkSession]", engine: str, rows: int) -> Iterator[Backend[Any]]:
    """DuckDB if it suits a day of this many rows, to be scored with the named engine; else Spark, whose session this starts."""
    if duck.suits(engine, rows):
        with duck.in_duckdb() as in_process:
            yield in_process
        return
    from jobs.backends.spark import in_spark

    with in_spark(session(), rows) as distributed:
        yield distributed
