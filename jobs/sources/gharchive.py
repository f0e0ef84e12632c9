"""gharchive: GH Archive's hourly files of GitHub's public events, from folders, files or a base URL.

https://www.gharchive.org. Without a place, from `PUBLIC`. A file is one hour, `YYYY-MM-DD-H.json.gz` (or `.json`), a
line one event: `github_events` tells what becomes of it. Only the hours of the days asked for are opened; where one is
missing, its day is partial.
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

import httpx
from tenacity import Retrying, before_sleep_log, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from jobs.errors import CloutError, UsageError
from jobs.sources.github_events import parse
from jobs.sources.lines import BUFFER_BYTES, decompressed, existing, stream_pages
from jobs.sources.page import Note, Page, PageBuilder

log = logging.getLogger(__name__)

PLATFORM = "github"
PUBLIC = "https://data.gharchive.org"
SUFFIXES = (".json.gz", ".json")

# While the archive read GitHub's timeline it named hours by California's clock; those it filled in for the time before,
# and all since the events API, have UTC names. https://github.com/igrigorik/gharchive.org/issues/33 and pull request 26
CALIFORNIAN = (datetime(2012, 3, 11, tzinfo=UTC), datetime(2015, 1, 1, tzinfo=UTC))
CALIFORNIA = ZoneInfo("America/Los_Angeles")

TIMEOUT_S = 30  # without a byte; a whole hour may take minutes

_HOUR = re.compile(r"(\d{4}-\d{2}-\d{2}-\d{1,2})\.json(?:\.gz)?")


def is_passing(error: BaseException) -> bool:
    """A fault that another attempt may not meet."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in (408, 429)
    return isinstance(error, httpx.TransportError)


ATTEMPTS = Retrying(
    retry=retry_if_exception(is_passing),
    wait=wait_exponential_jitter(initial=1, max=15),
    stop=stop_after_attempt(5),  # about half a minute in all; a nightly run is repeated anyway
    before_sleep=before_sleep_log(log, logging.WARNING),
    reraise=True,
)


def download(client: httpx.Client, url: str, into: BinaryIO) -> bool:
    """Whether it is there; 404 says that it is not."""
    into.seek(0)
    into.truncate()
    with client.stream("GET", url) as answer:
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        answer.raise_for_status()
        for chunk in answer.iter_bytes(BUFFER_BYTES):
            into.write(chunk)
    return True


def hour_name(hour: datetime) -> str:
    """What the archive calls the hour that begins at this instant."""
    named = hour.astimezone(CALIFORNIA) if CALIFORNIAN[0] <= hour < CALIFORNIAN[1] else hour
    return f"{named:%Y-%m-%d}-{named.hour}"


class GHArchiveSource:
    """Hours in folders, files or at base URLs; of an hour that is in several places, the first is read, files before
    URLs."""

    platforms = (PLATFORM,)

    def __init__(self, source_id: str, places: Sequence[str]) -> None:
        self.places = [place or PUBLIC for place in places]
        self.urls = [place.rstrip("/") for place in self.places if place.startswith(("https://", "http://"))]
        self.files: dict[str, Path] = {}
        for path in existing([place for place in self.places if place.rstrip("/") not in self.urls], SUFFIXES):
            name = _HOUR.fullmatch(path.name)
            if name is None:
                raise UsageError(f"{path}: expected files named YYYY-MM-DD-H.json.gz, one for each hour")
            self.files.setdefault(name[1], path)

    def pages(self, first_day: date, last_day: date) -> Iterator[Page]:
        """Raises `UsageError` where not one hour of these days is there."""
        found_any = False
        with httpx.Client(follow_redirects=True, timeout=TIMEOUT_S) as client:
            for number in range((last_day - first_day).days + 1):
                day = first_day + timedelta(days=number)
                midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
                # A dict, as the day on which clocks are set back has one name for two hours.
                names = dict.fromkeys(hour_name(midnight + timedelta(hours=hour)) for hour in range(24))
                missing = []
                for name in names:
                    with self._open(name, client) as found:
                        if found is None:
                            missing.append(name)
                        else:
                            found_any = True
                            yield from stream_pages(PLATFORM, *found, parse)
                if missing:
                    builder = PageBuilder(PLATFORM, self.places[0])
                    builder.note(
                        Note(
                            f"{len(missing)} of {len(names)} hours are missing: {', '.join(missing)}",
                            partial=True,
                            day=day,
                            absent=len(missing) == len(names),
                        )
                    )
                    yield builder.page()
        if not found_any:
            raise UsageError(
                f"{', '.join(self.places)}: no hour of {first_day}..{last_day}, expected files like {missing[0]}.json.gz"
            )

    @contextmanager
    def _open(self, name: str, client: httpx.Client) -> Iterator[tuple[str, BinaryIO] | None]:
        """Where an hour was found, and its content. Raises `CloutError` where a server does not give it."""
        if name in self.files:
            with self.files[name].open("rb") as raw:
                yield str(self.files[name]), decompressed(raw)
            return
        with TemporaryFile() as raw:
            for url in (f"{base}/{name}.json.gz" for base in self.urls):
                try:
                    is_there = ATTEMPTS(download, client, url, raw)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise CloutError(f"{url}: {error or type(error).__name__}; pull again later") from error
                if is_there:
                    raw.seek(0)
                    yield url, decompressed(raw)
                    return
            yield None
