"""Files -> lines -> pages, in bounded memory whatever a file's size, for every source that reads lines."""

import bz2
import gzip
import io
import logging
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import zstandard

from jobs.errors import UsageError
from jobs.sources.page import Note, Page, PageBuilder, Record, Rejected

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 16 << 20  # far above any real activity; a longer line is a fault and is skipped without being held
PAGE_LINES = 20_000
BUFFER_BYTES = 1 << 20
KEPT_BYTES = 4096

# A zstd frame's input is handed on in pieces this small: even a piece made to explode then gives 128 MiB at most.
ZSTD_INPUT_BYTES = 4096

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
JSON_LINES = tuple(name + packed for name in (".jsonl", ".ndjson", ".json") for packed in ("", *COMPRESSIONS))

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError)

Parse = Callable[[bytes], Sequence[Record]]


class Line(NamedTuple):
    number: int  # from 1
    text: bytes  # the first bytes only, where `fault` says so
    fault: str | None = None


def existing(places: Sequence[str], suffixes: Sequence[str] = ()) -> list[Path]:
    """The files at these places, a folder giving those with one of the suffixes, by name. Raises `UsageError` naming
    the place that is not there or holds nothing to read."""
    files: list[Path] = []
    for place in places:
        path = Path(place).expanduser()
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.is_file() and p.name.endswith(tuple(suffixes)))
            if not found:
                raise UsageError(f"{path}: no file with one of {', '.join(suffixes)} in this folder")
            files += found
        elif path.is_file():
            files.append(path)
        else:
            raise UsageError(f"{path}: no such file; give the path of a file or folder that exists")
    return files


def decompressed(raw: BinaryIO) -> BinaryIO:
    """The stream behind gzip, bzip2, xz or zstd, told by its first bytes; itself if it is none of them."""
    stream = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(raw, BUFFER_BYTES)  # type: ignore[type-var]
    head = stream.peek(6)[:6]
    match next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None):
        case "gzip":
            return io.BufferedReader(_Available(gzip.GzipFile(fileobj=stream)), BUFFER_BYTES)
        case "bzip2":
            return io.BufferedReader(_Available(bz2.BZ2File(stream)), BUFFER_BYTES)
        case "xz":
            return io.BufferedReader(_Available(lzma.LZMAFile(stream)), BUFFER_BYTES)
        case "zstd":
            return io.BufferedReader(_Zstd(stream), BUFFER_BYTES)
    return stream


class _Available(io.RawIOBase):
    """Gives what an archive has at hand. Asked for a whole buffer, the standard readers lose all of it where the
    archive breaks off within."""

    def __init__(self, archive: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile) -> None:
        self._archive = archive

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        data = self._archive.read1(len(into))
        into[: len(data)] = data
        return len(data)


class _Zstd(io.RawIOBase):
    """The content of consecutive zstd frames. Raises `EOFError` where the last one is cut short, of which the library's
    own reader says nothing."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        # Public dumps use windows of up to 2 GiB, above the library's default limit.
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 31)
        self._frame: zstandard.ZstdDecompressionObj | None = None  # the one begun, until it ends
        self._input = b""
        self._output = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        while not self._output:
            self._input = self._input or self._raw.read(ZSTD_INPUT_BYTES)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("the last zstd frame is incomplete")
                return 0
            self._frame = self._frame or self._decompressor.decompressobj()
            self._output = memoryview(self._frame.decompress(self._input))
            self._input = self._frame.unused_data
            if self._frame.eof:
                self._frame = None
        count = min(len(into), len(self._output))
        into[:count] = self._output[:count]
        self._output = self._output[count:]
        return count


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line. One that is too long or not UTF-8 comes with its fault; where the archive breaks off, the last line
    says so and nothing follows. Empty lines are passed over, but counted in the numbers."""
    number = 0
    while True:
        number += 1
        try:
            text = stream.readline(MAX_LINE_BYTES)
            if len(text) == MAX_LINE_BYTES and not text.endswith(b"\n"):
                kept = text[:KEPT_BYTES]
                while text and not text.endswith(b"\n"):
                    text = stream.readline(BUFFER_BYTES)
                yield Line(number, kept, f"line is longer than {MAX_LINE_BYTES >> 20} MiB")
                continue
        except _BROKEN as error:
            log.debug("line %d: %s", number, error)
            yield Line(number, b"", "archive is truncated or damaged from here on")
            return
        if not text:
            return
        if number == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if text.isspace():
            continue
        yield Line(number, text, None if text.isascii() or _is_utf8(text) else "line is not UTF-8")


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def pages(platform: str, files: Iterable[Path], parse: Parse) -> Iterator[Page]:
    """Reads each file once. `parse` gives a line's records or raises `Rejected`; it sees whole lines of UTF-8 only."""
    for path in files:
        with ExitStack() as stack:
            stream = decompressed(stack.enter_context(path.open("rb")))
            yield from stream_pages(platform, str(path), stream, parse)


def stream_pages(platform: str, name: str, stream: BinaryIO, parse: Parse) -> Iterator[Page]:
    """The pages of one open stream; at least one, so that an empty file is told too."""
    builder = PageBuilder(platform, name)
    total = 0
    for line in lines(stream):
        total += 1
        if line.fault is None:
            try:
                builder.add(line.number, line.text, parse(line.text))
            except Rejected as fault:
                builder.reject(line.number, line.text, fault)
        else:
            builder.reject(line.number, line.text, Rejected(line.fault))
            if not line.text:
                builder.note(Note(f"{Path(name).name} breaks off at line {line.number}", partial=True))
        if builder.line_count == PAGE_LINES:
            yield builder.page()
            builder = PageBuilder(platform, name)
    if total == 0:
        builder.note(Note(f"{Path(name).name} is empty", partial=False))
    if builder.line_count or total == 0:
        yield builder.page()
