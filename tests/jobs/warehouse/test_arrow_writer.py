"""The data files that Arrow rows become: which partition each holds, how large they are, and when a commit names them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from jobs.warehouse import arrow_writer, delta_log
from jobs.warehouse.storage import Warehouse, rows
from schemas.activity import ACTIVITY
from schemas.rejects import REJECTS
from schemas.table import ContractError, Table
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
PLACE = {"platform": "twitter", "day": DAY, "source": "a"}
BY: dict[str, Any] = {"run_id": "r", "job": "j"}


def files(warehouse: Warehouse, table: Table) -> list[Path]:
    return [Path(file.removeprefix("file://")) for file in warehouse.delta(table).file_uris()]


def actors(warehouse: Warehouse, **where: object) -> list[str]:
    return sorted(warehouse.read(ACTIVITY, where)["actor_id"].to_pylist())


def test_every_partition_value_gets_one_file(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    acts = [{"day": DAY + timedelta(days=n % 2), "actor_id": f"fan-{n}"} for n in range(4)]
    warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, acts).to_reader(2), {"day": (DAY, NEXT)}, **BY)
    assert len(files(warehouse, ACTIVITY)) == 2
    assert actors(warehouse, day=DAY) == ["fan-0", "fan-2"]
    assert actors(warehouse, day=NEXT) == ["fan-1", "fan-3"]


@pytest.mark.parametrize(("file_bytes", "expected"), [(arrow_writer.FILE_BYTES, [[4, 4, 2]]), (1, [[2], [4], [4]])])
def test_row_groups_are_filled_and_large_files_are_split(
    warehouse: Warehouse,
    reject: Callable[..., pa.Table],
    monkeypatch: pytest.MonkeyPatch,
    file_bytes: int,
    expected: list[list[int]],
) -> None:
    monkeypatch.setattr(arrow_writer, "FILE_BYTES", file_bytes)
    warehouse.replace(REJECTS, reject(lines=10).to_reader(1), PLACE, layout=arrow_writer.Layout(rows_per_group=4), **BY)
    footers = [pq.read_metadata(file) for file in files(warehouse, REJECTS)]
    groups = [[footer.row_group(n).num_rows for n in range(footer.num_row_groups)] for footer in footers]
    assert sorted(groups) == expected


@pytest.mark.parametrize(("lines", "compression", "has_dictionaries"), [(1, "SNAPPY", False), (2000, "ZSTD", True)])
def test_files_of_few_rows_are_made_to_be_read_fast_and_others_to_be_small(
    warehouse: Warehouse, reject: Callable[..., pa.Table], lines: int, compression: str, has_dictionaries: bool
) -> None:
    warehouse.replace(REJECTS, given := reject(lines=lines), PLACE, **BY)
    (file,) = files(warehouse, REJECTS)
    group = pq.read_metadata(file).row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    assert {column.compression for column in columns} == {compression}
    assert {column.has_dictionary_page for column in columns if column.physical_type == "BYTE_ARRAY"} == {
        has_dictionaries
    }
    assert warehouse.read(REJECTS).sort_by("line").equals(given.sort_by("line"))


def test_the_log_has_bounds_of_instants_that_hold_every_row(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    at = [datetime(2026, 11, 3, 1, 2, 3, microsecond, UTC) for microsecond in (456_789, 456_999)]
    acts = [{**PLACE, "occurred_at": instant, "activity_id": str(instant)} for instant in at]
    warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, acts), PLACE, **BY)
    (entry,) = pa.table(warehouse.delta(ACTIVITY).get_add_actions(flatten=True)).to_pylist()
    assert (entry["min.occurred_at"], entry["max.occurred_at"]) == tuple(at)
    assert entry["num_records"] == 2


def test_the_log_has_no_bounds_of_a_column_that_parquet_does_not_know_all_of(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    pulls = ["b", "b", "z" * 5000, "z" * 5000]  # Parquet keeps no bounds of such a long text
    given = arrow_rows(REJECTS, [{**PLACE, "line": line, "pull": pull} for line, pull in enumerate(pulls)])
    warehouse.replace(REJECTS, given, PLACE, layout=arrow_writer.Layout(rows_per_group=2), **BY)
    assert pq.read_metadata(*files(warehouse, REJECTS)).num_row_groups == 2
    for pull in pulls:
        assert warehouse.read(REJECTS, {"pull": pull}).num_rows == 2
    warehouse.delete(REJECTS, {**PLACE, "pull": pulls[-1]}, **BY)
    assert warehouse.read(REJECTS, columns=["pull"])["pull"].to_pylist() == pulls[:2]


def test_refused_rows_leave_no_file(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> None:
    for wrong in (pa.concat_tables([reject(), reject()]), pa.concat_tables([reject(), reject("b")])):
        with pytest.raises(ContractError):
            warehouse.replace(REJECTS, wrong.to_reader(1), PLACE, layout=arrow_writer.Layout(rows_per_group=1), **BY)
    assert not list(Path(warehouse.path(REJECTS)).rglob("*.parquet"))


def test_a_deletion_copies_the_other_rows_of_a_file_and_leaves_other_files_alone(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    acts = [{**PLACE, "actor_id": pull or "none", "activity_id": f"{pull}", "pull": pull} for pull in ("x", "y", None)]
    warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, acts), PLACE, **BY)
    mixed = files(warehouse, ACTIVITY)
    warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, [{**PLACE, "actor_id": "z", "pull": "z"}]), PLACE, **BY)
    (alone,) = set(files(warehouse, ACTIVITY)) - set(mixed)
    warehouse.delete(ACTIVITY, {**PLACE, "pull": ("x", "none of them")}, **BY)
    assert actors(warehouse) == ["none", "y", "z"]
    assert alone in files(warehouse, ACTIVITY)
    assert not set(mixed) & set(files(warehouse, ACTIVITY))
    warehouse.delete(ACTIVITY, {**PLACE, "pull": "y"}, **BY)
    assert actors(warehouse) == ["none", "z"]
    warehouse.delete(ACTIVITY, {**PLACE, "pull": (None,)}, **BY)
    assert actors(warehouse) == ["z"]
    warehouse.delete(ACTIVITY, {**PLACE, "pull": (None, "z")}, **BY)
    assert actors(warehouse) == []


@pytest.mark.parametrize("write", ["replace", "append", "delete", "compact"])
def test_data_files_are_flushed_before_a_commit_names_them(
    warehouse: Warehouse, reject: Callable[..., pa.Table], monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    for source in ("a", "b", "b"):
        warehouse.append(REJECTS, reject(source, lines=2), {}, **BY)
    flushed: set[Path] = set()
    commit = DeltaTable.create_write_transaction
    monkeypatch.setattr(delta_log, "_sync", flushed.add)

    def committing(delta: DeltaTable, actions: list, *args: Any, **options: Any) -> None:
        added = [Path(warehouse.path(REJECTS), action.path) for action in actions if hasattr(action, "stats")]
        assert added
        assert {*added, *(path.parent for path in added)} <= flushed
        commit(delta, actions, *args, **options)

    monkeypatch.setattr(DeltaTable, "create_write_transaction", committing)
    if write == "delete":
        warehouse.delete(REJECTS, {**PLACE, "line": 1}, **BY)
    elif write == "compact":
        warehouse.compact(REJECTS, **BY)
    else:
        getattr(warehouse, write)(REJECTS, reject(), PLACE, **BY)
    assert warehouse.version(REJECTS) == 4


@pytest.mark.integration
def test_an_object_store_takes_and_returns_the_same_rows(tmp_path: Path, reject: Callable[..., pa.Table]) -> None:
    """deltalake serves `file://` like any other store."""
    warehouse = Warehouse(f"file://{tmp_path}/warehouse")
    (tmp_path / "warehouse").mkdir()
    warehouse.create_tables()
    warehouse.append(REJECTS, reject("a b/c%", lines=3), {}, **BY)
    warehouse.delete(REJECTS, {"source": "a b/c%", "line": 2}, **BY)
    warehouse.replace(REJECTS, reject(), PLACE, **BY)
    found = warehouse.read(REJECTS, columns=["source", "line"]).to_pylist()
    assert sorted(map(tuple, map(dict.values, found))) == [("a", 1), ("a b/c%", 1), ("a b/c%", 3)]
    assert not warehouse.is_local
    warehouse.replace(REJECTS, rows(REJECTS, []), {}, **BY)
    assert warehouse.read(REJECTS).num_rows == 0
