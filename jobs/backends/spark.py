"""The backend for any number of rows: a Spark session, with Comet where it is worth its start."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import date
from itertools import count
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import functions as F

from jobs import comet, kept_frames, spark_partitions
from jobs.engines import choice
from jobs.engines.memory import Need
from jobs.spark_steps import step
from jobs.sql import with_totals_sql
from jobs.warehouse import counted
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Rows of this process up to this number are sent to every task: some 100 MB of names.
BROADCAST_ROWS = 1_000_000

_NUMBERS = count()  # of views: days that are scored at once share the session


class SparkBackend:
    """Its tables are frames of a session."""

    # Comet's own logarithm differs from the JVM's in the last bit, so `jobs.comet` disables it. But Comet lets the JVM compute
    # a `nanvl` with all its arguments, which gives the same value, and executes the rest of the plan natively.
    log2, log1p = "nanvl(log2({}), 0e0)", "log1p({})"
    is_distributed = True

    def __init__(self, session: "SparkSession", rows: int, ended: ExitStack) -> None:
        """`rows`: how many the day has. `ended`: closes what is kept."""
        self.session, self._rows = session, rows
        self.spark_partitions = spark_partitions.enough(session, rows)
        self._ended = ended

    def query(self, text: str, /, **tables: "DataFrame") -> "DataFrame":
        """As `Backend.query`. Frames are no parameters of `sql`: Spark would drop their views at once, and a kept frame with
        its view."""
        return self.session.sql(text.format(**{name: self._view(frame) for name, frame in tables.items()}))

    def _view(self, frame: "DataFrame") -> str:
        name = f"clout_{next(_NUMBERS)}"
        frame.createTempView(name)
        self._ended.callback(self.session.catalog.dropTempView, name)
        return name

    def local(self, rows: pa.Table) -> "DataFrame":
        """As `Backend.local`. Through Arrow: Python rows would start a Python worker on every executor."""
        made = self.session.createDataFrame(rows)
        return F.broadcast(made) if rows.num_rows <= BROADCAST_ROWS else made

    def with_totals(self, table: "DataFrame", by: str, **totals: str) -> "DataFrame":
        """As `Backend.with_totals`."""
        return self.query(with_totals_sql("{rows}", by, **totals), rows=table)

    def numbered(self, table: "DataFrame", *columns: str) -> "DataFrame":
        """As `Backend.numbered`: keeps the names. To number them, Spark would have to exchange all rows."""
        return table

    def named(self, table: "DataFrame", *columns: str) -> "DataFrame":
        """As `Backend.named`."""
        return table

    def read(self, warehouse: Warehouse, table: Table, partition: Partition, version: int | None = None) -> "DataFrame":
        """As `Backend.read`."""
        return warehouse.frame(self.session, table, partition, version=version)

    def counted(
        self, warehouse: Warehouse, table: Table, version: int, coverage: int, first_day: date, last_day: date
    ) -> "DataFrame":
        """As `Backend.counted`."""
        return counted.frame(self.session, warehouse, table, version, coverage, first_day, last_day)

    def kept(self, table: "DataFrame") -> "DataFrame":
        """As `Backend.kept`."""
        self._ended.callback(table.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
        return table

    def kept_by_actor(self, make: "Callable[..., DataFrame]", *tables: "DataFrame") -> "DataFrame":
        """As `Backend.kept_by_actor`: an exchange makes the parts."""
        return self.kept(make(*tables))

    def staged(self, table: "DataFrame") -> "DataFrame":
        """As `Backend.staged`: tasks hold only their own part of each join."""
        return table

    def need(self, edges: "DataFrame") -> Need:
        """As `Backend.need`."""
        need = choice.measured(edges)
        self._rows = need.pairs
        return need

    def sums(self, edges: "DataFrame", rounds: int, engine: str, need: Need) -> "tuple[str, DataFrame]":
        """As `Backend.sums`."""
        adding = choice.chosen(engine, need)
        sums = adding.sums(edges, rounds)
        self._ended.callback(sums.unpersist)
        return adding.name, sums

    def write(
        self, warehouse: Warehouse, table: Table, rows: "DataFrame", partition: Partition, *, run_id: str, job: str
    ) -> None:
        """As `Backend.write`."""
        with spark_partitions.enough_for(self.session, self._rows):
            warehouse.replace_by_spark(table, rows, partition, run_id=run_id, job=job)

    def arrow(self, table: "DataFrame") -> pa.Table:
        """As `Backend.arrow`."""
        return table.toArrow()

    def step(self, name: str) -> AbstractContextManager[None]:
        """As `Backend.step`; Spark's interface shows the name."""
        return step(self.session, name)


@contextmanager
def in_spark(session: "SparkSession", rows: int) -> Iterator[SparkBackend]:
    """The backend for queries that read this many rows."""
    with comet.used_for(session, rows), kept_frames.uncompressed(session, rows), ExitStack() as ended:
        yield SparkBackend(session, rows, ended)
