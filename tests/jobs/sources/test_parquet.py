"""Acts from Parquet: the same as from lines, what a row may state, and files that cannot be read."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.errors import UsageError
from jobs.sources import parquet
from jobs.sources.lines import ReadError
from jobs.sources.page import Note, Page
from jobs.sources.parquet import ParquetSource
from jobs.sources.values import derived_id
from schemas.activity import ACTIVITY
from schemas.rejects import REJECTS
from tests.jobs.pulls import Pulls, like

NOON = datetime(2012, 7, 4, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
ACT = {
    "kind": "like",
    "actor_id": "ana",
    "target_id": "bo",
    "occurred_at": NOON,
    "activity_id": "1",
    "object_id": "note",
}
INSTANT = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema([(name, INSTANT if name == "occurred_at" else pa.string()) for name in ACT])


def page(*rows: dict[str, Any], schema: pa.Schema = SCHEMA) -> Page:
    """The page of rows that state, unless they say otherwise, what `ACT` does."""
    batch = pa.RecordBatch.from_pylist([{**ACT, **row} for row in rows], schema)
    return parquet.page("test", "f", batch, 1)


def written(path: Path, *rows: dict[str, Any], schema: pa.Schema = SCHEMA) -> Path:
    pq.write_table(pa.Table.from_pylist([{**ACT, **row} for row in rows], schema), path)
    return path


def pages(path: Path) -> list[Page]:
    return list(ParquetSource("test", [str(path)]).pages(NOON.date(), NOON.date()))


def test_rows_become_the_acts_that_lines_become(pull: Pulls, tmp_path: Path) -> None:
    follow = like("cy", type="Follow", object="bo", id="2")
    created = like("bo", type="Create", object={"type": "Note", "id": "3"})
    pull(f"lines:activitystreams@test={pull.file('a.jsonl', like('ana', id='1'), follow, created)}")
    columns = ("activity_id", "kind", "actor_id", "target_id", "object_id", "occurred_at")
    of_lines = pull.warehouse.read(ACTIVITY, columns=columns)
    pq.write_table(of_lines, tmp_path / "a.parquet")
    pull(f"rows:parquet@test={tmp_path / 'a.parquet'}")
    of_rows = pull.warehouse.read(ACTIVITY, {"source": "rows"}, columns=columns)
    assert of_lines.num_rows == 3
    assert of_rows.sort_by("activity_id").equals(of_lines.sort_by("activity_id"))


def test_what_a_row_need_not_state() -> None:
    found = page(
        {"kind": "post", "target_id": None},  # is about the actor
        {"kind": "post", "target_id": "ana", "object_id": None},
        {"kind": "follow", "object_id": "bo"},  # has no object
        {"activity_id": None},
        {"object_id": None},
    )
    assert found.faults.num_rows == 0
    assert sorted(
        (act["line"], act["target_id"], act["activity_id"], act["object_id"]) for act in found.acts.to_pylist()
    ) == [
        (1, "ana", "1", None),
        (2, "ana", "1", None),
        (3, "bo", "1", None),
        (4, "bo", derived_id("ana", "bo", NOON_US), "note"),
        (5, "bo", "1", None),
    ]
    assert found.lines == Counter({NOON.date(): 5})


@pytest.mark.parametrize(
    ("row", "outcome", "reason"),
    [
        ({"kind": "wave"}, "rejected", "kind is none of quote, reshare, reply, mention, like, follow, post"),
        ({"kind": None}, "rejected", "kind is none of quote, reshare, reply, mention, like, follow, post"),
        ({"kind": "post"}, "rejected", "target of a post is not its actor"),
        ({"actor_id": None}, "rejected", "actor is missing"),
        ({"actor_id": ""}, "rejected", "actor is missing"),
        ({"actor_id": "a\x7f"}, "rejected", "actor id holds control characters"),
        ({"target_id": "b\n"}, "rejected", "target id holds control characters"),
        ({"target_id": "b" * 2049}, "rejected", "target id is longer than 2048 characters"),
        ({"activity_id": "\x00"}, "rejected", "act id holds control characters"),
        ({"object_id": ""}, "rejected", "object is missing"),
        ({"target_id": None}, "unresolved", "does not say whom it was about"),
        ({"occurred_at": datetime(1989, 1, 1, tzinfo=UTC)}, "rejected", "time is out of range"),
        ({"occurred_at": datetime(2101, 1, 1, tzinfo=UTC)}, "rejected", "time is out of range"),
        ({"occurred_at": None}, "unresolved", "time is missing"),
    ],
)
def test_faults(row: dict[str, Any], outcome: str, reason: str) -> None:
    found = page({}, row, {})
    assert [(fault["line"], fault["outcome"], fault["reason"]) for fault in found.faults.to_pylist()] == [
        (2, outcome, reason)
    ]
    assert found.acts["line"].to_pylist() == [1, 3]
    assert found.lines.total() == 3


def test_a_rejected_row_is_quoted(pull: Pulls, tmp_path: Path) -> None:
    pull(f"rows:parquet={written(tmp_path / 'a.parquet', {}, {'kind': 'wave'})}", max_reject_share=1)
    ((line, excerpt),) = pull.table(REJECTS, "line", "excerpt")
    assert (line, excerpt[:42]) == (2, '{"kind":"wave","actor_id":"ana","target_id')


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_instants_of_any_unit_and_zone(unit: str, zone: str | None) -> None:
    schema = SCHEMA.set(3, pa.field("occurred_at", pa.timestamp(unit, tz=zone)))
    at = NOON if zone else NOON.replace(tzinfo=None)
    assert page({"occurred_at": at}, schema=schema).acts["occurred_at"].to_pylist() == [NOON_US]


def test_an_instant_that_would_overflow_is_out_of_range() -> None:
    batch = pa.RecordBatch.from_pylist([ACT], SCHEMA).set_column(
        3, "occurred_at", pa.array([2**62], pa.int64()).cast(pa.timestamp("s"))
    )
    assert parquet.page("test", "f", batch, 1).faults["reason"].to_pylist() == ["time is out of range"]


def test_ids_that_are_numbers_or_categories() -> None:
    schema = SCHEMA.set(1, pa.field("actor_id", pa.uint64())).set(
        0, pa.field("kind", pa.dictionary(pa.int8(), pa.string()))
    )
    (act,) = page({"actor_id": 2**63}, schema=schema).acts.to_pylist()
    assert (act["kind"], act["actor_id"]) == ("like", str(2**63))


def test_columns_that_are_missing_or_of_other_types_are_all_named(tmp_path: Path) -> None:
    schema = pa.schema([("kind", pa.int8()), ("actor_id", pa.float64()), ("occurred_at", pa.string())])
    rows = [{"kind": 1, "actor_id": 1.0, "occurred_at": "noon"}]
    path = written(tmp_path / "a.parquet", *rows, schema=schema)
    with pytest.raises(UsageError) as error:
        pages(path)
    assert str(error.value) == (
        f"{path}: no column target_id; kind is int8, expected text; actor_id is double, expected text;"
        " occurred_at is string, expected a timestamp; see infra/docs/sources.md"
    )


def test_rows_are_numbered_across_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS_OF_A_PAGE", 2)
    path = written(tmp_path / "a.parquet", *[{}] * 5)
    assert [page.acts["line"].to_pylist() for page in pages(path)] == [[1, 2], [3, 4], [5]]


def test_a_file_without_rows_is_reported(tmp_path: Path) -> None:
    (page,) = pages(written(tmp_path / "a.parquet"))
    assert page.notes == (Note("a.parquet is empty", False),)


def test_a_damaged_file_is_partial(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", *[{}] * 1000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    (page,) = pages(path)
    assert page.notes == (Note("a.parquet breaks off at row 1", True),)
    assert page.faults["reason"].to_pylist() == ["archive is truncated or damaged from here on"]


def test_text_that_is_not_utf_8_damages_a_file(tmp_path: Path) -> None:
    schema = SCHEMA.set(1, pa.field("actor_id", pa.binary()))
    path = tmp_path / "a.parquet"
    table = pa.Table.from_pylist([{**ACT, "actor_id": b"\xff\xfe"}], schema)
    actors = pa.Array.from_buffers(pa.string(), 1, table["actor_id"].chunk(0).buffers())
    pq.write_table(table.set_column(1, "actor_id", actors), path)
    assert [page.notes for page in pages(path)] == [(Note("a.parquet breaks off at row 1", True),)]


def test_what_is_no_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_text('{"type": "Like"}\n')
    with pytest.raises(UsageError, match="no Parquet file; give JSON lines to a source of type activitystreams"):
        pages(path)
    with pytest.raises(UsageError, match="give a file, not a pipe"):
        pages(Path("/dev/null"))


def test_a_machine_that_cannot_read_fails_the_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.parquet", {})

    def broken(*_: Any, **__: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pq, "ParquetFile", broken)
    with pytest.raises(ReadError, match="Input/output error; nothing pulled"):
        pages(path)


def test_the_platform_is_the_id_or_the_named_one(tmp_path: Path) -> None:
    path = str(written(tmp_path / "a.parquet", {}))
    assert ParquetSource("mine", [path]).platforms == ("mine",)
    assert ParquetSource("mine", [path], "mastodon").platforms == ("mastodon",)
    assert [page.platform for page in ParquetSource("mine", [path], "x").pages(date.min, date.max)] == ["x"]
