"""bluesky: Bluesky's whole network, day by day, as replayed by a Jetstream server.

https://github.com/bluesky-social/jetstream. A server replays events from a cursor on: a time in microseconds since 1970, by the
server's own clock. A server keeps events for about 36 hours, so pull a day soon after it ends. `jetstream` describes how events
become acts. A recording holds only the parts of an event that become acts, accounts or undos, without the texts of posts.

If a connection breaks, or is silent for `SILENCE_S` seconds, the pull connects again and resumes shortly before the last event.
After a refusal, or a connection without a new event, the pull waits like a pull by HTTP (`jobs.sources.live.waits`). Events
that the server repeats count once. A server that no longer keeps the requested events does not say so: its first event is
simply late. Such a day stays partial, and a day without any event left is not covered. Place: the server's URL (`wss://...`);
without one, `PUBLIC`. If a server asks for a token, the source's connection holds it.

With `actors`, a pull keeps only what these accounts did, not what others did to them (`bluesky_actors`). Acts that are deleted
on the same day or in the `withdraw_days` after it do not count. Neither do the acts of accounts that are gone by then
(`bluesky_deletions`). Messages are compressed by permessage-deflate if the server offers it; the server's other scheme,
`compress=true`, needs a dictionary that no server hands out.

People's wishes: `only: opted-in`, the default, leaves out everybody whose profile has the self-label `!no-unauthenticated`
(`bluesky_wishes`), as far as profiles on pulled days show it:

    of such an account                          becomes
    what it does                                not recorded from the next day on; ignored on the day itself
    what others do to it or to its posts        ignored
    its profile and handle                      no account row
    deletes, profile, deletion of the account   recorded, so that a later profile can end the wish

The day's note counts these accounts. If some of them are among `actors`, the day is partial, because they cannot be asked
about.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx2
import orjson
from websockets.exceptions import InvalidStatus, InvalidURI, SecurityError, WebSocketException
from websockets.sync.client import ClientConnection, connect

from jobs.codes import Seen
from jobs.errors import UsageError
from jobs.sources import (
    bluesky_actors,
    bluesky_deletions,
    bluesky_domains,
    bluesky_events,
    bluesky_profiles,
    bluesky_wishes,
    jetstream,
)
from jobs.sources.lines import Parse
from jobs.sources.live.budget import ApiError, Budget
from jobs.sources.live.http import refuse_failure, user_agent
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Ask, Members, Settings
from jobs.sources.live.source import LiveSource
from jobs.sources.live.waits import PassingError, retrying
from jobs.sources.live.withdrawals import Withdrawals, without
from jobs.sources.page import DAY_US, Note

log = logging.getLogger(__name__)

PUBLIC = "wss://jetstream2.us-east.bsky.network"
COLLECTIONS = (*jetstream.COLLECTIONS, jetstream.PROFILE, bluesky_profiles.CONSENT)

PAGE_EVENTS = 50_000
TOLERANCE_US = 5_000_000  # events may be this far out of the order of their times
SILENCE_S = 60  # the network is never silent for so long: the connection is dead
OPEN_S = 30
CLOSE_S = 0.2  # the server sends events until it reads the close, so a longer wait only reads more of them
MOST_FAILURES = 8  # consecutive connections without a new event, after which the pull gives up
EVENT_BYTES = 1 << 20
QUEUED_EVENTS = 256  # with the client's 16, its two threads wait for each other a third of the time

STREAM = "stream"  # the one unit of a day


class BlueskyAsk(Ask):
    """The whole network, or `actors`: DIDs, or the path of a population file with one DID a line. `host`: the URL of a
    Jetstream server. `only`: whether people's wishes count."""

    host: str = PUBLIC
    actors: Members | None = None
    only: Literal["opted-in", "all"] = "opted-in"

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """One place, the URL of a Jetstream server; empty for the public one."""
        return {"host": places[0]} if places[0] else {}


