"""Tables on disk or in an object store: the only module that reads or writes them.

Every table is a Delta table under one root. `engagement` and `influence` are written by Spark, all others by
`deltalake`, which needs no JVM. A write replaces whole partitions in one commit; the commit names the run that made it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError
from pyarrow import fs
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from jobs import commits, creation
from jobs.commits import Partition, as_text, values_of
from jobs.errors import CloutError, UsageError
from schemas import arrow
from schemas.catalog import TABLES
from schemas.table import Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# A commit that collides with one it has nothing to do with (bookkeeping of another day or source) is repeated: with some
# tens of writers at once the last one needs about this many tries.
TRIES = 30


class LostRaceError(CloutError):
    """Another run wrote the same partition while this one was at work; nothing of this run was kept."""


def predicate(partition: Partition) -> str:
    """The partition as SQL, e.g. `day in ('2026-11-03') and source in ('higgs')`; `None` among the values is null."""
    return " and ".join(_any_of(name, values_of(values)) for name, values in partition.items())


def _any_of(name: str, values: tuple) -> str:
    given = ", ".join(_quoted(value) for value in values if value is not None)
    conditions = [f"{name} in ({given})"] * bool(given) + [f"{name} is null"] * (None in values)
    return conditions[0] if len(conditions) == 1 else f"({' or '.join(conditions)})"


def _quoted(value: str | date) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def expression(partition: Partition) -> pc.Expression:
    """The partition as a filter on an Arrow dataset."""
    found = pc.scalar(True)
    for name, values in partition.items():
        found = found & pc.field(name).isin(pa.array(values_of(values)))
    return found


class Warehouse:
    """The tables under one root: a folder or an object store's URL."""

    def __init__(self, root: str) -> None:
        self.is_local = "://" not in root
        self.root = str(Path(root).expanduser().resolve()) if self.is_local else root.rstrip("/")

    def path(self, table: Table) -> str:
        return f"{self.root}/{table.name}"

    def create_tables(self) -> None:
        """Creates every table that is not there, empty, with its columns' docs, and gives those that are there the columns
        and docs that came to their contract since. Two writers into an empty folder would fail, so this comes before any run;
        of two creators one makes the table and the other finds it made."""
        if self.is_local:
            try:
                Path(self.root).mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise UsageError(
                    f"{self.root}: cannot be the warehouse ({error.strerror}); set CLOUT_WAREHOUSE"
                ) from error
        for table in TABLES:
            if DeltaTable.is_deltatable(self.path(table)):
                self._bring_up_to_date(table)
            else:
                creation.create(self.path(table), table)

    def _bring_up_to_date(self, table: Table) -> None:
        for attempt in repeated(CommitFailedError):
            with attempt:
                creation.bring_up_to_date(self.delta(table), table)

    def exists(self) -> bool:
        return DeltaTable.is_deltatable(self.path(TABLES[-1]))

    # Reading

    def delta(self, table: Table, version: int | None = None) -> DeltaTable:
        try:
            return DeltaTable(self.path(table), version=version)
        except Exception as error:
            if self.exists():
                why = str(error).partition("\n")[0]
                raise CloutError(f"{self.path(table)}: cannot be read as a Delta table ({why})") from error
            raise UsageError(
                f"{self.root}: no warehouse here yet; run `clout run` first or set CLOUT_WAREHOUSE"
            ) from error

    def version(self, table: Table) -> int:
        return self.delta(table).version()

    def dataset(self, table: Table, version: int | None = None) -> ds.Dataset:
        """The table for Arrow, DuckDB and Polars to scan in a stream. Rows from before a column came to the contract have null
        there."""
        native = fs.SubTreeFileSystem(self.path(table), fs.LocalFileSystem()) if self.is_local else None
        found = self.delta(table, version).to_pyarrow_dataset(filesystem=native)
        return found.replace_schema(arrow.completed(table, found.schema))

    def read(
        self,
        table: Table,
        partition: Partition | None = None,
        *,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
        version: int | None = None,
    ) -> pa.Table:
        """Rows of a partition, held in memory: for tables and partitions known to be small."""
        condition = expression(partition or {})
        if where is not None:
            condition = condition & where
        return self.dataset(table, version).to_table(columns=list(columns or table.column_names), filter=condition)

    def row_count(self, table: Table, partition: Partition, version: int | None = None) -> int:
        return self.dataset(table, version).count_rows(filter=expression(partition))

    def partitions(self, table: Table) -> list[dict[str, str]]:
        """The partitions that hold rows, column -> value as text."""
        return self.delta(table).partitions()

    def reader(self, table: Table, partition: Partition, version: int | None = None) -> pa.RecordBatchReader:
        """Rows of a partition as a stream, in the contract's columns. Raises `FileNotFoundError` here, and not in whatever
        reads the stream, where files of an old version are gone."""
        dataset, asked = self.dataset(table, version), expression(partition)
        for fragment in dataset.get_fragments(asked):
            fragment.ensure_complete_metadata()
        return dataset.scanner(columns=list(table.column_names), filter=asked).to_reader()

    def commits(self, table: Table, partition: Partition | None = None) -> Iterator[commits.Commit]:
        """As `jobs.commits.commits`."""
        return commits.commits(self.delta(table), partition)

    # Writing without a JVM

    def replace(
        self,
        table: Table,
        rows: pa.Table | pa.RecordBatchReader,
        partition: Partition,
        *,
        run_id: str,
        job: str,
        version: int | None = None,
    ) -> None:
        """Replaces the partition by the rows, in one commit, and nothing else. Raises `ContractError` where a row does
        not fit, `LostRaceError` where another run replaced the same partition since `version`, or since this call."""
        self._write(table, rows, partition, run_id, job, self.delta(table, version), "overwrite")

    def append(
        self, table: Table, rows: pa.Table | pa.RecordBatchReader, partition: Partition, *, run_id: str, job: str
    ) -> None:
        """Adds the rows to the partition, in one commit and files of their own. Raises as `replace` does."""
        self._write(table, rows, partition, run_id, job, self.delta(table), "append")

    def _write(
        self,
        table: Table,
        rows: pa.Table | pa.RecordBatchReader,
        partition: Partition,
        run_id: str,
        job: str,
        delta: DeltaTable,
        mode: Literal["append", "overwrite"],
    ) -> None:
        before = delta.version()
        raised: list[BaseException] = []
        replaced = {"predicate": predicate(partition)} if partition and mode == "overwrite" else {}
        try:
            write_deltalake(
                delta,
                _checked(table, rows, raised),
                mode=mode,
                commit_properties=_properties(partition, run_id, job),
                **replaced,  # type: ignore[call-overload]
            )
        except Exception as error:
            if raised:
                raise raised[0] from None
            if isinstance(error, CommitFailedError):
                raise self._lost(table, partition, before) from error
            raise

    def delete(self, table: Table, partition: Partition, *, run_id: str, job: str) -> None:
        """Removes these rows, in one commit. Raises `LostRaceError` where another run wrote among them meanwhile."""
        delta = self.delta(table)
        before = delta.version()
        try:
            delta.delete(predicate(partition), commit_properties=_properties(partition, run_id, job))
        except CommitFailedError as error:
            raise self._lost(table, partition, before) from error

    def replace_bookkeeping(self, table: Table, rows: pa.Table, partition: Partition, *, run_id: str, job: str) -> None:
        """As `replace`, repeated where it collides with a commit for another day or source."""
        for attempt in repeated(LostRaceError):
            with attempt:
                self.replace(table, rows, partition, run_id=run_id, job=job)

    # Spark

    def frame(self, session: "SparkSession", table: Table, version: int | None = None) -> "DataFrame":
        """The table as a Spark frame, at a version if one is given."""
        reader = session.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(self._spark_path(table))

    def replace_by_spark(
        self, table: Table, frame: "DataFrame", partition: Partition, *, run_id: str, job: str
    ) -> None:
        """As `replace`, for the tables that Spark writes."""
        from schemas import spark

        spark.check(table, frame)
        before = self.version(table)
        try:
            (
                frame.write.format("delta")
                .mode("overwrite")
                .option("replaceWhere", predicate(partition))
                .option("userMetadata", commits.metadata(partition, run_id, job))
                .save(self._spark_path(table))
            )
        except Exception as error:
            if "Concurrent" in type(error).__name__ or "DELTA_CONCURRENT" in str(error):
                raise self._lost(table, partition, before) from error
            raise

    def _spark_path(self, table: Table) -> str:
        # Hadoop's client for S3 goes by another scheme than everybody else's.
        return self.path(table).replace("s3://", "s3a://", 1) if not self.is_local else self.path(table)

    def _lost(self, table: Table, partition: Partition, before: int) -> LostRaceError:
        mine = as_text(partition)
        meets = (
            commit
            for commit in self.commits(table)
            if commit.version > before
            and all(set(mine[name]) & set(commit.partition.get(name, mine[name])) for name in mine)
        )
        winner = next(meets, None)
        to = f"run {winner.run_id} ({winner.job})" if winner else "another run"
        what = " ".join(",".join(values) for values in mine.values())
        return LostRaceError(
            f"{table.name} {what}: lost to {to}, which wrote it meanwhile; nothing of this run was kept"
        )


