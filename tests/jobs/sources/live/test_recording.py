"""Recordings: a page and its cursor appear together, and hostile names stay inside the folder."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs.errors import CloutError
from jobs.sources.live import recording
from jobs.sources.live.recording import Cursor, Recording
from tests.jobs.sources.killed import killed_at, recorded


def test_pages_come_back_in_order_with_the_last_cursor(tmp_path: Path) -> None:
    unit = Recording(tmp_path, "repo/one")
    assert unit.cursor == Cursor()
    for number in range(12):
        unit.add([{"id": number}], Cursor(next=[number, None], done=number == 11))
    assert Recording(tmp_path, "repo/one").cursor == Cursor([11, None], True)
    assert [recording.items_of(page) for page in recorded(tmp_path)] == [[b'{"id":%d}' % n] for n in range(12)]


def test_a_folder_is_done_when_the_last_page_of_each_unit_is(tmp_path: Path) -> None:
    assert recording.is_done(tmp_path)
    for unit, done in (("a", False), ("a", True), ("a.000001", True)):
        Recording(tmp_path, unit).add([], Cursor("next", done))
        assert recording.is_done(tmp_path) is done
    Recording(tmp_path, "a").add([], Cursor("next"))
    assert not recording.is_done(tmp_path)


def test_a_page_without_items_keeps_its_cursor(tmp_path: Path) -> None:
    unit = Recording(tmp_path, "u")
    unit.add([], Cursor("next"))
    assert unit.cursor == Cursor("next")
    assert recording.items_of(unit.pages[0]) == []


def test_only_what_has_a_shape_is_kept_of_a_value() -> None:
    shape: dict[str, Any] = {"id": {}, "user": {"login": {}}}
    whole = {"id": 7, "user": {"login": "ana", "bio": "text"}, "body": "text"}
    assert recording.kept(whole, shape) == {"id": 7, "user": {"login": "ana"}}
    assert recording.kept({"id": ["text"], "user": "text"}, shape) == {"id": [], "user": ""}
    assert recording.kept({"id": {"text": "text"}, "user": ["text"]}, shape) == {"id": {}, "user": []}
    assert [recording.kept(value, shape) for value in ("text", None, 7, ["text"])] == ["", None, 7, []]


def test_units_do_not_mix(tmp_path: Path) -> None:
    names = [
        "a",
        "a.000000",
        "a.0",
        "b",
        "*",
        "[a]",
        "",
        "..",
        "../../etc",
        "a/b",
        "a" * 300,
        "a" * 301,
        "\u202eevil",
        "%2E",
    ]
    for name in names:
        Recording(tmp_path, name).add([{"unit": name}], Cursor(name))
    for name in names:
        assert Recording(tmp_path, name).cursor == Cursor(name), name
        assert len(Recording(tmp_path, name).pages) == 1, name
    assert {path.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path}


def test_a_page_that_was_cut_off_was_never_there(tmp_path: Path) -> None:
    unit = Recording(tmp_path, "u")
    unit.add([1], Cursor(1))

    with killed_at(0):
        unit.add([2], Cursor(2))
    assert unit.cursor == Cursor(1)
    unit.add([2], Cursor(2))
    assert [recording.items_of(page) for page in unit.pages] == [[b"1"], [b"2"]]


@pytest.mark.parametrize("content", [b"", b"1\n", b'{"other": 1}\n', b'{"clout_cursor": {"odd": 1}}\n'])
@pytest.mark.parametrize("pack", [bytes, zstd.compress])
def test_a_damaged_recording_is_named(tmp_path: Path, content: bytes, pack: type | Callable[..., Any]) -> None:
    unit = Recording(tmp_path, "u")
    unit.add([1], Cursor(1))
    unit.pages[0].write_bytes(pack(content))
    with pytest.raises(CloutError, match=r"u\.000000\.jsonl\.zst: this recording is damaged; remove its folder"):
        _ = unit.cursor


def test_only_days_before_the_first_kept_one_are_removed(tmp_path: Path) -> None:
    days = [date(2026, 11, number) for number in (1, 2, 3)]
    for source in ("a", "b"):
        for day in days:
            Recording(recording.day_folder(tmp_path, source, day), "u").add([1], Cursor())
    (tmp_path / "a" / "notes").mkdir()
    assert recording.remove_before(tmp_path, days[2]) == 4
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.glob("*/*")) == [
        "a/2026-11-03", "a/notes", "b/2026-11-03",
    ]  # fmt: skip
    assert recording.remove_before(Path(tmp_path / "nothing"), days[2]) == 0