class BlueskySource(LiveSource):
    """The network as seen by one Jetstream server."""

    PLATFORM = jetstream.PLATFORM
    ASK = BlueskyAsk
    REQUESTS, MINUTES = 1_000, 12 * 60  # each connection is a request
    parse = staticmethod(jetstream.parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._place = self.ask.host.rstrip("/")
        parts = urlsplit(self._place)
        if parts.scheme not in ("ws", "wss") or not parts.hostname:
            raise UsageError(f"{self._place.partition('?')[0]}: expected an address, such as {PUBLIC}")
        self._host = parts.hostname
        self._address = (parts.hostname, parts.port or (443 if parts.scheme == "wss" else 80))
        bluesky_actors.refuse_others([member.name for member in self.asked()])

    def parser(self, day: date) -> Parse:
        """The parser of a day. It ignores accounts that are gone at the end of the day or of a recorded day among the
        `withdraw_days` after it, and accounts that ask not to be shown."""
        stream = Recording(self.folder(day), STREAM)
        later = (bluesky_deletions.accounts(Recording(self.folder(each), STREAM)) for each in self.later(day))
        parse = partial(bluesky_deletions.parse, gone=bluesky_deletions.accounts(stream).union(*later))
        unwilling = frozenset() if self.ask.only == "all" else bluesky_wishes.unwilling(stream)
        return without(parse, unwilling, towards=True) if unwilling else parse

    def withdrawals(self, day: date) -> Withdrawals:
        """The acts that the day's recorded events withdraw."""
        return bluesky_deletions.withdrawals(Recording(self.folder(day), STREAM))

    def profiles(self, day: date) -> Iterator[Seen]:
        """What the day's events show of consent."""
        yield from bluesky_profiles.shown(Recording(self.folder(day), STREAM))
        yield from super().profiles(day)

    def asked(self) -> tuple[Member, ...]:
        """The actors, none for the whole network."""
        return () if self.ask.actors is None else self.members(self.ask.actors)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Records the events of the day that are not yet recorded. A failure or a used-up budget becomes a note, which marks
        the day as partial, or as absent if nothing of it is recorded."""
        stream = Recording(folder, STREAM)
        notes: list[Note] = []
        actors: tuple[str, ...] | None = None
        if self.ask.actors is not None:
            population = self.population(day, folder)
            actors = population.names
            notes += [population.change] if population.change else []
        try:
            self._record(stream, day, actors)
        except ApiError as error:
            notes.append(Note(f"{error}; the next pull resumes there", True, absent=not stream.pages))
        if self.seeks_codes and stream.cursor.done and len(actors or ()) <= bluesky_domains.MOST_ACTORS:
            for did in actors or ():
                with suppress(ApiError):  # the next pull of the day asks again; until then, no code counts as removed
                    bluesky_domains.keep(folder, self.budget, did)
        _, gap_us = stream.cursor.next or (None, 0)
        if gap_us:
            reason = f"the server no longer had {gap_us / 3.6e9:.1f} hours of its events"
            notes.append(Note(reason, True, absent=gap_us >= DAY_US, lasting=True))
        if self.ask.only != "all" and stream.cursor.done:
            notes += bluesky_wishes.notes(bluesky_wishes.keep(stream), actors)
        return notes

    def _record(self, stream: Recording, day: date, actors: Sequence[str] | None) -> None:
        """Records the day's events after the last recorded one, up to the end of the day or the server's present time,
        whichever is earlier. Raises `OutOfBudgetError`, or `ApiError` after `MOST_FAILURES` consecutive connections without a
        new event."""
        if stream.cursor.done:
            return
        if actors is not None and not actors:
            stream.add([], Cursor(None, True))
            return
        unwilling = frozenset[str]() if self.ask.only == "all" else bluesky_wishes.before(stream.folder)
        resumed = partial(self._resumed, stream, day, actors, unwilling)
        while not retrying(self._host, MOST_FAILURES, self.budget)(resumed):
            pass

    def _resumed(self, stream: Recording, day: date, actors: Sequence[str] | None, unwilling: frozenset[str]) -> bool:
        """Records what one connection gives after the last recorded event. Returns whether that reaches the end of the day or
        the server's present time. Raises `PassingError` if the connection gives no new event."""
        begin = (day - date(1970, 1, 1)).days * DAY_US
        end = begin + DAY_US
        before, gap_us = stream.cursor.next or (begin, 0)
        at = before
        self.budget.spend()
        try:
            with self._connect(max(begin, at - TOLERANCE_US)) as socket:
                present = _clock(socket) - 2 * TOLERANCE_US
                last = min(end, present)
                for number, batch in enumerate(_batches(socket, last, self.budget, actors, unwilling)):
                    if number == 0:
                        gap_us += _gap(min(batch.first, last), at, is_begin=at == begin)
                    at = max(at, batch.last)
                    stream.add(batch.lines, Cursor([at, gap_us], batch.ended and end <= present))
                    if batch.ended:
                        return True
        except InvalidStatus as error:  # the error's text quotes the server's response
            refuse_failure(_response(error), self._host, self.connection)
        except (WebSocketException, TimeoutError, OSError) as error:
            log.info("%s: %s", self._host, type(error).__name__)
        if at == before:
            raise PassingError("no new event")
        return False

    def _connect(self, cursor: int) -> ClientConnection:
        """A connection that replays from `cursor` on. Raises `ApiError` if the server redirects to another host."""
        query = urlencode([("cursor", cursor), *(("wantedCollections", name) for name in COLLECTIONS)])
        token = self.optional_secret
        try:
            return connect(
                f"{self._place}/subscribe?{query}",
                additional_headers={"authorization": f"Bearer {token}"} if token else None,
                user_agent_header=user_agent(),
                max_size=EVENT_BYTES,
                max_queue=QUEUED_EVENTS,
                open_timeout=OPEN_S,
                close_timeout=CLOSE_S,
                ping_interval=None,  # an answer to a ping comes behind all events that are on the way
                proxy=None,
                address=self._address,  # with it, the client refuses to follow a redirect to another host
            )
        except (ValueError, SecurityError, InvalidURI):  # these errors quote the address of the redirect
            raise ApiError(f"{self._host}: leads to another host, which clout does not ask") from None


def _response(refusal: InvalidStatus) -> httpx2.Response:
    """The server's refusal of a handshake, as a response of the HTTP client."""
    return httpx2.Response(refusal.response.status_code, headers=[*refusal.response.headers.raw_items()])


class Batch(NamedTuple):
    """Consecutive events as lines of JSON, with times in microseconds since 1970. `first` is the time of the connection's first
    event, which may lie beyond the requested end; 0 if there is none. `last` is the latest time since the connection began, 0
    before any event. `ended`: the next event lies beyond the requested end."""

    lines: list[bytes]
    first: int
    last: int
    ended: bool


def _batches(
    socket: ClientConnection, end: int, budget: Budget, actors: Sequence[str] | None, unwilling: frozenset[str]
) -> Iterator[Batch]:
    """Yields the events before `end` (microseconds since 1970) in batches of at most `PAGE_EVENTS`. Leaves out acts of the
    `unwilling` and, unless `actors` is None, events of all accounts but `actors`. If the connection fails, yields the events
    received so far, then raises the error. Raises `OutOfBudgetError` after a full batch if no time is left."""
    stream = socket if actors is None else bluesky_actors.ActorStream(socket, COLLECTIONS, actors)
    wanted = None if actors is None else frozenset(actors)
    lines: list[bytes] = []
    first = last = 0
    try:
        while True:
            event = bluesky_events.read(stream.recv(timeout=SILENCE_S))
            if event is None:
                continue
            time_us, did, line = event
            first = first or time_us
            if time_us >= end + TOLERANCE_US:
                yield Batch(lines, first, last, True)
                return
            if time_us >= end:
                continue
            last = max(last, time_us)
            if wanted is not None and did not in wanted:
                continue
            if did in unwilling and bluesky_wishes.is_act_of(orjson.loads(line), unwilling):
                continue
            lines.append(line)
            if len(lines) >= PAGE_EVENTS:
                yield Batch(lines, first, last, False)
                lines = []
                budget.refuse_late()
    except (WebSocketException, TimeoutError, OSError):
        if last:
            yield Batch(lines, first, last, False)
        raise


def _clock(socket: ClientConnection) -> int:
    """The server's time when the connection began, in microseconds since 1970; this machine's time if the server sent no
    `Date`."""
    stated = socket.response.headers.get("Date") if socket.response else None
    now = parsedate_to_datetime(stated) if stated else datetime.now(UTC)
    return int(now.timestamp()) * 1_000_000


def _gap(first: int, at: int, *, is_begin: bool) -> int:
    """The microseconds from `at` to the connection's first event if the server no longer had the events in between, else 0. The
    replay began shortly before `at`. A resumed replay repeats the recorded event at `at`, so any later first event shows a gap.
    At a day's beginning, a pause of `TOLERANCE_US` is no gap."""
    return first - at if first - at > (TOLERANCE_US if is_begin else 0) else 0
