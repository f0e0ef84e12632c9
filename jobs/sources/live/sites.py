"""Shared by sources that pull whole days from one site, such as a forum: the site's address, and lists read page by page.

The platform is the site's host, so that two sites of the same software stay apart.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import orjson
from pydantic import field_validator

from jobs.errors import UsageError
from jobs.sources.live import recording as recordings
from jobs.sources.live import roster
from jobs.sources.live.bodies import Answer
from jobs.sources.live.budget import ApiError
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Ask, Settings
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Note
from jobs.sources.spec import is_id


class SiteAsk(Ask):
    """One site. `site`: its address, such as `https://forum.example.org`; `https://` may be left out."""

    site: str

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """One place, the site's address."""
        if len(places) > 1:
            raise UsageError(f"{', '.join(places)}: one source asks one site; give each an ID of its own")
        try:
            _url(places[0])
        except ValueError as error:
            raise UsageError(str(error)) from None
        return {"site": places[0]}

    @field_validator("site")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        _url(value)
        return value

    @property
    def address(self) -> str:
        """The site's address, with its scheme."""
        return str(_url(self.site))

    @property
    def host(self) -> str:
        """The site's host, which is the platform."""
        return _host(_url(self.site))


class SiteSource(LiveSource):
    """One site through its API."""

    PLATFORM = ""  # the host of each site

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.platforms = (self.ask.host,)


class Part(NamedTuple):
    """One page of a list: its items, the position of the next page (a JSON value; None at the list's end), and why the list
    stays incomplete although it ends here."""

    items: Sequence[Any]
    next: Any = None
    missing: str | None = None


Units = Callable[[], Sequence[str]]
Step = tuple[Units, str, Callable[[str, Recording], None]]  # units, their plural noun, a function that records one


def in_turn(folder: Path, steps: Iterable[Step]) -> list[Note]:
    """Records the units of each step (`roster.record`) once the steps before it lack nothing that another pull would bring. The
    units of a step may depend on what earlier steps recorded."""
    notes: list[Note] = []
    for units, noun, ask in steps:
        notes += roster.record(folder, units(), noun, ask)
        if not all(note.lasting for note in notes):
            break
    return notes


def record(recording: Recording, ask: Callable[[Any], Part]) -> None:
    """Records a list page by page. `ask` requests the page at a position; None is the list's beginning. Raises `ApiError` if a
    position or a page comes again."""
    cursor = recording.cursor
    items: Sequence[Any] = ()
    seen = {orjson.dumps(cursor.next)}
    while not cursor.done:
        part = ask(cursor.next)
        position = orjson.dumps(part.next)
        if part.next is not None and (position in seen or (part.items and part.items == items)):
            raise ApiError("the list of pages leads back to a page already read")
        seen.add(position)
        cursor, items = Cursor(part.next, part.next is None, part.missing), part.items
        recording.add(items, cursor)


def ended(day: date, answer: Answer) -> Any:
    """The answer's value. Raises `ApiError` if the day has not ended by the platform's clock, because then no list of it is
    complete."""
    if answer.at * 1_000_000 < end_of(day):
        raise ApiError("the day has not ended")
    return answer.value


def items_in(value: Any, name: str) -> list[Any]:
    """The list under this name in a response. Raises `ApiError` if there is none."""
    items = value.get(name) if isinstance(value, dict) else None
    if not isinstance(items, list):
        raise ApiError(f"the answer has no list {name!r}")
    return items


def kept(item: Any, *names: str) -> dict[str, Any]:
    """The plain values of these fields. Anything but an object becomes an empty one, which a parser rejects."""
    return recordings.kept(item, {name: {} for name in names}) if isinstance(item, dict) else {}


def _url(site: str) -> httpx2.URL:
    """Raises `ValueError` if the text is no address of a site."""
    try:
        url = httpx2.URL(site if "://" in site else f"https://{site}")
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in ("http", "https") or not is_id(_host(url)) or url.userinfo or url.query or url.fragment:
        raise ValueError("expected the address of a site, such as https://example.org")  # it may hold a password
    return url


def _host(url: httpx2.URL) -> str:
    return url.raw_host.decode()