def repeated(collision: type[Exception]) -> Retrying:
    """Attempts (`for attempt in ...: with attempt:`) until one does not collide; the last collision is raised."""
    return Retrying(
        retry=retry_if_exception_type(collision),
        stop=stop_after_attempt(TRIES),
        wait=wait_random_exponential(multiplier=0.02, max=1),
        reraise=True,
    )


def _properties(partition: Partition, run_id: str, job: str) -> CommitProperties:
    return CommitProperties(custom_metadata={"userMetadata": commits.metadata(partition, run_id, job)})


def _checked(table: Table, rows: pa.Table | pa.RecordBatchReader, raised: list[BaseException]) -> pa.RecordBatchReader:
    """The rows as a stream that stops at the first batch against the contract. `raised` then holds why: the writer, who
    reads the stream outside Python, tells it as an error of its own. Columns come without their docs: the writer would refuse
    others than the table has."""
    arrow.check_schema(table, rows.schema)
    schema = pa.schema([field.remove_metadata() for field in arrow.schema(table)])

    def batches() -> Iterable[pa.RecordBatch]:
        try:
            for batch in rows.to_batches() if isinstance(rows, pa.Table) else rows:
                arrow.check(table, batch)
                yield batch.cast(schema) if not batch.schema.equals(schema, check_metadata=True) else batch
        except BaseException as error:
            raised.append(error)
            raise

    return pa.RecordBatchReader.from_batches(schema, batches())


def rows(table: Table, records: Sequence[Mapping[str, Any]]) -> pa.Table:
    """A few records as rows of a contract; a column that a record does not name is null."""
    return pa.Table.from_pylist([dict(record) for record in records], schema=arrow.schema(table))
