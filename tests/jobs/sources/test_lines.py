"""Files of any kind, whole or broken -> lines and pages."""

import bz2
import gzip
import io
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs.errors import UsageError
from jobs.sources.files import existing
from jobs.sources.lines import Line, decompressed, lines, pages
from jobs.sources.page import Ignored, Note, Rejected
from jobs.sources.values import json_object

TEXT = b"".join(b"line %d\n" % number for number in range(1, 100_001))  # more than a buffer
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstd.compress,
}
ARCHIVES = [name for name in PACK if name != "plain"]
BROKEN = "archive is truncated or damaged from here on"


def read(content: bytes) -> list[Line]:
    return list(lines(decompressed(io.BytesIO(content))))


@pytest.mark.parametrize("kind", PACK)
def test_every_line_whatever_it_is_packed_in(kind: str) -> None:
    assert [line.text for line in read(PACK[kind](TEXT))] == TEXT.splitlines(keepends=True)


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_put_one_after_another_are_one(kind: str) -> None:
    found = read(PACK[kind](b"a\nb") + PACK[kind](b"c\nd\n"))
    assert found == [Line(1, b"a\n"), Line(2, b"bc\n"), Line(3, b"d\n")]


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize("missing", [1, 1000])
def test_a_truncated_archive_says_so_after_its_whole_lines(kind: str, missing: int) -> None:
    *whole, last = read(PACK[kind](TEXT)[:-missing])
    assert [line.text for line in whole] == TEXT.splitlines(keepends=True)[: len(whole)]  # no part of a line
    assert last == Line(len(whole) + 1, b"", BROKEN)


