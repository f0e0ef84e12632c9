"""Files -> lines -> pages, for every source that reads lines. Memory does not depend on a file's size.

If a file is JSON but not one value per line (`documents`), its values take the place of lines.
"""

import bz2
import gzip
import io
import json
import logging
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from datetime import date
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from backports import zstd

from jobs.errors import CloutError, UsageError
from jobs.sources import documents
from jobs.sources.page import Note, Page, PageBuilder, Record, Rejected
from jobs.sources.values import json_object

log = logging.getLogger(__name__)

MAX_LINE_BYTES = 16 << 20  # far above any real activity; a longer line is rejected without being held in memory
PAGE_LINES = 20_000
BUFFER_BYTES = 1 << 20
KEPT_BYTES = 4096

# Public dumps use windows of up to 2 GiB, above the library's default limit.
_LONG_WINDOWS = {int(zstd.DecompressionParameter.window_log_max): 31}

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
# Formats that hold no lines, by their first bytes, and how to convert them.
_FOREIGN = {
    b"PAR1": "a Parquet file; a source of type parquet reads tables of acts; write others as JSON lines:"
    " `duckdb -c \"copy 'FILE' to 'FILE.jsonl' (format json)\"`",
    b"PK\x03\x04": "a zip archive; unpack it first, or give `-` and its content: `unzip -p FILE | clout pull ...`",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; unpack it first",
    b"Obj\x01": "an Avro file; write it as JSON lines first",
    b"ORC": "an ORC file; write it as JSON lines first",
    b"SQLite format 3\x00": "an SQLite database; write its rows as JSON lines first",
}
BROKEN = "archive is truncated or damaged from here on"
ERROR_PAGE = "a page of HTML or XML, as servers send in place of a file"

_BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstd.ZstdError)

Parse = Callable[[bytes], Sequence[Record]]
Read = Callable[[BinaryIO], Iterator["Line"]]  # a decompressed stream -> its lines, for a format of its own


class ReadError(CloutError):
    """The machine could not read a file; its content is not the cause."""


class Line(NamedTuple):
    """One line, or one value of a JSON document. `fault` is the reason why it is rejected, None if it can be parsed."""

    number: int  # from 1
    text: bytes  # only the first bytes of a line that is too long or an error page
    fault: str | None = None


def decompressed(raw: BinaryIO, name: str = "input") -> BinaryIO:
    """The decompressed stream of gzip, bzip2, xz or zstd, detected by the first bytes; any other stream unchanged. Raises
    `UsageError` if the format holds no lines or needs a dictionary that is missing. Raises `ReadError`, also later while
    reading, if the machine cannot read the bytes."""
    stream = io.BufferedReader(_Readable(raw, name), BUFFER_BYTES)
    head = stream.peek(32)[:32]
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise UsageError(f"{name}: {what.replace('FILE', name)}")
    match next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None):
        case "gzip":
            return io.BufferedReader(_Available(gzip.GzipFile(fileobj=stream), name), BUFFER_BYTES)
        case "bzip2":
            return io.BufferedReader(_Available(bz2.BZ2File(stream), name), BUFFER_BYTES)
        case "xz":
            return io.BufferedReader(_Available(lzma.LZMAFile(stream), name), BUFFER_BYTES)
        case "zstd":
            if _needs_dictionary(head):
                raise UsageError(
                    f"{name}: compressed with a dictionary that is not here; decompress it with its dictionary"
                    " (`zstd -d -D DICTIONARY`), or record Jetstream without `compress=true`"
                )
            return io.BufferedReader(_Available(zstd.ZstdFile(stream, options=_LONG_WINDOWS), name), BUFFER_BYTES)
    return stream


def _needs_dictionary(head: bytes) -> bool:
    try:
        return zstd.get_frame_info(head).dictionary_id != 0
    except zstd.ZstdError:
        return False


class _Readable(io.RawIOBase):
    """A raw file on a disk or mount. Raises the machine's read errors as `ReadError`. This separates them from errors of
    decompressors: those mean faulty content, although some are `OSError` too."""

    def __init__(self, raw: BinaryIO, name: str) -> None:
        self._raw = raw
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        try:
            data = self._raw.read(len(into))
        except OSError as error:
            raise ReadError(
                f"{self._name}: {error.strerror or error}; nothing pulled, every day stays as it was. Pull again when the"
                " file can be read"
            ) from error
        into[: len(data)] = data
        return len(data)


