"""No table takes two rows of one grain: checked where rows are written, and in Spark's before anything builds on them."""

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import engagement, many_acts
from jobs.warehouse import grain
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.runs import RUNS
from schemas.table import ContractError, Table
from tests.fixture_types import ArrowRows
from tests.jobs.by_spark import by_spark_alone

DAY = date(2026, 11, 3)


def rows_of(arrow_rows: Any, table: Table, count: int) -> pa.Table:
    """Rows that differ in the first column of the grain that is a text and no partition, or else in a number."""
    free = [name for name in table.grain if name not in table.partition_by] or list(table.grain)
    name = next((name for name in free if table.column(name).type == "string"), free[0])
    values = [f"v{n}" if table.column(name).type == "string" else n for n in range(count)]
    # An empty text cannot be a partition.
    texts: dict[str, Any] = {column: "p" for column in table.partition_by if table.column(column).type == "string"}
    return arrow_rows(table, [texts | {name: value} for value in values])


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_table_takes_two_rows_of_one_grain(warehouse: Warehouse, arrow_rows: ArrowRows, table: Table) -> None:
    good = rows_of(arrow_rows, table, 3)
    place = {name: good[name][0].as_py() for name in table.partition_by}
    warehouse.replace(table, good, place, run_id="r", job="j")
    version = warehouse.version(table)
    bad = pa.concat_tables([good, good.slice(1)])
    for given in (bad, bad.to_reader(max_chunksize=2)):  # at once, and in batches that hold none twice
        with pytest.raises(ContractError) as raised:
            warehouse.replace(table, given, place, run_id="r", job="j")
        grain_of = ", ".join(table.grain)
        assert str(raised.value) == f"{table.name}: 2 of 5 rows repeat the grain ({grain_of}), expected 0"
    assert warehouse.version(table) == version
    assert warehouse.read(table).num_rows == 3


def test_nothing_is_lost_of_what_is_checked(arrow_rows: ArrowRows) -> None:
    batches = rows_of(arrow_rows, ACTIVITY, 10).to_batches(max_chunksize=3)
    assert list(grain.unrepeated(ACTIVITY, batches)) == batches
    assert list(grain.unrepeated(ACTIVITY, [])) == []
    assert grain.count(ACTIVITY, pa.RecordBatchReader.from_batches(batches[0].schema, batches)) == 10


def test_a_count_that_repeats_a_row_is_a_failed_count(
    spark: SparkSession, warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is wrong with the equation: no score is made from such a day."""
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{}]), {"day": DAY}, run_id="r", job="j")
    place = {"platform": "twitter", "day": DAY, "source": "test"}
    warehouse.replace(ACTIVITY, arrow_rows(ACTIVITY, [{}]), place, run_id="r", job="j")
    right = many_acts.engagement
    monkeypatch.setattr(many_acts, "engagement", lambda *rows: right(*rows).unionAll(right(*rows)))
    with by_spark_alone(), pytest.raises(ContractError, match="engagement: 1 of 2 rows repeat the grain"):
        count(lambda: spark, warehouse)
    assert warehouse.read(RUNS)["status"].to_pylist() == ["failed"]
    monkeypatch.undo()
    assert count(lambda: spark, warehouse) == [DAY]
    assert warehouse.read(ENGAGEMENT).num_rows == 1


def count(spark: Any, warehouse: Warehouse) -> list[date]:
    return engagement.run(spark, warehouse, engagement.Params(day=DAY, first_day=DAY), Batch("test"))
