"""What Spark reads and writes are the files that the table's log names."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem
from pyarrow import fs
from pyspark.sql import SparkSession

from jobs.errors import GoneError
from jobs.warehouse import data_files, spark_files
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.table import ContractError, Table
from tests.fixture_types import ArrowRows, SparkRows

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)


def files(warehouse: Warehouse, table: Table) -> set[str]:
    return {file.removeprefix("file://") for file in warehouse.delta(table).file_uris()}


def test_spark_replaces_its_partition_and_leaves_every_other_file_alone(warehouse: Warehouse, frame: SparkRows) -> None:
    def replace(day: date, person: str) -> None:
        found = frame(INFLUENCE, [{"day": day, "person_id": person}])
        warehouse.replace_by_spark(INFLUENCE, found, {"methodology": "2026.11", "day": day}, run_id="r", job="j")

    replace(DAY, "twitter:1")
    other = files(warehouse, INFLUENCE)
    replace(NEXT, "twitter:1")
    replace(NEXT, "twitter:2")
    found = arrow.sorted_by_grain(INFLUENCE, warehouse.read(INFLUENCE)).select(["day", "person_id"]).to_pylist()
    assert [tuple(row.values()) for row in found] == [(DAY, "twitter:1"), (NEXT, "twitter:2")]
    assert other < files(warehouse, INFLUENCE)


def test_only_the_owner_may_read_what_spark_writes(warehouse: Warehouse, frame: SparkRows) -> None:
    found = frame(INFLUENCE, [{"day": DAY, "person_id": "twitter:1"}])
    warehouse.replace_by_spark(INFLUENCE, found, {"methodology": "2026.11", "day": DAY}, run_id="r", job="j")
    (written,) = files(warehouse, INFLUENCE)
    assert oct(Path(written).stat().st_mode & 0o777) == "0o600"


def test_a_contract_error_lists_every_difference(warehouse: Warehouse, spark: SparkSession) -> None:
    wrong = spark.createDataFrame([(1, "red")], "day long, colour string")
    with pytest.raises(ContractError) as raised:
        warehouse.replace_by_spark(ENGAGEMENT, wrong, {"day": DAY}, run_id="r", job="j")
    assert str(raised.value) == (
        "engagement: day: expected date, found bigint; src: expected string, found nothing; dst: expected string, found"
        " nothing; platform: expected string, found nothing; kind: expected string, found nothing; act_count: expected"
        " bigint, found nothing; colour: not in the contract"
    )


def test_nulls_where_the_contract_allows_none_are_refused(warehouse: Warehouse, frame: SparkRows) -> None:
    nobody = frame(ENGAGEMENT, [{}]).selectExpr(
        "day", "cast(null as string) as src", "dst", "platform", "kind", "act_count"
    )
    with pytest.raises(ContractError, match=r"^engagement: src: 1 nulls, expected 0$"):
        warehouse.replace_by_spark(ENGAGEMENT, nobody, {"day": DAY}, run_id="r", job="j")
    assert warehouse.version(ENGAGEMENT) == 0
    assert not list(Path(warehouse.path(ENGAGEMENT)).rglob("*.parquet"))


def test_rows_outside_the_partition_are_refused(warehouse: Warehouse, frame: SparkRows) -> None:
    rows = frame(ENGAGEMENT, [{"day": DAY}, {"day": NEXT}])
    with pytest.raises(
        ContractError, match=r"^engagement: rows of day=2026-11-04, expected only \{'day': \['2026-11-03'\]\}"
    ):
        warehouse.replace_by_spark(ENGAGEMENT, rows, {"day": DAY}, run_id="r", job="j")
    assert warehouse.version(ENGAGEMENT) == 0
    assert not list(Path(warehouse.path(ENGAGEMENT)).rglob("*.parquet"))


def test_no_rows_replace_the_partition_too(warehouse: Warehouse, frame: SparkRows) -> None:
    warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]), {"day": DAY}, run_id="r", job="j")
    warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]).limit(0), {"day": DAY}, run_id="r", job="j")
    assert warehouse.read(ENGAGEMENT).num_rows == 0


def test_the_log_says_how_many_rows_a_file_has_and_bounds_of_no_person(warehouse: Warehouse, frame: SparkRows) -> None:
    rows = frame(ENGAGEMENT, [{"kind": "like"}, {"kind": "reply"}]).coalesce(1)
    warehouse.replace_by_spark(ENGAGEMENT, rows, {"day": DAY}, run_id="r", job="j")
    (entry,) = pa.table(warehouse.delta(ENGAGEMENT).get_add_actions()).to_pylist()
    assert entry["num_records"] == 2
    assert (entry["min"]["kind"], entry["max"]["kind"]) == ("like", "reply")
    (commit,) = Path(warehouse.path(ENGAGEMENT)).glob("_delta_log/*1.json")
    (added,) = (json.loads(line)["add"] for line in commit.read_text().splitlines() if line.startswith('{"add"'))
    assert set(json.loads(added["stats"])["minValues"]) == {"platform", "kind"}


@pytest.mark.parametrize("source", ["007", "a b", "x' or '1'='1", "100%", "[a]*{b}?", "un/der", "a=b", "1e3"])
def test_partition_values_come_back_as_they_were_written(
    spark: SparkSession, warehouse: Warehouse, arrow_rows: ArrowRows, source: str
) -> None:
    """By deltalake; Spark takes them from the folders' names. Names of sources and platforms are ASCII."""
    place = {"platform": "twitter", "day": DAY, "source": source}
    warehouse.replace(ACTIVITY, arrow_rows(ACTIVITY, [place]), place, run_id="r", job="j")
    (row,) = warehouse.frame(spark, ACTIVITY, {"day": DAY}).collect()
    assert (row.platform, row.day, row.source) == tuple(place.values())


