"""Searches every byte of a warehouse for traces of a person: as stored, and inside compressed pages of Parquet and recordings.

Texts are sought in each encoding in which a platform, a table or a log may hold them. A short text, such as the id `88`, occurs
everywhere by accident: it is only sought as a whole value of a column."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from backports import zstd

from jobs.people.suppression import is_short

CHUNK_BYTES = 8 << 20


@dataclass(frozen=True)
class Trace:
    """One file that still names the person. `place` is a column of a Parquet file, or `bytes`."""

    path: Path
    place: str


@dataclass
class Searched:
    """How much was searched; grows while `traces` runs."""

    files: int = 0
    bytes: int = 0
    unreadable: list[Path] = field(default_factory=list)


def encodings(texts: Iterable[str]) -> list[bytes]:
    """The texts that are not short in UTF-8, in JSON with escapes, in URLs and in UTF-16; each once."""
    found = set()
    for text in texts:
        if not is_short(text):
            found |= {text.encode("utf-8", "surrogatepass"), json.dumps(text)[1:-1].encode()}
            found |= {quote(text, safe="", errors="replace").encode()}
            found |= {text.encode(name, "surrogatepass") for name in ("utf-16-le", "utf-16-be")}
    return sorted(found)


def traces(root: Path, texts: Iterable[str], searched: Searched) -> Iterator[Trace]:
    """Every file below `root` that holds one of the texts. A file that disappears meanwhile is passed over; one that cannot be
    decompressed is listed in `searched.unreadable`, after its raw bytes were searched."""
    whole = sorted(set(texts))
    sought = encodings(whole)
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        try:
            yield from _in_file(path, whole, sought, searched)
        except FileNotFoundError:
            continue


def _in_file(path: Path, whole: list[str], sought: list[bytes], searched: Searched) -> Iterator[Trace]:
    searched.files += 1
    searched.bytes += path.stat().st_size
    with path.open("rb") as file:
        found = _in_stream(file, sought)
    try:
        if path.suffix == ".parquet":
            yield from _in_columns(path, whole, sought)
        elif path.suffix == ".zst":
            with zstd.open(path) as file:
                found = _in_stream(file, sought) or found
    except (pa.ArrowInvalid, OSError, EOFError, zstd.ZstdError):
        searched.unreadable.append(path)
    if found:
        yield Trace(path, "bytes")


def _in_stream(file: Any, sought: list[bytes]) -> bool:
    overlap = max(map(len, sought), default=1) - 1
    tail = b""
    while chunk := file.read(CHUNK_BYTES):
        text = tail + chunk
        if any(needle in text for needle in sought):
            return True
        tail = text[-overlap:] if overlap else b""
    return False


def _in_columns(path: Path, whole: list[str], sought: list[bytes]) -> Iterator[Trace]:
    with pq.ParquetFile(path) as file:
        names = [column.name for column in file.schema_arrow if pa.types.is_string(column.type)]
        found: set[str] = set()
        for batch in file.iter_batches(columns=names):
            for name in set(batch.schema.names) - found:
                values = pc.unique(batch.column(name).cast(pa.binary()))
                if _holds(values, whole, sought):
                    found.add(name)
        yield from (Trace(path, name) for name in sorted(found))


def _holds(values: pa.Array, whole: list[str], sought: list[bytes]) -> bool:
    exact = pa.array([text.encode("utf-8", "surrogatepass") for text in whole], pa.binary())
    return bool(
        pc.any(pc.is_in(values, value_set=exact)).as_py()
        or any(pc.any(pc.match_substring(values, needle)).as_py() for needle in sought)
    )
