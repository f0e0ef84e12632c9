"""Recordings of what live sources received, in files: `landing/SOURCE/DAY/UNIT.NUMBER.jsonl.zst`.

A unit is an account, a repository, a feed or a whole day. A page holds items and the cursor after them; one rename makes both
visible together. So a killed pull resumes after the last recorded page, and a pull of a completely recorded day makes no
request. Pulls parse the recordings, which stay until `clout maintain` removes those older than `landing_days`. Recordings hold
ids, times, kinds, links and account names, but no text of a post.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from backports import zstd

from jobs.errors import CloutError
from jobs.files import appearing
from jobs.sources.lines import Parse
from jobs.sources.page import Note, Page, PageBuilder, Rejected

MOST_LETTERS = 150  # longest encoded unit in a file name; a longer one is cut
SUFFIX = ".jsonl.zst"
GONE, DENIED, WITHHELD = "not there", "access is denied", "withheld for legal reasons"  # why the platform gives no unit
FAILED = "failed.json"  # the units of a day that failed
CURSOR = "clout_cursor"  # the only key of a page's last line
PROFILE = "~profile "  # begins the units that hold what profiles show of consent, which no parser reads


class Cursor(NamedTuple):
    """Where the next pull of a unit resumes. `next` is a JSON value that only the source interprets, None before the first
    page. `done`: the platform has no more of the unit. `missing`: why the unit stays incomplete although it is done.
    `taken_back`: the acts of earlier days that a finished unit takes back, each as (activity_id, actor_id); without an
    activity_id, all acts of the account. `etag`: the version of the list's first page, by which the next pull asks whether the
    list changed."""

    next: Any = None
    done: bool = False
    missing: str | None = None
    taken_back: Sequence[tuple[str | None, str]] | None = None
    etag: str | None = None


@dataclass(frozen=True)
class Recording:
    """The recorded pages of one unit of one day of one source. `unit` may be any text that a platform sends."""

    folder: Path
    unit: str

    @property
    def pages(self) -> list[Path]:
        """The files of the recorded pages, in order."""
        pages: list[Path] = []
        while (path := self.page(len(pages))).exists():
            pages.append(path)
        return pages

    @property
    def cursor(self) -> Cursor:
        """The cursor after the last recorded page. Raises `CloutError` if that page is damaged."""
        pages = self.pages
        return _cursor(pages[-1]) if pages else Cursor()

    def earlier(self, days: int) -> Iterator["Recording"]:
        """The recordings of the unit on each of this many days before, the newest first. The folder's name must be a day."""
        day = date.fromisoformat(self.folder.name)
        for number in range(1, days + 1):
            yield Recording(self.folder.parent / str(day - timedelta(days=number)), self.unit)

    @property
    def is_given(self) -> bool:
        """Whether the platform gave a page of the unit."""
        return bool(self.pages) and self.cursor.missing not in (GONE, DENIED, WITHHELD)

    @property
    def items(self) -> list[bytes]:
        """The items of all pages, each as one line of JSON."""
        return [line for page in self.pages for line in items_of(page)]

    def add(self, items: Sequence[Any], cursor: Cursor) -> None:
        """Records a page of items and the cursor after it, and flushes the file to disk. An item is a line of JSON as bytes, or
        a value that is written as one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [item if isinstance(item, bytes) else _line(item) for item in items]
        lines.append(orjson.dumps({CURSOR: cursor._asdict()}))
        with appearing(self.page(len(self.pages))) as part, part.open("wb") as file:
            file.write(zstd.compress(b"\n".join(lines) + b"\n"))
            file.flush()
            os.fsync(file.fileno())

    def page(self, number: int) -> Path:
        """The file of the unit's page of this number, from 0."""
        return self.folder / f"{_name(self.unit)}.{number:06d}{SUFFIX}"


def _line(item: Any) -> bytes:
    try:
        return orjson.dumps(item)
    except TypeError:  # half of a surrogate pair, or a number beyond 64 bits
        return json.dumps(item).encode()


def items_of(page: Path) -> list[bytes]:
    """The items of a recorded page, each as one line of JSON, without the cursor."""
    return zstd.decompress(page.read_bytes()).splitlines()[:-1]


def is_done(folder: Path) -> bool:
    """Whether the recordings of all units in a day's folder are done, so that the platform has no more of them."""
    last = {path.name.removesuffix(SUFFIX).rpartition(".")[0]: path for path in sorted(folder.glob(f"*{SUFFIX}"))}
    return all(_cursor(page).done for page in last.values())


def parsed(folder: Path, platform: str, parse: Parse, notes: Sequence[Note]) -> Iterator[Page]:
    """The recorded pages of all units in a day's folder, parsed, and a page with the notes if there are any."""
    profiles = quote(PROFILE, safe="")
    for path in sorted(path for path in folder.glob(f"*{SUFFIX}") if not path.name.startswith(profiles)):
        builder = PageBuilder(platform, str(path))
        for number, line in enumerate(items_of(path), 1):
            try:
                builder.add(number, line, parse(line))
            except Rejected as fault:
                builder.reject(number, line, fault)
        yield builder.page()
    if notes:
        builder = PageBuilder(platform, str(folder))
        for note in notes:
            builder.note(note)
        yield builder.page()


def kept(value: Any, shape: Mapping[str, Any]) -> Any:
    """The parts of a platform's value to record. `shape` maps each key to keep to the shape of its value, `{}` for a text or a
    number. A value of another form than its shape loses its content, so that a parser rejects it."""
    if isinstance(value, dict):
        return {key: kept(value[key], inner) for key, inner in shape.items() if key in value}
    if isinstance(value, list):
        return []
    return "" if shape and isinstance(value, str) else value


def day_folder(landing: Path, source_id: str, day: date) -> Path:
    """The folder of a source's recordings of a day."""
    return landing / source_id / str(day)


def remove_before(landing: Path, day: date) -> int:
    """Removes the recordings of all sources for days before this one. Returns the number of removed folders, one per source and
    day."""
    old = [path for path in landing.glob("*/????-??-??") if path.name < str(day)]
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _name(unit: str) -> str:
    """The unit as a part of a file name, without separators, dots or pattern characters. A long one is cut and ends in a digest
    of the whole unit."""
    name = quote(unit, safe="").replace(".", "%2E")
    if len(name) <= MOST_LETTERS:
        return name
    return f"{name[:MOST_LETTERS]}~{hashlib.blake2b(unit.encode(), digest_size=12).hexdigest()}"


def _cursor(page: Path) -> Cursor:
    try:
        (last,) = zstd.decompress(page.read_bytes()).splitlines()[-1:]
        return Cursor(**orjson.loads(last)[CURSOR])
    except (ValueError, KeyError, TypeError, zstd.ZstdError):
        raise CloutError(f"{page}: this recording is damaged; remove its folder to ask the platform again") from None
