"""Records a day of a repository, a user or an organization of GitHub. `github` says which lists are read, and why."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from jobs.sources import github_events
from jobs.sources.github_lists import CODE_COMMENTS, COMMENTS, EVENTS, ISSUES, as_event, at, kept_event
from jobs.sources.live.bodies import json_of
from jobs.sources.live.budget import ApiError
from jobs.sources.live.departures import why_gone
from jobs.sources.live.http import Api, NotThereError
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.snapshots import LOOK_BACK_DAYS, end_of
from jobs.sources.page import DAY_US, Act, Author, Record, Rejected
from jobs.sources.values import within

ORGANIZATION = "orgs/"  # before the name of an organization, in a place or as a unit

PAGE_ITEMS = 100
EVENT_PAGES = 3  # GitHub lists 300 events at most
MEMORY = timedelta(days=30)  # GitHub surely lists events for this long
LONGEST_MEMORY = timedelta(days=90)  # GitHub's documents name both 30 and 90 days
LATEST = timedelta(hours=6)  # GitHub lists an event at most this long after it

PRIVATE = "private, and only public acts count"
LISTS = (CODE_COMMENTS, ISSUES, COMMENTS)  # the first exists wherever the repository does; issues may be disabled

LOST = "do not reach back to the day's start"
LOST_KINDS = "stars, forks, pushes and reviews are missing"


class _Place(NamedTuple):
    """Where the recording of a unit continues. `lists`: the lists to read. The first of them continues at `url`, or begins if
    `url` is None; `page` of its pages are recorded. `early`: the pull asked before GitHub surely listed all events of the day.
    `etag`: the version of the list of events."""

    lists: Sequence[str]
    early: bool
    missing: str | None = None
    url: str | None = None
    page: int = 0
    etag: str | None = None

    def after_list(self) -> "_Place":
        """The beginning of the next list."""
        return self.before(self.lists[1:], self.missing)

    def before(self, lists: Sequence[str], missing: str | None = None) -> "_Place":
        """The beginning of these lists."""
        return _Place(lists, self.early, missing, etag=self.etag)


class Units:
    """The units of a day, asked at the instant `now`. `has_token`: the API may also show private repositories. Their events say
    that they are private, but their lists do not. `withdraw_days`: as in `Settings`."""

    def __init__(self, api: Api, day: date, now: datetime, *, has_token: bool, withdraw_days: int) -> None:
        self.api = api
        self.withdraw_days = withdraw_days
        self.has_token = has_token
        self.end = end_of(day)
        self.start = self.end - DAY_US
        self.begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        self.age = now - self.begin
        self.listed = self.begin + timedelta(days=1) + LATEST
        self.early = now < self.listed

    def record(self, name: str, recording: Recording) -> None:
        """Records what is missing of a unit. Raises `DeletedError` for a deleted user."""
        try:
            self._record(name, recording)
        except NotThereError as error:
            if "/" in name:
                raise
            user = {"who": "actor", "named": "login", "path": "user/{}"}
            raise why_gone(error, self.api, recording, self.withdraw_days, **user) from None

    def _record(self, name: str, recording: Recording) -> None:
        stored = recording.cursor.next
        place = _Place(*stored) if stored else None
        if place is None and recording.pages and self.early:
            return  # an earlier pull recorded everything that is listed so far
        if place is None or place.early != self.early:
            place = self._first(name)
        if not place.lists:
            recording.add([], Cursor(None, True, place.missing))
        while place.lists:
            place = self._list(name, recording, place)

    def _first(self, name: str) -> _Place:
        if self.age <= LONGEST_MEMORY:
            return _Place([EVENTS], self.early)
        return _Place(LISTS if is_repository(name) else (), self.early, _lost(name, "GitHub's events"))

    def _list(self, name: str, recording: Recording, place: _Place) -> _Place:
        """Records the rest of the place's first list. Returns where to continue."""
        kind = place.lists[0]
        if kind == LISTS[0] and place.url is None and self._is_private(name):
            recording.add([], Cursor(None, True, PRIVATE))
            return _Place([], place.early)
        known = self._known(recording) if kind == EVENTS and place.page == 0 else None
        query, etag = None if place.url else self._query(kind), known.cursor.etag if known else None
        try:
            for answer in self.api.pages(place.url or _path(name, kind), query, etag):
                if not isinstance(answer.value, list) and not answer.is_unchanged:
                    raise ApiError(f"{name}: expected a list of {kind}")
                if kind == EVENTS and answer.at < self.listed.timestamp():  # this machine's clock is ahead
                    self.early = True
                    place = place._replace(early=True)
                if kind == EVENTS and place.page == 0:
                    place = place._replace(etag=answer.etag or etag)
                place = place._replace(page=place.page + 1, url=answer.next)
                if known and answer.is_unchanged:
                    lines = [] if known == recording else [line for line in known.items if self._is_since(line)]
                else:
                    lines = [orjson.dumps(item) for item in self._kept(kind, answer.value)]
                is_last = answer.next is None or self._is_over(kind, answer.value, place.page)
                if is_last and kind == EVENTS:
                    is_reached = answer.is_unchanged or self._reach_back(answer.value)
                    place = self._after_events(name, place, [*recording.items, *lines], is_reached=is_reached)
                elif is_last:
                    place = place.after_list()
                recording.add(lines, self._cursor(place))
                if is_last:
                    break
        except NotThereError:
            if kind == EVENTS or not recording.pages:
                raise
            place = place.after_list()  # a repository without issues
            recording.add([], self._cursor(place))
        return place

    def _is_private(self, name: str) -> bool:
        return self.has_token and within(self.api.get(f"repos/{name}").value, "private") is True

    def _known(self, recording: Recording) -> Recording | None:
        """The newest recording of the unit whose events surely reach back to the day's start; None if there is none. It is the
        day's own, from a pull that came too early, or that of an earlier day. While GitHub's list of events still has the
        version of this recording, there is nothing new to record."""
        if recording.cursor.etag and self._reach_back(list(map(json_of, recording.items))):
            return recording
        earlier = (each for each in recording.earlier(LOOK_BACK_DAYS) if each.pages)
        found = next(earlier, None)
        return found if found and found.cursor.done and not found.cursor.missing else None

    def _is_since(self, line: bytes) -> bool:
        time = at(json_of(line))
        return time is None or time >= self.start

    def _after_events(self, name: str, place: _Place, lines: Sequence[bytes], *, is_reached: bool) -> _Place:
        """Where to continue after the events. `lines`: all that are recorded; `is_reached`: they reach back to the day's
        start."""
        ended = place.page < EVENT_PAGES
        if is_reached or (ended and self.age <= MEMORY):
            lacks = is_repository(name) and self._lacks_authors(lines)
            return place.before([ISSUES] if lacks else [])
        lost = _lost(name, "GitHub's events" if ended else "its 300 events")
        return place.before(LISTS if is_repository(name) else [], lost)

    def _cursor(self, place: _Place) -> Cursor:
        if place.lists:
            return Cursor(list(place), etag=place.etag)
        return Cursor(None, not place.early, None if place.early else place.missing, etag=place.etag)

    def _query(self, kind: str) -> dict[str, Any]:
        if kind == EVENTS:
            return {"per_page": PAGE_ITEMS}
        since = (self.begin - timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        state = {"state": "all"} if kind == ISSUES else {}
        return {"per_page": PAGE_ITEMS, "since": since, "sort": "created", "direction": "asc", **state}

    def _is_over(self, kind: str, items: Sequence[Any], page: int) -> bool:
        """Whether the rest of the list is about other days."""
        if kind == EVENTS:
            return page >= EVENT_PAGES or self._reach_back(items)
        last = _last(items)
        return last is not None and last >= self.end

    def _reach_back(self, events: Sequence[Any]) -> bool:
        last = _last(events)
        return last is not None and last < self.start

    def _kept(self, kind: str, items: Sequence[Any]) -> list[Any]:
        """What to record of a page: all events and issues, because they name authors, and comments of the day."""
        if kind == EVENTS:
            return [kept_event(item) for item in items]
        return [
            as_event(kind, item, self._is_of_day(item)) for item in items if kind == ISSUES or self._is_of_day(item)
        ]

    def _is_of_day(self, item: Any) -> bool:
        time = at(item)
        return time is None or self.start <= time < self.end

    def _lacks_authors(self, lines: Sequence[bytes]) -> bool:
        records = [record for line in lines for record in _parsed(line)]
        named = {record.object_id for record in records if isinstance(record, Author)}
        return any(
            isinstance(record, Act)
            and record.target_id is None
            and record.object_id not in named
            and self.start <= record.occurred_at < self.end
            for record in records
        )


def _parsed(line: bytes) -> Sequence[Record]:
    try:
        return github_events.parse(line)
    except Rejected:
        return ()


def _last(items: Sequence[Any]) -> int | None:
    """The time of the last item that has one."""
    return next((time for time in map(at, reversed(items)) if time is not None), None)


def _lost(name: str, what: str) -> str:
    return f"{what} {LOST}" + (f": {LOST_KINDS}" if is_repository(name) else "")


def is_repository(name: str) -> bool:
    """Whether a place or a unit is a repository."""
    return "/" in name and not name.startswith(ORGANIZATION)


def _path(name: str, kind: str) -> str:
    if is_repository(name):
        return f"repos/{name}/{kind}"
    return f"{name}/events" if name.startswith(ORGANIZATION) else f"users/{quote(name)}/events/public"
