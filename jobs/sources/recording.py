"""What a live source was answered, kept in files until it is parsed: `landing/SOURCE/DAY/UNIT.NUMBER.jsonl`.

A unit is an account, a repository, a feed or a whole day. A page of answers and the cursor after it appear together, by one
rename. So the recording is the cursor: a pull that was killed goes on after the last page, and a day that was recorded whole
is parsed again without a request. Recordings hold ids, times, kinds and links, not the texts that people wrote.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from jobs.errors import CloutError
from jobs.files import appearing

MOST_LETTERS = 150  # of a unit in its file's name
CURSOR = "clout_cursor"  # the key of a page's last line


class Cursor(NamedTuple):
    """Where a unit's pull goes on: `next` is the source's own value. `done`: nothing is left to ask."""

    next: Any = None
    done: bool = False


@dataclass(frozen=True)
class Recording:
    """One unit of one day of one source. `unit` may be any text that a platform sends."""

    folder: Path
    unit: str

    @property
    def pages(self) -> list[Path]:
        """The files of the recorded pages, in order."""
        return sorted(self.folder.glob(f"{_name(self.unit)}.[0-9]*.jsonl"))

    @property
    def cursor(self) -> Cursor:
        """The cursor after the last recorded page. Raises `CloutError` if that page is damaged."""
        pages = self.pages
        return _cursor(pages[-1]) if pages else Cursor()

    def add(self, items: Sequence[Any], cursor: Cursor) -> None:
        """Records a page of items, each as a line of JSON, and the cursor after it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [orjson.dumps(item) for item in items]
        lines.append(orjson.dumps({CURSOR: cursor._asdict()}))
        path = self.folder / f"{_name(self.unit)}.{len(self.pages):06d}.jsonl"
        with appearing(path) as part, part.open("wb") as file:
            file.write(b"\n".join(lines) + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def forget(self) -> None:
        """Removes the recorded pages, so that the unit is asked anew."""
        for page in self.pages:
            page.unlink()


def pages(folder: Path) -> list[Path]:
    """The recorded pages of all units of a day."""
    return sorted(folder.glob("*.jsonl"))


def items_of(page: Path) -> list[bytes]:
    """The items of a recorded page, each a line."""
    return page.read_bytes().splitlines()[:-1]


def day_folder(landing: Path, source_id: str, day: date) -> Path:
    """The folder of a source's recordings of a day."""
    return landing / source_id / str(day)


def remove_before(landing: Path, day: date) -> int:
    """Removes all sources' recordings of days before this one, and returns how many they were."""
    old = [path for path in landing.glob("*/????-??-??") if path.name < str(day)]
    for path in old:
        shutil.rmtree(path)
    return len(old)


def _name(unit: str) -> str:
    """The unit as a file name without separators, dots or pattern characters. A long one ends in a digest of the whole."""
    name = quote(unit, safe="").replace(".", "%2E")
    if len(name) <= MOST_LETTERS:
        return name
    return f"{name[:MOST_LETTERS]}~{hashlib.blake2b(unit.encode(), digest_size=12).hexdigest()}"


def _cursor(page: Path) -> Cursor:
    last = page.read_bytes().splitlines()[-1:]
    try:
        return Cursor(**orjson.loads(last[0])[CURSOR])
    except (IndexError, KeyError, TypeError, orjson.JSONDecodeError):
        raise CloutError(f"{page}: this recording is damaged; remove its folder to ask the platform again") from None
