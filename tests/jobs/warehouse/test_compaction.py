"""Small files of a table become larger ones: which, with which rows, and what their commit says."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from jobs.warehouse import arrow_writer, compaction, delta_log, pruning
from jobs.warehouse.races import LostRaceError
from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.rejects import REJECTS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
BY: dict[str, Any] = {"run_id": "r", "job": "maintain"}


@pytest.fixture
def added(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[[date, range], None]:
    """`added(day, lines)`: a file of rejects of that day, one of each line number."""

    def write(day: date, lines: range) -> None:
        records = [{"day": day, "source": "a", "line": line, "excerpt": str(line)} for line in lines]
        warehouse.append(REJECTS, arrow_rows(REJECTS, records), {}, run_id="r", job="j")

    return write


def listed(*files: tuple[str, date, int]) -> pa.Table:
    return pa.Table.from_pylist([{"path": name, "size_bytes": size, "day": day} for name, day, size in files])


def test_only_small_files_of_one_partition_are_grouped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_writer, "FILE_BYTES", 10)
    files = listed(("a", DAY, 9), ("b", DAY, 3), ("c", NEXT, 2), ("d", DAY, 2), ("e", DAY, 5), ("f", DAY, 10))
    assert [group["path"].to_pylist() for group in compaction.groups(files)] == [["d", "b", "e"]]
    assert list(compaction.groups(files.slice(0, 0))) == []


def test_merged_files_hold_the_same_rows_and_the_commit_changes_none(
    warehouse: Warehouse, added: Callable[[date, range], None]
) -> None:
    for day, lines in ((DAY, range(3)), (DAY, range(3, 5)), (NEXT, range(1)), (NEXT, range(1, 2))):
        added(day, lines)
    before = sorted_by_grain(REJECTS, warehouse.read(REJECTS))
    bounds = pa.table(warehouse.delta(REJECTS).get_add_actions(flatten=True))
    assert warehouse.compact(REJECTS, **BY) == 4
    assert sorted_by_grain(REJECTS, warehouse.read(REJECTS)).equals(before)
    after = pa.table(warehouse.delta(REJECTS).get_add_actions(flatten=True))
    assert after.sort_by("partition.day")["num_records"].to_pylist() == [5, 2]
    assert after.column_names == bounds.column_names  # the same statistics
    commit = delta_log.commits(Path(warehouse.path(REJECTS)))[-1].path
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    assert [change["dataChange"] for entry in actions for name, change in entry.items() if name != "commitInfo"] == [
        False
    ] * 6
    version = warehouse.version(REJECTS)
    assert warehouse.compact(REJECTS, **BY) == 0
    assert warehouse.version(REJECTS) == version


def test_another_write_that_comes_first_does_not_hinder_the_merging(
    warehouse: Warehouse, added: Callable[[date, range], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in range(2):
        added(DAY, range(line, line + 1))
    merge = compaction.merge

    def before_a_write(*place: Any) -> Any:
        merged = merge(*place)
        added(DAY, range(2, 3))  # the same partition, another file
        return merged

    monkeypatch.setattr(compaction, "merge", before_a_write)
    assert warehouse.compact(REJECTS, **BY) == 2
    assert sorted(warehouse.read(REJECTS)["line"].to_pylist()) == [0, 1, 2]
    assert pruning.files(warehouse.delta(REJECTS)).num_rows == 2


def test_files_that_were_replaced_meanwhile_do_not_come_back(
    warehouse: Warehouse, added: Callable[[date, range], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for line in range(2):
        added(DAY, range(line, line + 1))
    merge = compaction.merge

    def before_a_deletion(*place: Any) -> Any:
        merged = merge(*place)
        warehouse.delete(REJECTS, {"day": DAY}, run_id="night", job="j")
        return merged

    monkeypatch.setattr(compaction, "merge", before_a_deletion)
    with pytest.raises(LostRaceError, match="another run replaced 2 files while they were being merged"):
        warehouse.compact(REJECTS, **BY)
    assert warehouse.read(REJECTS).num_rows == 0