class _Available(io.RawIOBase):
    """A reader that returns the bytes that an archive has available. The standard readers fill a whole buffer first, and lose
    the whole buffer if the archive is truncated within it. Raises `ReadError` if the archive needs more memory than the machine
    has."""

    def __init__(self, archive: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile | zstd.ZstdFile, name: str) -> None:
        self._archive = archive
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        try:
            data = self._archive.read1(len(into))
        except (MemoryError, zstd.ZstdError) as error:
            if isinstance(error, zstd.ZstdError) and "not enough memory" not in str(error):
                raise
            raise ReadError(
                f"{self._name}: not enough memory to decompress it (zstd may need 2 GiB, xz 4 GiB); nothing pulled, every day"
                " stays as it was. Pull again on a machine with more memory, or decompress it first"
            ) from error
        into[: len(data)] = data
        return len(data)


def lines(stream: BinaryIO) -> Iterator[Line]:
    """Every line. A line that is too long or not UTF-8 carries its fault. If the archive is truncated, a last line reports it.
    Empty lines are skipped, but their numbers are counted."""
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
            yield Line(number, b"", BROKEN)
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


def pages(platform: str, files: Iterable[Path], parse: Parse, read: Read | None = None) -> Iterator[Page]:
    """The pages of these files, each read once. `parse` gets only complete lines of UTF-8, and returns records or raises
    `Rejected`. `read` takes the place of `lines` and `values`."""
    for path in files:
        with ExitStack() as stack:
            stream = decompressed(stack.enter_context(path.open("rb")), str(path))
            yield from stream_pages(platform, str(path), stream, parse, read=read)


def values(stream: BinaryIO) -> Iterator[Line]:
    """Like `lines`, for a file that is JSON but not one value per line: its values and their numbers."""
    number = 0
    try:
        for number, text in enumerate(documents.values(stream), 1):
            yield Line(number, text)
    except Rejected as fault:
        yield Line(number + 1, b"", fault.reason)
    except _BROKEN as error:
        log.debug("value %d: %s", number + 1, error)
        yield Line(number + 1, b"", BROKEN)


def remade(found: Iterable[Line], make: Callable[[dict[str, Any]], Iterable[Any]]) -> Iterator[Line]:
    """The values that `make` makes of the object on each line, as JSON. A line without an object is rejected, and its text is
    not kept."""
    for line in found:
        if line.fault is not None:
            yield line
            continue
        try:
            value = json_object(line.text)
        except Rejected as fault:
            yield Line(line.number, b"{}", fault.reason)
            continue
        for made in make(value):
            yield Line(line.number, json.dumps(made).encode())


def _read(stream: BinaryIO, read: Read | None = None) -> Iterator[Line]:
    """The lines of a file of any kind, by `read` if given. An error page sent by a server instead of the file is one
    faulty line."""
    try:
        head = stream.peek(BUFFER_BYTES)  # type: ignore[attr-defined]
    except _BROKEN as error:
        log.debug("line 1: %s", error)
        return iter([Line(1, b"", BROKEN)])
    if head.lstrip().startswith(b"<"):
        return iter([Line(1, head[:KEPT_BYTES], ERROR_PAGE)])
    return (read or (values if documents.is_document(head) else lines))(stream)


def stream_pages(
    platform: str, name: str, stream: BinaryIO, parse: Parse, day: date | None = None, read: Read | None = None
) -> Iterator[Page]:
    """The pages of one open stream, at least one, so an empty file is recorded too. Notes on the file apply to `day`, if
    given."""
    builder = PageBuilder(platform, name)
    total = 0
    for line in _read(stream, read):
        total += 1
        if line.fault == ERROR_PAGE:
            builder.note(Note(f"{Path(name).name} is {ERROR_PAGE}", True, day))
        elif line.fault is not None and not line.text:
            builder.note(Note(f"{Path(name).name} breaks off at line {line.number}", True, day))
        for text, records in _parsed(line, parse):
            if isinstance(records, Rejected):
                builder.reject(line.number, text, records)
            else:
                builder.add(line.number, text, records)
            if builder.line_count >= PAGE_LINES:
                yield builder.page()
                builder = PageBuilder(platform, name)
    if total == 0:
        builder.note(Note(f"{Path(name).name} is empty", False, day))
    if builder.line_count or total == 0:
        yield builder.page()


def _parsed(line: Line, parse: Parse) -> Iterable[tuple[bytes, Sequence[Record] | Rejected]]:
    """The text and the records of a line, or of each value of a line that holds several. A fault takes the place of records."""
    if line.fault is not None:
        return ((line.text, Rejected(line.fault)),)
    try:
        return ((line.text, parse(line.text)),)
    except Rejected as fault:
        return _each(documents.several(line.text), parse, (line.text, fault))


def _each(
    texts: Iterator[bytes], parse: Parse, otherwise: tuple[bytes, Rejected]
) -> Iterator[tuple[bytes, Sequence[Record] | Rejected]]:
    """The texts and their records; `otherwise` if there is no text."""
    first = next(texts, None)
    if first is None:
        yield otherwise
        return
    for text in chain((first,), texts):
        try:
            records: Sequence[Record] | Rejected = parse(text)
        except Rejected as fault:
            records = fault
        yield text, records
