"""gharchive: GH Archive's hourly files of GitHub's public events, from folders, files or a base URL.

https://www.gharchive.org. Without a place, `PUBLIC` is used. A file `YYYY-MM-DD-H.json.gz` (or `.json`) holds one hour, and
each line one event, which `github_events` parses. Only hours of the requested days are opened. A day is partial if an hour is
missing, truncated, empty or without events (an error page), or if the archive itself is known to lack events (`GAPS`).
"""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO
from zoneinfo import ZoneInfo

import httpx2
from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from jobs.errors import CloutError, UsageError
from jobs.sources.files import existing
from jobs.sources.github_events import parse
from jobs.sources.lines import BUFFER_BYTES, decompressed, stream_pages
from jobs.sources.live import tls
from jobs.sources.page import Note, Page, PageBuilder

log = logging.getLogger(__name__)

PLATFORM = "github"
PUBLIC = "https://data.gharchive.org"
SUFFIXES = (".json.gz", ".json")

# While the archive read GitHub's timeline, it named hours in California time. Hours that it filled in for earlier days, and all
# hours since it began to read the events API, have UTC names. https://github.com/igrigorik/gharchive.org/issues/33 and pull
# request 26
CALIFORNIAN = (datetime(2012, 3, 11, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))
CALIFORNIA = ZoneInfo("America/Los_Angeles")

# First day from which the archive itself lacks events, in every copy of its files -> the known extent.
GAPS = {
    date(2025, 5, 23): "GH Archive lacks about 40 % of all events since 2025-05-23 (gharchive.org issues 310, 320)",
    date(2026, 2, 1): "GH Archive lacks more than 80 % of stars since 2026-02 (open-digger issue 1787)",
}

TIMEOUT_S = 30  # longest wait for the next bytes; the download of an hour's file may take minutes

_HOUR = re.compile(r"(\d{4}-\d{2}-\d{2})-(\d{1,2})\.json(?:\.gz)?")


def is_passing(error: BaseException) -> bool:
    """Whether a retry may succeed."""
    if isinstance(error, httpx2.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in (408, 429)
    return isinstance(error, httpx2.TransportError)


ATTEMPTS = Retrying(
    retry=retry_if_exception(is_passing),
    wait=wait_exponential_jitter(initial=1, max=15),
    stop=stop_after_attempt(5),  # about half a minute in all; Airflow retries a nightly run anyway
    before_sleep=before_sleep_log(log, logging.WARNING),
    reraise=True,
)


def download(client: httpx2.Client, url: str, into: BinaryIO) -> bool:
    """Downloads the URL into the file. Returns False on a 404."""
    into.seek(0)
    into.truncate()
    with client.stream("GET", url) as answer:
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return False
        answer.raise_for_status()
        for chunk in answer.iter_bytes(BUFFER_BYTES):
            into.write(chunk)
    return True


def hour_name(hour: datetime) -> str:
    """The archive's name for the hour that begins at this instant."""
    named = hour.astimezone(CALIFORNIA) if CALIFORNIAN[0] <= hour < CALIFORNIAN[1] else hour
    return f"{named:%Y-%m-%d}-{named.hour}"


class GHArchiveSource:
    """Hours in folders, files or at base URLs. If several places have an hour, the first is read, files before URLs."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.places = [place or PUBLIC for place in places]
        self.urls = [place.rstrip("/") for place in self.places if place.startswith(("https://", "http://"))]
        for url in self.urls:
            if _HOUR.fullmatch(url.rpartition("/")[2]):
                raise UsageError(
                    f"{url}: is one hour; give the base URL, {url.rpartition('/')[0]}, and the days asked for"
                )
        self.files: dict[str, Path] = {}
        for path in existing([place for place in self.places if place.rstrip("/") not in self.urls], SUFFIXES):
            name = _HOUR.fullmatch(path.name)
            if name is None:
                raise UsageError(f"{path}: expected files named YYYY-MM-DD-H.json.gz, one for each hour")
            self.files.setdefault(f"{name[1]}-{int(name[2])}", path)  # mirrors name the first ten hours 00 to 09

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """The pages of these days. Raises `UsageError` if no place has any of their hours, and `CloutError` if a download
        fails."""
        found_any = False
        with httpx2.Client(follow_redirects=True, timeout=TIMEOUT_S, verify=tls.context()) as client:
            for number in range((last_day - first_day).days + 1):
                day = first_day + timedelta(days=number)
                midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
                # A dict removes duplicates: on the day when clocks are set back, two hours share one name.
                names = dict.fromkeys(hour_name(midnight + timedelta(hours=hour)) for hour in range(24))
                missing: list[str] = []
                without_events: list[str] = []
                for name in names:
                    with self._open(name, client) as found:
                        if found is None:
                            missing.append(name)
                            continue
                        found_any = True
                        pages = stream_pages(PLATFORM, *found, parse, day)
                        first = next(pages)
                        fault = _fault(first)
                        if fault is None:
                            yield first
                            yield from pages
                        else:
                            without_events.append(f"{name} ({fault})")
                notes = _notes(day, len(names), missing, without_events)
                if notes:
                    builder = PageBuilder(PLATFORM, self.places[0])
                    for note in notes:
                        builder.note(note)
                    yield builder.page()
        if not found_any:
            raise UsageError(
                f"{', '.join(self.places)}: no hour of {first_day}..{last_day}, expected files like {missing[0]}.json.gz"
            )

    @contextmanager
    def _open(self, name: str, client: httpx2.Client) -> Iterator[tuple[str, BinaryIO] | None]:
        """The place and content of an hour, or None if no place has it. Raises `CloutError` if a download fails."""
        if name in self.files:
            with self.files[name].open("rb") as raw:
                yield str(self.files[name]), decompressed(raw, str(self.files[name]))
            return
        with TemporaryFile() as raw:
            for url in (f"{base}/{name}.json.gz" for base in self.urls):
                try:
                    is_there = ATTEMPTS(download, client, url, raw)
                except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                    raise CloutError(f"{url}: {error or type(error).__name__}; pull again later") from error
                if is_there:
                    raw.seek(0)
                    yield url, decompressed(raw, url)
                    return
            yield None


def _notes(day: date, hours: int, missing: list[str], without_events: list[str]) -> list[Note]:
    """Notes on the missing parts of a day that has `hours` hours."""
    absent = len(missing) + len(without_events) == hours
    found = [
        Note(f"{len(names)} of {hours} hours {what}: {', '.join(names)}", True, day, absent)
        for names, what in ((missing, "are missing"), (without_events, "hold no event"))
        if names
    ]
    return found + [Note(reason, True, day, lasting=True) for since, reason in GAPS.items() if day >= since]


def _fault(first: Page) -> str | None:
    """The fault of an hour, given its first page: the hour is empty, or all lines of this page are rejected. None if the page
    has events."""
    rejected = first.faults["outcome"].to_pylist().count("rejected")
    if first.lines.total() == 0:
        return "empty"
    return first.faults["reason"][0].as_py() if rejected == first.lines.total() else None
