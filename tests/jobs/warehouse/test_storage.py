"""Tables on disk: what is in the log, what a write replaces, and what a commit says."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from jobs.errors import UsageError
from jobs.warehouse.commits import Commit, commits
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.catalog import TABLES
from schemas.engagement import ENGAGEMENT
from schemas.legal_bases import LEGAL_BASES
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import ContractError, Table
from tests.fixture_types import ArrowRows, SparkRows
from tests.jobs.warehouse.racing import race

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)


def place(source: str = "a", day: date = DAY) -> dict:
    return {"platform": "twitter", "day": day, "source": source}


@pytest.fixture
def reject(arrow_rows: ArrowRows) -> Callable[..., pa.Table]:
    """Rejects of a source, a line each."""
    return lambda source="a", day=DAY, lines=1, reason="": arrow_rows(
        REJECTS, [{"day": day, "source": source, "line": n + 1, "reason": reason} for n in range(lines)]
    )


def lines(warehouse: Warehouse, *names: str) -> list[tuple]:
    found = arrow.sorted_by_grain(REJECTS, warehouse.read(REJECTS)).select(list(names))
    return [tuple(row.values()) for row in found.to_pylist()]


def files(warehouse: Warehouse, table: Table) -> set[str]:
    return {file.removeprefix("file://") for file in warehouse.delta(table).file_uris()}


# Tables as others see them


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_is_plain_delta_with_its_contract_in_the_log(warehouse: Warehouse, table: Table) -> None:
    delta = warehouse.delta(table)
    protocol = delta.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    assert not protocol.reader_features
    assert set(protocol.writer_features or []) <= {"appendOnly", "invariants"}
    assert delta.metadata().configuration["delta.enableDeletionVectors"] == "false"
    assert "delta.columnMapping.mode" not in delta.metadata().configuration
    assert (delta.metadata().name, delta.metadata().description) == (table.name, table.doc)
    assert delta.metadata().partition_columns == list(table.partition_by)
    assert [
        (field.name, field.nullable, field.metadata["comment"], str(field.type.type)) for field in delta.schema().fields
    ] == [(column.name, column.nullable, column.doc, column.type) for column in table.columns]
    assert warehouse.read(table).schema.equals(arrow.schema(table))


def test_no_writer_raises_what_a_reader_must_understand(
    warehouse: Warehouse, reject: Callable[..., pa.Table], frame: SparkRows
) -> None:
    warehouse.replace(REJECTS, reject(), place(), run_id="r", job="j")
    warehouse.replace_by_spark(ENGAGEMENT, frame(ENGAGEMENT, [{}]), {"day": DAY}, run_id="r", job="j")
    for table in (REJECTS, ENGAGEMENT):
        protocol = warehouse.delta(table).protocol()
        assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)


@pytest.mark.integration
def test_two_creators_at_once_make_each_table_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Warehouse(str(tmp_path / "warehouse"))
    neither_found_it = threading.Barrier(2, timeout=20)
    monkeypatch.setattr(DeltaTable, "is_deltatable", lambda *_: neither_found_it.wait() < 0)
    assert race(lambda _: made.create_tables(), 1, 2) == {1: None, 2: None}
    assert {table.name: made.version(table) for table in TABLES} == {table.name: 0 for table in TABLES}


def test_creating_again_changes_nothing(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    warehouse.replace(REJECTS, reject(), place(), run_id="r", job="j")
    warehouse.create_tables()
    assert {table.name: warehouse.version(table) for table in TABLES} == {
        table.name: int(table in (REJECTS, LEGAL_BASES)) for table in TABLES
    }
    assert lines(warehouse, "source") == [("a",)]


@pytest.mark.integration
def test_a_table_of_an_earlier_contract_is_read_in_todays_columns(tmp_path: Path, arrow_rows: ArrowRows) -> None:
    """What was written before a column came has null there; `clout upgrade` alone adds the column to the table."""
    made = Warehouse(str(tmp_path / "warehouse"))
    since = ("amplification", "inclusion")
    before = arrow_rows(SCORES, [{"score": 7.0}]).drop_columns(list(since))
    partition = {"methodology": "2026.11", "day": DAY}
    write_deltalake(made.path(SCORES), before, partition_by=list(SCORES.partition_by))
    made.create_tables()
    assert made.read(SCORES, partition).equals(arrow_rows(SCORES, [{"score": 7.0}]))
    assert made.read(SCORES, partition, version=0).equals(made.read(SCORES, partition))


@pytest.mark.integration
def test_a_table_of_before_a_doc_was_reworded_takes_rows_and_keeps_its_docs(
    tmp_path: Path, reject: Callable[..., pa.Table]
) -> None:
    made = Warehouse(str(tmp_path / "warehouse"))
    reworded = [field.with_metadata({"comment": f"once {field.name}"}) for field in reject().schema]
    DeltaTable.create(made.path(REJECTS), pa.schema(reworded), partition_by=list(REJECTS.partition_by))
    made.replace(REJECTS, reject(), place(), run_id="r", job="j")
    assert made.read(REJECTS).num_rows == 1
    docs = [field.metadata["comment"] for field in made.delta(REJECTS).schema().fields]
    assert docs == [f"once {name}" for name in REJECTS.column_names]


def test_what_is_no_warehouse_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"no warehouse here yet; run `clout run` first or set CLOUT_WAREHOUSE"):
        Warehouse(str(tmp_path / "nothing")).read(REJECTS)
    with pytest.raises(UsageError, match=r"file: cannot be the warehouse \(.*\); set CLOUT_WAREHOUSE"):
        Warehouse(str(tmp_path / "file")).create_tables()


# What a write replaces


def test_a_write_replaces_its_partition_and_leaves_every_other_file_alone(
    warehouse: Warehouse, reject: Callable[..., pa.Table]
) -> None:
    for source, day in (("a", DAY), ("b", DAY), ("a", NEXT)):
        warehouse.replace(REJECTS, reject(source, day, lines=2), place(source, day), run_id="r", job="j")
    before = files(warehouse, REJECTS)
    warehouse.replace(REJECTS, reject(reason="again"), place(), run_id="r", job="j")
    assert lines(warehouse, "day", "source", "line", "reason") == [
        (DAY, "a", 1, "again"),
        (DAY, "b", 1, ""),
        (DAY, "b", 2, ""),
        (NEXT, "a", 1, ""),
        (NEXT, "a", 2, ""),
    ]
    assert len(before - files(warehouse, REJECTS)) == 1
    warehouse.replace(REJECTS, reject(lines=0), place(), run_id="r", job="j")  # nothing found is an answer too
    assert [row for row in lines(warehouse, "day", "source") if row == (DAY, "a")] == []


def test_a_row_outside_the_partition_is_refused(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    with pytest.raises(ContractError, match=r"^rejects: 1 rows lie outside .*, expected 0$"):
        warehouse.replace(REJECTS, reject("b"), place("a"), run_id="r", job="j")
    assert lines(warehouse, "source") == []


def test_a_quote_in_a_value_is_a_quote(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    hostile = "x' or '1'='1"
    warehouse.replace(REJECTS, reject("a"), place("a"), run_id="r", job="j")
    warehouse.replace(REJECTS, reject(hostile), place(hostile), run_id="r", job="j")
    warehouse.replace(REJECTS, reject(hostile, lines=0), place(hostile), run_id="r", job="j")
    assert lines(warehouse, "source") == [("a",)]


# Contracts


def test_a_contract_error_lists_every_difference_at_once(warehouse: Warehouse) -> None:
    wrong = pa.table({"day": ["2026-11-03"], "platform": ["twitter"], "source": [1], "colour": ["red"]})
    with pytest.raises(ContractError) as raised:
        warehouse.replace(REJECTS, wrong, place(), run_id="r", job="j")
    assert str(raised.value) == (
        "rejects: file: expected string, missing; line: expected int64, missing; outcome: expected string, missing; reason:"
        " expected string, missing; excerpt: expected string, missing; pull: expected string, missing; day: expected"
        " date32[day], found string; source: expected string, found int64; colour: not in the contract, found string"
    )


def test_columns_out_of_order_are_reported(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    with pytest.raises(
        ContractError, match=r"^rejects: columns out of order: expected \['platform', 'day', .*\], found \['pull'"
    ):
        warehouse.replace(REJECTS, reject().select(REJECTS.column_names[::-1]), place(), run_id="r", job="j")


def test_nulls_where_the_contract_allows_none_stop_a_write_in_the_middle_of_a_stream(
    warehouse: Warehouse, reject: Callable[..., pa.Table]
) -> None:
    good = reject()
    nullable = pa.schema([field.with_nullable(True).remove_metadata() for field in good.schema])
    nulls = {"file": pa.nulls(2, pa.string()), "reason": pa.array(["why", None])}
    columns = {name: nulls.get(name, pa.concat_arrays([column.combine_chunks()] * 2)) for name, column in
               zip(good.column_names, good.columns, strict=True)}  # fmt: skip
    stream = pa.Table.from_batches([good.cast(nullable).to_batches()[0], pa.record_batch(columns, schema=nullable)])
    with pytest.raises(ContractError, match=r"^rejects: file: 2 nulls, expected 0; reason: 1 nulls, expected 0$"):
        warehouse.replace(REJECTS, stream, place(), run_id="r", job="j")
    assert warehouse.version(REJECTS) == 0


def test_an_error_of_a_stream_of_rows_is_raised_unchanged(
    warehouse: Warehouse, reject: Callable[..., pa.Table]
) -> None:
    def rows() -> Iterator[pa.RecordBatch]:
        yield from reject().to_batches()
        raise KeyboardInterrupt

    stream = pa.RecordBatchReader.from_batches(reject().schema, rows())
    with pytest.raises(KeyboardInterrupt):
        warehouse.replace(REJECTS, stream, place(), run_id="r", job="j")
    assert warehouse.version(REJECTS) == 0


# Commits


def test_a_commit_names_the_run_that_made_it(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    warehouse.replace(REJECTS, reject(), place(), run_id="run", job="pull_activity")
    DeltaTable(warehouse.path(REJECTS)).optimize.compact()  # another program's commits are passed over
    partition = {"platform": ["twitter"], "day": ["2026-11-03"], "source": ["a"]}
    (made,) = commits(warehouse.delta(REJECTS).history())
    entry = warehouse.delta(REJECTS).history()[-2]
    assert made == Commit(1, "run", "pull_activity", partition, made.at, made.stamp)
    assert made.at.timestamp() * 1000 == pytest.approx(entry["timestamp"])
    metadata = json.loads(entry["userMetadata"])
    assert metadata == {"run_id": "run", "job": "pull_activity", "partition": partition, "stamp": made.stamp}


@pytest.mark.parametrize("error", [OSError("connection reset"), CommitFailedError("a transaction conflicts")])
def test_a_commit_whose_answer_is_lost_is_not_made_twice(
    warehouse: Warehouse, reject: Callable[..., pa.Table], monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    """The store made the commit, then the connection broke, or the writer's own second attempt met its first."""

    commit = DeltaTable.create_write_transaction

    def lose_answer(*args: Any, **options: Any) -> None:
        commit(*args, **options)
        raise error

    monkeypatch.setattr(DeltaTable, "create_write_transaction", lose_answer)
    warehouse.replace_bookkeeping(REJECTS, reject(), place(), run_id="r", job="j")
    assert warehouse.version(REJECTS) == 1
    assert len(lines(warehouse, "line")) == 1


