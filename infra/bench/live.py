"""Measures pulls of live sources through their real clients, against servers on loopback in processes of their own.

The roster is one of Mastodon. Its server answers after 50 ms and limits the rate to 200 requests in 20 seconds. That is ten
times as fast as Mastodon's 300 in 5 minutes, so the bench ends in minutes; clout's own waits, of up to two seconds a window,
weigh 15 times as much as they do there.

A day of Jetstream has too many events for a bench. A pull holds one page of 50,000 at a time, so its time grows with the
events, and its memory with the size of a page. Twelve pages show both, and their figures extrapolate to a day.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from measuring import Command
from rich.table import Table

ACCOUNTS, REQUESTS, WINDOW_S = 1_000, 200, 20
EVENTS = 600_000
DAY_EVENTS = 30_000_000  # of the network on a day


@dataclass
class Figure:
    """A measured value. `limit` is the most that it may be, None if it has no limit."""

    what: str
    measured: float
    unit: str
    limit: float | None = None
    name: str = "live"


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Yields the figures of the roster, then those of Jetstream."""
    yield from roster(ACCOUNTS, REQUESTS, WINDOW_S)
    yield from stream(EVENTS)


def roster(accounts: int, requests: int, window_s: float) -> Iterator[Figure]:
    """Pulls a day of this many accounts, without a rate limit and with one."""
    what = f"roster of {accounts:,} accounts"
    with server("mastodon", 0, window_s) as url:
        free, _ = pulled("mastodon", url, accounts)
    yield Figure(f"{what}, no rate limit", free["seconds"], "s")
    with server("mastodon", requests, window_s) as url:
        limited, peak_gb = pulled("mastodon", url, accounts)
    demanded_s = (free["requests"] - 1) // requests * window_s
    yield Figure(f"{what}, {requests} requests in {window_s:g} s", limited["seconds"], "s")
    yield Figure("  ratio to what the limit alone demands", limited["seconds"] / demanded_s, "times", 1.5)
    yield Figure("  requests", free["requests"], "")
    yield Figure("  refused requests", limited["requests"] - free["requests"], "")
    yield Figure("  peak memory", 1_000 * peak_gb, "MB", 500)


def stream(events: int) -> Iterator[Figure]:
    """Records and parses this many events of Jetstream."""
    with server("jetstream", events) as url:
        day, peak_gb = pulled("jetstream", url, events)
    yield Figure(f"Jetstream, {events:,} events: recorded", events / day["recorded_s"], "a second")
    yield Figure("  parsed", events / day["parsed_s"], "a second")
    yield Figure("  recording", day["bytes"] / events, "bytes an event")
    yield Figure("  peak memory", 1_000 * peak_gb, "MB")
    minutes = (day["recorded_s"] + day["parsed_s"]) / events * DAY_EVENTS / 60
    yield Figure(f"  {DAY_EVENTS:,} events, extrapolated", minutes, "min", 30)
    yield Figure("    of which processor time", day["processor_s"] / events * DAY_EVENTS / 60, "min")


@contextmanager
def server(*arguments: Any) -> Iterator[str]:
    """The URL of a server of `live_servers`."""
    script = str(Path(__file__).with_name("live_servers.py"))
    with subprocess.Popen([sys.executable, script, *map(str, arguments)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip() or sys.exit("bench: the server did not start")
        finally:
            process.terminate()


def pulled(platform: str, url: str, count: int) -> tuple[dict[str, Any], float]:
    """What a pull in a process of its own measures, and its peak memory in GB."""
    ran = Command(sys.executable, __file__, platform, url, str(count))
    return json.loads(ran.lines[-1][1]), ran.peak_gb


def pull_roster(url: str, accounts: int) -> dict[str, Any]:
    """Pulls yesterday of the accounts, and returns seconds and requests. Fails if the day is not complete."""
    from jobs.sources.live.settings import Settings
    from jobs.sources.mastodon import MastodonSource

    names = [f"user{number}" for number in range(accounts)]
    with TemporaryDirectory() as landing:
        source = MastodonSource(Settings(id="bench", landing=Path(landing), ask={"instance": url, "accounts": names}))
        began = time.monotonic()
        pages = list(source.pages(_yesterday(), _yesterday()))
        seconds = time.monotonic() - began
    _refuse_notes([note for page in pages for note in page.notes])
    return {"seconds": seconds, "requests": source.budget.used}


def pull_stream(url: str, events: int) -> dict[str, Any]:
    """Pulls yesterday of the network, and returns the seconds to record and to parse it, the processor's seconds for both, and
    the size of the recording. Fails if an event is missing."""
    from jobs.sources.bluesky import BlueskySource
    from jobs.sources.live import recording
    from jobs.sources.live.settings import Settings

    with TemporaryDirectory() as landing:
        source = BlueskySource(Settings(id="bench", landing=Path(landing), ask={"host": url}))
        folder = source.folder(_yesterday())
        began, processor_s = time.monotonic(), time.process_time()
        _refuse_notes(source.record(_yesterday(), folder))
        recorded = time.monotonic()
        lines = sum(
            sum(page.lines.values())
            for page in recording.parsed(folder, source.PLATFORM, source.parser(_yesterday()), [])
        )
        parsed, processor_s = time.monotonic(), time.process_time() - processor_s
        size = sum(path.stat().st_size for path in folder.iterdir())
    if lines != events:
        sys.exit(f"bench: {lines:,} of {events:,} events were recorded")
    return {"recorded_s": recorded - began, "parsed_s": parsed - recorded, "processor_s": processor_s, "bytes": size}


def _refuse_notes(notes: Sequence[Any]) -> None:
    if notes:
        sys.exit("\n".join(note.reason for note in notes))


def _yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def table(figures: list[Figure]) -> Table:
    """A row per figure, with its limit."""
    shown = Table(title="what live sources cost, against servers on loopback")
    for head in ("", "limit", "measured", " "):
        shown.add_column(head, justify="left" if not head.strip() else "right")
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g} {figure.unit}"
        is_over = figure.limit is not None and figure.measured > figure.limit
        digits = 2 if figure.unit and figure.measured < 100 else 0
        shown.add_row(
            figure.what, limit, f"{figure.measured:,.{digits}f} {figure.unit}", "over the limit" if is_over else ""
        )
    return shown


if __name__ == "__main__":
    pull = pull_roster if sys.argv[1] == "mastodon" else pull_stream
    print(json.dumps(pull(sys.argv[2], int(sys.argv[3]))))