def test_only_files_of_the_partition_and_version_are_read(
    spark: SparkSession, warehouse: Warehouse, frame: SparkRows
) -> None:
    for version, day in enumerate((DAY, NEXT, NEXT), start=1):
        rows = frame(ENGAGEMENT, [{"day": day, "act_count": version}])
        warehouse.replace_by_spark(ENGAGEMENT, rows, {"day": day}, run_id="r", job="j")

    def counts(**asked: Any) -> list[int]:
        return sorted(row.act_count for row in warehouse.frame(spark, ENGAGEMENT, **asked).collect())

    assert counts() == [1, 3]
    assert counts(partition={"day": Span(DAY, DAY)}) == [1]
    assert counts(partition={"day": NEXT}, version=2) == [2]
    assert counts(version=0) == []


def test_more_files_than_spark_lists_by_itself(
    spark: SparkSession, warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    days = [DAY - timedelta(days=n) for n in range(40)]
    for day in days:
        warehouse.append(ENGAGEMENT, arrow_rows(ENGAGEMENT, [{"day": day}]), {"day": day}, run_id="r", job="j")
    assert sorted(row.day for row in warehouse.frame(spark, ENGAGEMENT).collect()) == sorted(days)


def test_a_missing_file_is_named_before_spark_starts(
    spark: SparkSession, warehouse: Warehouse, frame: SparkRows
) -> None:
    warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]), {"day": DAY}, run_id="r", job="j")
    (file,) = files(warehouse, ENGAGEMENT)
    Path(file).unlink()
    with pytest.raises(GoneError, match=r"engagement is missing; run `clout doctor`$"):
        warehouse.frame(spark, ENGAGEMENT)


def test_what_a_killed_write_left_counts_for_nobody_and_is_removed(
    spark: SparkSession, warehouse: Warehouse, frame: SparkRows
) -> None:
    left = f"{warehouse.path(ENGAGEMENT)}/{spark_files.STAGING}/dead"
    frame(ENGAGEMENT, [{}]).write.partitionBy("day").parquet(left)
    (file,) = Path(left).rglob("*.parquet")
    assert warehouse.read(ENGAGEMENT).num_rows == warehouse.frame(spark, ENGAGEMENT).count() == 0
    warehouse.delta(ENGAGEMENT).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    assert not file.exists()


def test_an_interrupt_stays_one_though_spark_still_writes(
    warehouse: Warehouse, frame: SparkRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(data_files, "described", interrupted)

    def busy(self: Warehouse, table: Table) -> fs.FileSystem:
        handler = fs.FSSpecHandler(DirFileSystem(self.path(table), LocalFileSystem()))
        monkeypatch.setattr(handler, "delete_dir", lambda _: (_ for _ in ()).throw(OSError("Directory not empty")))
        return fs.PyFileSystem(handler)

    monkeypatch.setattr(Warehouse, "_file_system", busy)
    with pytest.raises(KeyboardInterrupt):
        warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]), {"day": DAY}, run_id="r", job="j")


def test_a_commit_whose_answer_is_lost_is_not_made_twice(
    warehouse: Warehouse, frame: SparkRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = DeltaTable.create_write_transaction

    def lose_answer(*args: Any, **options: Any) -> None:
        commit(*args, **options)
        raise OSError("connection reset")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", lose_answer)
    warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]), {"day": DAY}, run_id="r", job="j")
    assert warehouse.version(ENGAGEMENT) == 1
    assert warehouse.row_count(ENGAGEMENT, {"day": DAY}) == 1


def test_data_files_are_flushed_before_a_commit_names_them(
    warehouse: Warehouse, frame: SparkRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    commit = DeltaTable.create_write_transaction
    from jobs.warehouse import delta_log

    monkeypatch.setattr(delta_log, "_sync", lambda path: flushed.append(str(path)))

    def committing(delta: DeltaTable, added: list, *args: Any, **options: Any) -> None:
        assert {f"{delta.table_uri.removeprefix('file://').rstrip('/')}/{each.path}" for each in added} <= set(flushed)
        commit(delta, added, *args, **options)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", committing)
    warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]), {"day": DAY}, run_id="r", job="j")
    assert warehouse.version(ENGAGEMENT) == 1
