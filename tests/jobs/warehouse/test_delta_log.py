"""Torn files of a Delta log: which a reader takes for whole, and that ours does not."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs.errors import CloutError
from jobs.warehouse import delta_log
from jobs.warehouse.storage import Warehouse
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.scores import SCORES
from tests.filled_rows import DAY
from tests.fixture_types import ArrowRows, SparkRows

PLACE = {"methodology": "2026.11", "day": DAY}


@pytest.fixture
def write(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`write("ana", "bo")`: these people's scores of the day, instead of what it had."""
    return lambda *people: warehouse.replace(
        SCORES, arrow_rows(SCORES, [{"person_id": person} for person in people]), PLACE, run_id="r", job="publish"
    )


def newest(warehouse: Warehouse) -> Path:
    return delta_log.commits(Path(warehouse.path(SCORES)))[-1].path


def test_a_torn_newest_commit_is_never_read_as_an_empty_change(
    warehouse: Warehouse, write: Callable[..., None]
) -> None:
    """Of every length, down to zero. Readers of Delta take some of them for a smaller change."""
    write("ana")
    write("bo")
    commit = newest(warehouse)
    whole = commit.read_bytes()
    misread = 0
    for length in range(len(whole)):
        commit.write_bytes(whole[:length])
        assert delta_log.commit_fault(commit), length
        if length % 50 == 0 or whole[length : length + 1] == b"\n":
            with pytest.raises(CloutError, match=r"scores.*(maintain --repair|clout doctor)"):
                warehouse.read(SCORES)
            try:
                misread += DeltaTable(warehouse.path(SCORES)).to_pyarrow_table()["person_id"].to_pylist() != ["bo"]
            except Exception:
                continue  # a reader that refuses it
    assert misread  # else this test would prove nothing
    commit.write_bytes(whole)
    assert warehouse.read(SCORES)["person_id"].to_pylist() == ["bo"]


def test_commits_of_every_operation_are_whole(warehouse: Warehouse, write: Callable[..., None]) -> None:
    write("ana")
    write("bo", "cy")
    delta = warehouse.delta(SCORES)
    delta.optimize.compact()
    delta.alter.set_table_properties({"delta.appendOnly": "false"})
    delta.delete("person_id = 'bo'")
    delta.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    delta.create_checkpoint()
    for table in TABLES:
        folder = Path(warehouse.path(table))
        assert [delta_log.commit_fault(entry.path) for entry in delta_log.commits(folder)] == [None] * (
            warehouse.version(table) + 1
        )
        assert not any(delta_log.checkpoint_fault(entry.path) for entry in delta_log.checkpoints(folder))


def test_a_torn_commit_of_spark_is_seen_whatever_its_length(
    spark: SparkSession, warehouse: Warehouse, rows: SparkRows
) -> None:
    for count in (1, 2):
        frame = rows(ENGAGEMENT, [{"act_count": count}])
        warehouse.replace_by_spark(ENGAGEMENT, frame, {"day": DAY}, run_id="r", job="engagement")
    commit = delta_log.commits(Path(warehouse.path(ENGAGEMENT)))[-1].path
    whole = commit.read_bytes()
    assert delta_log.commit_fault(commit) is None
    ends = [at for at, byte in enumerate(whole[:-1]) if byte == ord("\n")]  # where a reader notices nothing
    for length in {*ends, *(end + 1 for end in ends), *range(0, len(whole) - 1, 50)}:
        commit.write_bytes(whole[:length])
        assert delta_log.commit_fault(commit), length


@pytest.mark.parametrize("length", [0, 10, -3])
def test_a_torn_checkpoint_is_seen(warehouse: Warehouse, write: Callable[..., None], length: int) -> None:
    write("ana")
    warehouse.delta(SCORES).create_checkpoint()
    (checkpoint,) = delta_log.checkpoints(Path(warehouse.path(SCORES)))
    assert delta_log.checkpoint_fault(checkpoint.path) is None
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:length])
    assert "cannot be read" in (delta_log.checkpoint_fault(checkpoint.path) or "")
    with pytest.raises(CloutError, match=r"scores: cannot be read.*clout doctor"):
        Warehouse(warehouse.root).read(SCORES)


def test_a_write_is_done_only_after_its_files_and_folders_are_flushed(
    warehouse: Warehouse, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    write("ana")
    table = Path(warehouse.path(SCORES))
    (data,) = warehouse.delta(SCORES).file_uris()
    expected = [data.removeprefix("file://"), str(newest(warehouse)), str(Path(data).parent), str(table / "_delta_log")]
    assert set(expected) <= set(flushed)
    assert flushed.index(expected[0]) < flushed.index(expected[1])  # what a commit names comes before it


def test_what_others_committed_just_before_is_flushed_too(
    warehouse: Warehouse, write: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their writers may not be that far yet, and this commit builds on theirs."""
    write("ana")
    before = newest(warehouse)
    flushed: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: flushed.append(os.readlink(f"/proc/self/fd/{descriptor}")))
    write("bo")
    assert str(before) in flushed


def test_another_table_goes_on(warehouse: Warehouse, write: Callable[..., None]) -> None:
    write("ana")
    newest(warehouse).write_bytes(b"")
    assert warehouse.read(COVERAGE).num_rows == 0
