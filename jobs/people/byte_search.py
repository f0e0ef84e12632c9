"""Searches every byte of a warehouse for traces of a person: as stored, and inside compressed pages of Parquet and recordings.

The search looks for a `person_id` everywhere, but for an account's id or handle only where its platform may be, because others
may have the same name elsewhere. It looks for each text in every encoding in which a platform, a table or a log may hold it. It
ignores the case of ASCII letters, as most platforms do in names. It finds only whole texts: `x:88` does not match `x:881`.
Ordinary words, such as `coverage`, and short ids, such as `88`, occur everywhere, so the search looks for them only where a
name must be.
"""

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from backports import zstd

from jobs.people.finder import Finder
from jobs.warehouse.names_in_text import (
    ACCOUNT_FOLDERS,
    ACCOUNT_KEYS,
    CONTENT_KEYS,
    PATH_KEYS,
    Role,
    is_ordinary,
    values,
)

CHUNK_BYTES = 8 << 20
ZSTD = b"\x28\xb5\x2f\xfd"  # the first bytes of a Zstandard file, RFC 8878
PLATFORM = "platform"  # the column, and the partition in a file's path
OVERLAP_BYTES = 1024  # of two chunks, besides the longest name: room for the text that marks a name as one
CONTENT_IDS = ("activity_id", "object_id")  # may begin with the name of its owner
NAME_COLUMNS = frozenset(
    {"person_id", "src", "dst", "actor_id", "target_id", "account_id", "handle"}
)  # hold nothing else
EVERYWHERE, AT_PLACES = "everywhere", "where an account's name must be"  # how a name is sought

# What comes before and after an account's name in URLs and in JSON, including JSON that is quoted once more.
_KEY = r"""\\*"(?:{})\\*"\s*:\s*(?:\[[^\[\]{{}}]*)?\\*"(?:@|acct:|/?u/)?"""
_OF_NAME = (
    _KEY.format("|".join(sorted(ACCOUNT_KEYS | CONTENT_KEYS))) + rf"""|https?://[^/\s"]{{1,255}}/{ACCOUNT_FOLDERS}"""
)
_OF_PATH = _KEY.format("|".join(sorted(PATH_KEYS)))
_BELOW = re.compile(rb"(?<=[a-z0-9_-]\.)")  # before a name that is only a part of a host, as in `www.example.org`
_AFTER = rb'(?=\\*["/?#@&\s]|$)'


@dataclass(frozen=True)
class Sought:
    """The ids of people (`platform:account_id`), and per platform the ids and handles of their accounts. `folders`: a folder of
    recordings -> the platforms to which its files may belong; other folders may hold any platform."""

    people: Collection[str]
    names: Mapping[str, Collection[str]]
    folders: Mapping[Path, Collection[str]] = field(default_factory=dict)

    @cached_property
    def _needles(self) -> dict[frozenset[str], "Needles"]:
        return {}

    def needles(self, path: Path) -> "Needles":
        """The people's ids and names that the file may hold."""
        partitions = dict(part.split("=", 1) for part in path.parts if "=" in part)
        if platform := unquote(partitions.get(PLATFORM, "")):
            return self.on(platform)
        folder = next((folder for folder in path.parents if folder in self.folders), None)
        return self.on(*self.names) if folder is None else self.on(*self.folders[folder])

    def on(self, *platforms: str) -> "Needles":
        """The people's ids, and their names on these platforms."""
        asked = frozenset(platforms).intersection(self.names)
        if asked not in self._needles:
            texts = {name for platform in asked for name in self.names[platform]}
            self._needles[asked] = Needles({*self.people, *texts})
        return self._needles[asked]


def how(name: str) -> str:
    """How an account's id or handle is sought."""
    return AT_PLACES if is_ordinary(name) else EVERYWHERE


@dataclass(frozen=True)
class Trace:
    """One file that still names the person. `place` is a column of a Parquet file, `bytes` for the file's content, raw or
    decompressed, or `name` for the file's name."""

    path: Path
    place: str


@dataclass
class Searched:
    """How much was searched; grows while `traces` runs."""

    files: int = 0
    bytes: int = 0
    unreadable: list[Path] = field(default_factory=list)


class Needles:
    """What to search texts for."""

    def __init__(self, texts: Iterable[str]) -> None:
        texts = sorted(set(texts))
        self.whole = frozenset(text.encode("utf-8", "surrogatepass").lower() for text in texts)
        self.anywhere = encodings(text for text in texts if not is_ordinary(text))
        self.longest = max(map(len, self.anywhere), default=0)
        self._names = pa.array(self.whole, pa.binary())
        self._anywhere = Finder(self.anywhere)
        ordinary = _either(_bytes(text for text in texts if is_ordinary(text)))
        self._certain = ordinary and re.compile(
            b"(?:%s)%s%s|(?:%s)%s[/#]" % (_OF_NAME.encode(), ordinary, _AFTER, _OF_PATH.encode(), ordinary)
        )
        self._owner = ordinary and re.compile(b"^" + ordinary + rb"[/#]", re.MULTILINE)

    def are_in(self, text: bytes) -> bool:
        """Whether a text, such as a file's content, names the person."""
        return self._are_in(b"\n%s\n" % text.lower())

    def _are_in(self, text: bytes) -> bool:
        """Like `are_in`, but `text` must be in lower case and have one more byte before and after the part to search."""
        if any(not _BELOW.match(text, start) for start, _ in self._anywhere.spans(text)):
            return True
        return bool(self._certain and self._certain.search(text))

    def are_in_line(self, line: bytes) -> bool:
        """Like `are_in`, for a line of JSON. Ignores keys, which name nobody, and names within another account's id."""
        if not self.are_in(line):
            return False
        if not line.lstrip().startswith((b"{", b"[")):
            return True
        for value, role in values(line.decode("utf-8", "surrogateescape")):
            text = value.encode("utf-8", "surrogateescape").lower()
            if text.lstrip(b"@") in self.whole and (role >= Role.CONTENT or text in self.anywhere):
                return True
            if role != Role.ACCOUNT and self._are_in(b"\n%s\n" % text):
                return True
            if role in (Role.PATH, Role.CONTENT) and self.own(text):
                return True
        return False

    def own(self, text: bytes) -> bool:
        """Whether the id of content, in lower case, begins with one of the person's ordinary names, as `coverage/repository`
        does. Of several lines, whether one does."""
        return bool(self._owner and self._owner.search(text))

    def are_in_column(self, name: str, column: pa.Array) -> bool:
        """Whether a value of the column of a table names the person."""
        texts = pc.unique(pc.ascii_lower(column.cast(pa.string())).cast(pa.binary())).drop_null()
        if name in NAME_COLUMNS:
            return bool(pc.any(pc.is_in(texts, value_set=self._names)).as_py())
        lines = b"\n%s\n" % b"\n".join(texts.to_pylist())
        return self._are_in(lines) or (name in CONTENT_IDS and self.own(lines))