@pytest.mark.parametrize(("kind", "at_least"), [("gzip", 40_000), ("xz", 40_000), ("zstd", 30_000)])
def test_lines_before_a_break_are_read(kind: str, at_least: int) -> None:
    packed = PACK[kind](TEXT)
    assert len(read(packed[: len(packed) // 2])) > at_least  # bzip2's only block is broken as a whole


@pytest.mark.parametrize("kind", ARCHIVES)
def test_a_damaged_archive_says_so(kind: str) -> None:
    packed = bytearray(PACK[kind](TEXT))
    packed[len(packed) // 2] ^= 0xFF
    *whole, last = read(bytes(packed))
    assert [line.text for line in whole if line.fault] == []
    assert last == Line(len(whole) + 1, b"", BROKEN)


def test_a_zstd_window_of_public_dumps_is_accepted() -> None:
    # A frame's header alone asks for the window: magic, no content size, window of 2 GiB; then one empty last block.
    frame = bytes.fromhex("28b52ffd00") + bytes([(31 - 10) << 3]) + bytes.fromhex("010000")
    assert read(frame) == []
    with pytest.raises(zstd.ZstdError, match="too much memory"):
        zstd.decompress(frame)  # as the library does it by itself


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", []),
        (b"\n\n \n", []),
        (b"a\nb", [Line(1, b"a\n"), Line(2, b"b")]),  # no newline at the end
        (b"a\r\nb\r\n", [Line(1, b"a\r\n"), Line(2, b"b\r\n")]),
        (b"a\n\nb\n", [Line(1, b"a\n"), Line(3, b"b\n")]),  # empty lines count
        (b"\xef\xbb\xbfa\nb\n", [Line(1, b"a\n"), Line(2, b"b\n")]),  # byte order mark
        ("é\n".encode(), [Line(1, "é\n".encode())]),
        ("a\né\nb\n".encode("latin-1"), [Line(1, b"a\n"), Line(2, b"\xe9\n", "line is not UTF-8"), Line(3, b"b\n")]),
        (b"\x1f", [Line(1, b"\x1f")]),  # shorter than what identifies an archive
    ],
)
def test_lines_of_plain_files(content: bytes, expected: list[Line]) -> None:
    assert read(content) == expected


def test_a_file_in_utf_16_is_no_line_of_utf_8() -> None:
    first, second, rest = read("a\nb\n".encode("utf-16"))
    assert first == Line(1, b"\xff\xfea\x00\n", "line is not UTF-8")
    assert (second.text, rest.text) == (b"\x00b\x00\n", b"\x00")  # for the parser to refuse


@pytest.mark.system
def test_a_line_of_100_mb_is_a_fault_and_is_never_held(tmp_path: Path) -> None:
    place = tmp_path / "long.gz"
    with gzip.open(place, "wb", compresslevel=1) as file:
        file.write(b"a\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nb\n")
    program = (
        "import resource, sys\n"
        "from jobs.sources.lines import decompressed, lines\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for line in lines(decompressed(open(sys.argv[1], 'rb'))): print(line.number, len(line.text), line.fault)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True)
    *found, mebibytes = done.stdout.splitlines()
    assert found == ["1 2 None", "2 4096 line is longer than 16 MiB", "3 2 None"]
    assert int(mebibytes) < 64  # one line of the greatest length, held twice while it is put together, and buffers


def test_a_page_holds_the_fault_of_each_line(tmp_path: Path) -> None:
    place = tmp_path / "a.gz"
    place.write_bytes(gzip.compress(b"good\nbad\nl\xe9\nlast\n")[:-1])

    def parse(line: bytes) -> list[Ignored]:
        if line == b"bad\n":
            raise Rejected("is bad", 0)
        return [Ignored(0)]

    (page,) = pages("test", [place], parse)
    assert page.faults.to_pylist() == [
        {"outcome": "rejected", "reason": "is bad", "occurred_at": 0, "line": 2, "excerpt": "bad"},
        {"outcome": "rejected", "reason": "line is not UTF-8", "occurred_at": None, "line": 3, "excerpt": "l\\xe9"},
        {"outcome": "rejected", "reason": BROKEN, "occurred_at": None, "line": 5, "excerpt": ""},
    ]
    assert page.lines == {date(1970, 1, 1): 3, None: 2}
    assert page.ignored == {date(1970, 1, 1): 2}
    assert page.notes == (Note("a.gz breaks off at line 5", partial=True),)


def kept(line: bytes) -> list[Ignored]:
    """A parser of `{"n": 1}`, whose number is the time."""
    return [Ignored(json_object(line)["n"])]


def numbers(content: bytes, tmp_path: Path) -> tuple[list, list, int]:
    """Reasons of faults, notes, and how many values there were, of a file with this content."""
    place = tmp_path / "f.json"
    place.write_bytes(content)
    found = list(pages("test", [place], kept))
    reasons = [(row["line"], row["reason"]) for page in found for row in page.faults.to_pylist()]
    return reasons, [note for page in found for note in page.notes], sum(page.ignored.total() for page in found)


THREE = b'{"n": 1},\n {"n": 2}, {"n": 3}'


@pytest.mark.parametrize(
    "content",
    [
        b'{"n": 1}\n{"n": 2}\n{"n": 3}\n',
        b'{"n": 1}{"n": 2} {"n": 3}',
        b'{"n": 1}\n{"n": 2}{"n": 3}\n',
        b'{\n "n": 1\n}\n{\n "n": 2\n}\n{"n": 3}',  # printed for people
        b"[" + THREE + b"]",
        b"[\n" + THREE + b"\n]\n",
        b"\xef\xbb\xbf[" + THREE + b"]",
        b'[{"n": 1}]\n[{"n": 2}, {"n": 3}]\n',  # answers of an API, one a line
        b'{"type": "OrderedCollection", "orderedItems": [' + THREE + b"]}",
        b'{"orderedItems": [' + THREE + b'], "type": "OrderedCollection", "totalItems": 3}',
        b'{\n"@context": ["a", {"b": 1.5e3}],\n"items": [' + THREE + b"]\n}\n",
        b'{"items": [{"n": 1}]}\n{"items": []}\n{"items": [{"n": 2}, {"n": 3}]}\n',  # pages of a collection, one a line
        b'{"data": [' + THREE + b'], "error": null}',
        b'{"kind": "Listing", "data": {"after": null, "children": [' + THREE + b"]}}",
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_json_that_is_not_one_value_a_line_is_its_values(
    content: bytes, pack: type | Callable[..., Any], tmp_path: Path
) -> None:
    assert numbers(pack(content), tmp_path) == ([], [], 3)


@pytest.mark.parametrize(
    ("content", "reasons", "count"),
    [
        (b"[" + THREE, [(4, "document is not JSON from here on, or breaks off")], 3),
        (b"[\n" + THREE[:-3], [(3, "document is not JSON from here on, or breaks off")], 2),
        (b'{"items": [' + THREE + b" oops", [(4, "document is not JSON from here on, or breaks off")], 3),
        (b'[{"n": "\xff"}]', [(1, "document is not UTF-8")], 0),
        (b'[{"n": ' + b"[" * 100_000, [(1, "value is nested too deeply")], 0),
    ],
)
def test_a_document_that_breaks_off_says_where(
    content: bytes, reasons: list[tuple[int, str]], count: int, tmp_path: Path
) -> None:
    found, notes, read = numbers(content, tmp_path)
    assert (found, read) == (reasons, count)
    assert notes == [Note(f"f.json breaks off at line {reasons[0][0]}", partial=True)]


def test_a_line_of_which_some_values_are_bad_is_its_values(tmp_path: Path) -> None:
    assert numbers(b'{"n": 0}\n[{"n": 1}, 7, {"n": 2}]\n', tmp_path) == ([(2, "line is not a JSON object")], [], 3)


def test_a_torn_line_is_one_reject_and_the_next_is_read(tmp_path: Path) -> None:
    assert numbers(b'{"n": 1}\n{"n": {"n": 2}\n[1, 2\n{"n": 3}', tmp_path) == (
        [(2, "line is not JSON"), (3, "line is not JSON")],
        [],
        2,
    )


@pytest.mark.system
def test_a_document_of_any_size_is_read_in_bounded_memory(tmp_path: Path) -> None:
    place = tmp_path / "outbox.json"
    with place.open("wb") as file:
        file.write(b'{"orderedItems": [')
        file.write(b",".join(b'{"n": 1, "x": "%s"}' % (b"x" * 1_000) for _ in range(100_000)))
        file.write(b"]}")
    program = (
        "import resource, sys\n"
        "from jobs.sources.lines import decompressed, _read\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(sum(line.fault is None for line in _read(decompressed(open(sys.argv[1], 'rb')))))\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(place)], capture_output=True, text=True, check=True)
    count, mebibytes = done.stdout.split()
    assert count == "100000"
    assert int(mebibytes) < 32


def test_a_page_that_a_server_sent_in_place_of_a_file_is_one_fault(tmp_path: Path) -> None:
    for content in (b"<html>\n<body>\n</html>\n", b"  <?xml version='1.0'?>\n<Error>\n</Error>"):
        reasons, notes, _ = numbers(content, tmp_path)
        assert reasons == [(1, "a page of HTML or XML, as servers send in place of a file")]
        assert notes == [Note("f.json is a page of HTML or XML, as servers send in place of a file", partial=True)]


@pytest.mark.parametrize(
    ("head", "message"),
    [
        (b"PAR1", r"f: a Parquet file; a source of type parquet .*JSON lines: .duckdb -c .copy 'f' to 'f\.jsonl'"),
        (b"PK\x03\x04", "f: a zip archive; unpack it first, or give `-` and its content: `unzip -p f |"),
        (b"7z\xbc\xaf\x27\x1c", "f: a 7z archive"),
        (b"Obj\x01", "f: an Avro file"),
        (b"ORC", "f: an ORC file"),
        (b"SQLite format 3\x00", "f: an SQLite database"),
    ],
)
def test_files_of_other_kinds_are_named_as_what_they_are(head: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        decompressed(io.BytesIO(head + b"\x00" * 100), "f")


def test_a_dictionary_that_is_not_here_is_named() -> None:
    trained = zstd.train_dict([b"%d likes of a post, %d follows" % (n, n * 7) for n in range(2_000)], 1024)
    packed = zstd.compress(b"7 likes of a post", zstd_dict=trained)
    with pytest.raises(UsageError, match="f: compressed with a dictionary that is not here; decompress it with its"):
        decompressed(io.BytesIO(packed), "f")


def test_an_empty_file_is_reported_by_a_page(tmp_path: Path) -> None:
    place = tmp_path / "a.txt"
    place.touch()
    (page,) = pages("test", [place], lambda _: [])
    assert (page.file, page.acts.num_rows, page.lines.total()) == (str(place), 0, 0)
    assert page.notes == (Note("a.txt is empty", partial=False),)


@pytest.mark.system
def test_a_pipe_is_a_place(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["/bin/sh", "-c", f'printf \'{{"n": 1}}\\n{{"n": 2}}\\n\' > "{pipe}"']):
        (page,) = pages("test", existing([str(pipe)]), kept)
    assert page.ignored.total() == 2