def test_an_error_without_a_commit_stays_an_error(
    warehouse: Warehouse, reject: Callable[..., pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", refuse)
    with pytest.raises(OSError, match="connection refused"):
        warehouse.replace(REJECTS, reject(), place(), run_id="r", job="j")
    assert warehouse.version(REJECTS) == 0


def test_a_version_is_read_as_it_was(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    warehouse.replace(REJECTS, reject(reason="first"), place(), run_id="r", job="j")
    warehouse.replace(REJECTS, reject(reason="second"), place(), run_id="r", job="j")
    assert warehouse.reader(REJECTS, place(), version=1).read_all()["reason"].to_pylist() == ["first"]
    assert warehouse.row_count(REJECTS, place()) == 1
    assert warehouse.partitions(REJECTS) == [{"platform": "twitter", "day": "2026-11-03", "source": "a"}]


def test_instants_come_back_as_they_went(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    at = datetime(2026, 11, 3, 23, 59, 59, 999_999, UTC)
    run = arrow_rows(RUNS, [{"run_id": "r", "started_at": at}])
    warehouse.replace(RUNS, run, {"day": DAY, "run_id": "r"}, run_id="r", job="j")
    assert warehouse.read(RUNS).equals(run)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        ("s3://bucket/clout/", "s3://bucket/clout/runs"),
        ("/data/warehouse", "/data/warehouse/runs"),
        ("~/w", str(Path.home() / "w" / "runs")),
    ],
)
def test_a_root_is_a_folder_or_a_url(root: str, path: str) -> None:
    assert Warehouse(root).path(RUNS) == path
