"""Searches every byte of a warehouse for traces of a person: as stored, and inside compressed pages of Parquet and recordings.

A `person_id` is sought everywhere, an account's id or handle only where its platform may be: others may have the same name
elsewhere. Texts are sought in each encoding in which a platform, a table or a log may hold them, whatever the case of ASCII
letters, which most platforms ignore in a name, and only as a whole: `x:88` is not sought in `x:881`. A short text, such as the
id `88`, occurs everywhere by accident: it is only sought as a whole value of a column.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from backports import zstd

from jobs.warehouse.suppression import is_short

CHUNK_BYTES = 8 << 20
ZSTD = b"\x28\xb5\x2f\xfd"  # RFC 8878: how such a file begins
PLATFORM = "platform"  # the column, and the partition in a file's path


@dataclass(frozen=True)
class Sought:
    """A person's ids (`platform:account_id`), and the ids and handles of the accounts on their `platforms`. Files below the
    `elsewhere` folders are of other platforms only."""

    people: Collection[str]
    names: Collection[str]
    platforms: Collection[str]
    elsewhere: Collection[Path] = ()

    def texts(self, path: Path) -> list[str]:
        """What a file may hold of the person."""
        partitions = dict(part.split("=", 1) for part in path.parts if "=" in part)
        is_elsewhere = unquote(partitions.get(PLATFORM, "")) not in ("", *self.platforms) or any(
            folder in path.parents for folder in self.elsewhere
        )
        return sorted({*self.people, *(() if is_elsewhere else self.names)})


@dataclass(frozen=True)
class Trace:
    """One file that still names the person. `place` is a column of a Parquet file, `bytes`, or `name` for the file's own."""

    path: Path
    place: str


@dataclass
class Searched:
    """How much was searched; grows while `traces` runs."""

    files: int = 0
    bytes: int = 0
    unreadable: list[Path] = field(default_factory=list)


def encodings(texts: Iterable[str]) -> list[bytes]:
    """The texts that are not short, as `bytes.lower` gives them, in UTF-8, in JSON with escapes, in URLs and in UTF-16; each
    once."""
    found = set()
    for text in texts:
        if not is_short(text):
            found |= {text.encode("utf-8", "surrogatepass"), json.dumps(text)[1:-1].encode()}
            found |= {quote(text, safe="", errors="replace").encode()}
            found |= {text.encode(name, "surrogatepass") for name in ("utf-16-le", "utf-16-be")}
    return sorted({needle.lower() for needle in found})


def is_quoted(needles: list[bytes], text: bytes) -> bool:
    """Whether one of the needles (of `encodings`) is in the text as a whole, whatever the case."""
    return _is_in(needles, b"\n%s\n" % text.lower())


def _is_in(needles: list[bytes], text: bytes) -> bool:
    """Whether one of the needles is in the text, neither behind nor before a character of a longer id. The text has a byte
    before and after what is searched."""
    if not any(needle in text for needle in needles):
        return False
    found = b"|".join(map(re.escape, needles))
    return bool(re.search(rb"(?:[^a-z0-9_-]|%%[0-9a-f]{2})(?:%s)[^a-z0-9_-]" % found, text))


def traces(root: Path, sought: Sought, searched: Searched) -> Iterator[Trace]:
    """Every file below `root` that names the person. A file that disappears meanwhile is passed over; one that cannot be
    decompressed is listed in `searched.unreadable`, after its raw bytes were searched."""
    folders = os.walk(root, followlinks=True)  # a table or the recordings may be on another disk
    for path in sorted(Path(folder, name) for folder, _, names in folders for name in names):
        try:
            yield from _in_file(path, sought, searched)
        except FileNotFoundError:
            continue


def _in_file(path: Path, sought: Sought, searched: Searched) -> Iterator[Trace]:
    searched.files += 1
    searched.bytes += path.stat().st_size
    texts = sought.texts(path)
    needles = encodings(texts)
    if is_quoted(needles, unquote(path.name).encode("utf-8", "surrogateescape")):
        yield Trace(path, "name")
    is_table = path.suffix == ".parquet"
    with path.open("rb") as file:
        is_packed = file.read(len(ZSTD)) == ZSTD  # whatever its name: a killed pull leaves a `.part`
        file.seek(0)
        # The dictionary of a table of several platforms may hold the same name of somebody else.
        found = _in_stream(file, encodings(sought.people) if is_table else needles)
    try:
        if is_table:
            yield from _in_columns(path, texts, needles, sought)
        elif is_packed:
            with zstd.open(path) as file:
                found = _in_stream(file, needles) or found
    except (pa.ArrowInvalid, OSError, EOFError, zstd.ZstdError):
        searched.unreadable.append(path)
    if found:
        yield Trace(path, "bytes")


def _in_stream(file: Any, needles: list[bytes]) -> bool:
    overlap = max(map(len, needles), default=0) + len("%2f") + 1
    text = b"\n"
    while chunk := file.read(CHUNK_BYTES):
        text = text[-overlap:] + chunk.lower()
        if _is_in(needles, text):
            return True
    return _is_in(needles, text[-overlap:] + b"\n")


def _in_columns(path: Path, texts: list[str], needles: list[bytes], sought: Sought) -> Iterator[Trace]:
    with pq.ParquetFile(path) as file:
        names = [column.name for column in file.schema_arrow if _is_text(column.type)]
        found: set[str] = set()
        for batch in file.iter_batches(columns=names):
            if PLATFORM in names:
                theirs = pa.array(sorted(sought.platforms), pa.string())
                batch = batch.filter(pc.is_in(batch[PLATFORM], value_set=theirs))
            for name in set(names) - found - {PLATFORM}:
                values = pc.unique(pc.ascii_lower(batch.column(name).cast(pa.string())).cast(pa.binary()))
                if _holds(values, texts, needles):
                    found.add(name)
        yield from (Trace(path, name) for name in sorted(found))


def _is_text(column: pa.DataType) -> bool:
    return pa.types.is_string(column) or pa.types.is_large_string(column) or pa.types.is_string_view(column)


def _holds(values: pa.Array, texts: list[str], needles: list[bytes]) -> bool:
    whole = pa.array([text.encode("utf-8", "surrogatepass").lower() for text in texts], pa.binary())
    if pc.any(pc.is_in(values, value_set=whole)).as_py():
        return True
    hits = (values.filter(pc.match_substring(values, needle)).to_pylist() for needle in needles)
    return any(is_quoted(needles, value) for found in hits for value in found)
