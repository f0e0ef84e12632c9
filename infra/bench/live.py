"""Measures pulls of live sources through their real clients, against servers on loopback in processes of their own.

The roster is one of Mastodon. Its server answers after 50 ms and limits the rate to 200 requests in 20 seconds. That is ten
times as fast as Mastodon's 300 in 5 minutes, so the bench ends in minutes. clout itself waits up to two seconds per window;
this weighs 15 times as much in the bench's window of 20 seconds as in Mastodon's of 5 minutes.

A day of Jetstream has too many events for every bench. So the bench pulls fewer events, up to the committed rows, and
extrapolates the figures to a day; `--events 30000000` pulls a whole day in half an hour. A pull holds one page of 50,000 events
at a time, and DuckDB spills what exceeds its memory. What grows in memory with the events are 8 bytes for each, and the deletes
among them. For comparison, the bench shows what parsing costs again, and the least that any pull costs: to receive the events
and parse their JSON once; both for the first `EVENTS` events.
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
A_MILLION = "s of a processor for a million"
DAY_EVENTS = 30_000_000  # of the network on a day


@dataclass
class Figure:
    """A measured value. `limit` is the most that it may be, None if it has no limit."""

    what: str
    measured: float
    unit: str
    limit: float | None = None
    name: str = "live"


def figures(choice: Sequence[str]) -> Iterator[Figure]:
    """Yields the figures of the roster, then those of Jetstream. `choice` holds one entry, the number of events."""
    (events,) = choice
    yield from roster(ACCOUNTS, REQUESTS, WINDOW_S)
    yield from stream(int(events))


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
    yield Figure(f"Jetstream, {events:,} events: recorded", 1e6 * day["recorded_s"] / events, A_MILLION)
    yield Figure("  parsed", day["parsed_s"], A_MILLION)
    yield Figure("  pulled: recorded, parsed, rows committed", 1e6 * day["pulled_s"] / events, A_MILLION)
    yield Figure("  only received, and its JSON parsed", day["least_s"], A_MILLION)
    yield Figure("  received", day["received_bytes"], "bytes an event")
    yield Figure("  recording", day["recorded_bytes"] / events, "bytes an event")
    yield Figure("  peak memory", 1_000 * peak_gb, "MB", 2_000)
    minutes = DAY_EVENTS / events / 60
    yield Figure(f"  {DAY_EVENTS:,} events, extrapolated", day["pulled_s"] * minutes, "min of one processor", 30)
    yield Figure("    elapsed", day["elapsed_s"] * minutes, "min")


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
    """Pulls yesterday of the network. Returns the seconds of processor time to record and to pull, the elapsed seconds, and the
    size of the recording in bytes. Then, of its first events: the processor time to parse a million (`parsed_s`), to
    receive a million and parse their JSON (`least_s`), and the bytes of one as received. Fails if an event is missing."""
    from jobs import pull_activity
    from jobs.places import landing
    from jobs.sources.live import recording
    from jobs.sources.live.source import LiveSource
    from jobs.sources.spec import parse_specs
    from jobs.warehouse.runs import Batch
    from jobs.warehouse.storage import Warehouse

    (spec,) = parse_specs([f"bench:bluesky={url}"])
    day = _yesterday()
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(folder)
        warehouse.create_tables()
        source = spec.open(landing(folder))
        assert isinstance(source, LiveSource)
        began, started_s = time.monotonic(), time.process_time()
        _refuse_notes(source.record(day, source.folder(day)))
        recorded_s = time.process_time() - started_s
        params = pull_activity.Params(source=spec, first_day=day, last_day=day)
        (pulled,) = pull_activity.run(warehouse, params, Batch("bench"))
        elapsed_s, pulled_s = time.monotonic() - began, time.process_time() - started_s
        size = sum(path.stat().st_size for path in source.folder(day).iterdir())
        lines, started_s = 0, time.process_time()
        for page in recording.parsed(source.folder(day), source.PLATFORM, source.parser(day), []):
            lines += page.lines.total()
            if lines >= EVENTS:
                break
        parsed_s = time.process_time() - started_s
    if (counted := pulled.act_count + pulled.ignored_count) != events:
        sys.exit(f"bench: {counted:,} of {events:,} events were recorded")
    few = min(events, EVENTS)
    received_bytes, least_s = _received(url, day, few)
    return {
        "recorded_s": recorded_s,
        "parsed_s": 1e6 * parsed_s / lines,
        "pulled_s": pulled_s,
        "least_s": 1e6 * least_s / few,
        "received_bytes": received_bytes / few,
        "recorded_bytes": size,
        "elapsed_s": elapsed_s,
    }


def _received(url: str, day: date, events: int) -> tuple[int, float]:
    """The bytes of this many events of the day, and the seconds of a processor to receive and parse them."""
    import orjson
    from websockets.sync.client import connect

    cursor = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000
    size, started_s = 0, time.process_time()
    with connect(f"{url}/subscribe?cursor={cursor}", proxy=None, close_timeout=0.2) as socket:
        for _ in range(events):
            message = socket.recv()
            orjson.loads(message)
            size += len(message)
    return size, time.process_time() - started_s


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