def _either(texts: Collection[bytes]) -> bytes | None:
    return b"(?:%s)" % b"|".join(map(re.escape, texts)) if texts else None


def encodings(texts: Iterable[str]) -> frozenset[bytes]:
    """The encoded texts, each once: in UTF-8, in JSON with escapes, in URLs and in UTF-16. All are in lower case, as
    `bytes.lower` does it."""
    found = set(_bytes(texts := list(texts)))
    for text in texts:
        found |= {text.encode(name, "surrogatepass").lower() for name in ("utf-16-le", "utf-16-be")}
    return frozenset(found)


def _bytes(texts: Iterable[str]) -> list[bytes]:
    found = set()
    for text in texts:
        found |= {text.encode("utf-8", "surrogatepass"), json.dumps(text)[1:-1].encode()}
        found |= {quote(text, safe="", errors="replace").encode()}
    return sorted({needle.lower() for needle in found})


def traces(root: Path, sought: Sought, searched: Searched) -> Iterator[Trace]:
    """Every file below `root` that names the person. Skips a file that disappears meanwhile. Adds a file or folder that cannot
    be read or decompressed to `searched.unreadable`."""

    def unread(error: OSError) -> None:
        searched.unreadable.append(Path(error.filename))

    folders = os.walk(root, followlinks=True, onerror=unread)  # a table or the recordings may be on another disk
    for path in sorted(Path(folder, name) for folder, _, names in folders for name in names):
        try:
            yield from _in_file(path, sought, searched)
        except FileNotFoundError:
            continue
        except OSError:
            searched.unreadable.append(path)


def _in_file(path: Path, sought: Sought, searched: Searched) -> Iterator[Trace]:
    searched.files += 1
    searched.bytes += path.stat().st_size
    needles = sought.needles(path)
    name = unquote(path.name).encode("utf-8", "surrogateescape").lower()
    if needles.are_in(name) or name.partition(b".")[0] in needles.whole or needles.own(name):
        yield Trace(path, "name")
    is_table = path.suffix == ".parquet"
    with path.open("rb") as file:
        is_packed = file.read(len(ZSTD)) == ZSTD  # whatever its name: a killed pull leaves a `.part`
        file.seek(0)
        # A Parquet file may hold several platforms, and its bytes the same name of somebody else. So only each `person_id` is
        # sought there.
        found = _in_stream(file, sought.on() if is_table else needles)
    try:
        if is_table:
            yield from _in_columns(path, sought)
        elif is_packed:
            with zstd.open(path) as file:
                while lines := file.readlines(CHUNK_BYTES):
                    found = found or (needles.are_in(b"".join(lines)) and any(map(needles.are_in_line, lines)))
    except (pa.ArrowInvalid, OSError, EOFError, zstd.ZstdError):
        searched.unreadable.append(path)
    if found:
        yield Trace(path, "bytes")


def _in_stream(file: Any, needles: Needles) -> bool:
    overlap = OVERLAP_BYTES + needles.longest
    text = b"\n"
    while chunk := file.read(CHUNK_BYTES):
        text = text[-overlap:] + chunk.lower()
        if needles._are_in(text):
            return True
    return needles._are_in(text[-overlap:] + b"\n")


def _in_columns(path: Path, sought: Sought) -> Iterator[Trace]:
    with pq.ParquetFile(path) as file:
        names = [column.name for column in file.schema_arrow if _is_text(column.type)]
        found: set[str] = set()
        for batch in file.iter_batches(columns=names):
            for needles, rows in _by_platform(path, batch, sought):
                for name in set(names) - found - {PLATFORM}:
                    if needles.are_in_column(name, rows.column(name)):
                        found.add(name)
        yield from (Trace(path, name) for name in sorted(found))


def _by_platform(path: Path, batch: pa.RecordBatch, sought: Sought) -> Iterator[tuple[Needles, pa.RecordBatch]]:
    """What to search for in which rows."""
    if PLATFORM not in batch.schema.names:
        yield sought.needles(path), batch
        return
    for platform in pc.unique(batch[PLATFORM]).to_pylist():
        yield sought.on(platform), batch.filter(pc.equal(batch[PLATFORM], platform))


def _is_text(column: pa.DataType) -> bool:
    return pa.types.is_string(column) or pa.types.is_large_string(column) or pa.types.is_string_view(column)
