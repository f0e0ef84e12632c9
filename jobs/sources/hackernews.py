"""hackernews: Hacker News through its public API: the whole platform, of any day since 2006, without a token.

https://github.com/HackerNews/API. Ids rise with time, so two binary searches find the first and the last id of a day. A pull
then requests every id between them, a second time if the response is empty. The API states no rate limit. An account's id is
its user name, an act's id is its item's id. Times come from the platform's clock.

    item                       becomes
    comment                    reply to the author of its parent
    story, job, poll           post
    option of a poll           ignored, but its author gets an account row
    deleted                    unresolved, as any item without an author
    dead (killed by people     ignored
    or by the platform)

The API does not say who votes for an item or saves it, so votes and favorites are no acts. If an item is deleted after the
pull, its act stays. Place: the API's URL; without one, `PUBLIC`.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.sources.live import recording
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import Api
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Ask, Settings
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Account, Act, Author, Ignored, Note, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, account_id, dated, from_seconds, json_object

PUBLIC = "https://hacker-news.firebaseio.com/v0"

PAGE_ITEMS = 250
THREADS = 16
MARGIN = 20  # ids to add at each end of a day, because items with close ids may be out of the order of their times
# Items read to date an id. Their earliest time counts: a story that the platform lists again has a later time than its
# neighbors.
PROBES = 5
KEPT = ("id", "type", "by", "time", "parent", "deleted", "dead")

ITEMS, PARENTS = "items", "parents"  # units of a day


def parse(line: bytes) -> Sequence[Record]:
    """One recorded item -> its records."""
    item = json_object(line)
    occurred_at = from_seconds(item.get("time"))
    with dated(occurred_at):
        if item.get("dead"):
            return (Ignored(occurred_at),)
        if item.get("deleted") or item.get("by") is None:
            return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
        name, actor = account_id(item.get("id"), "item"), account_id(item.get("by"))
        known = (Author(name, actor), Account(actor, occurred_at, handle=actor))
        match item.get("type"):
            case "comment":
                parent = account_id(item.get("parent"), "parent")
                return (Act("reply", actor, None, occurred_at, name, parent), *known)
            case "story" | "job" | "poll":
                return (Act("post", actor, actor, occurred_at, name), *known)
            case "pollopt":
                return (Ignored(occurred_at), *known)
        raise Rejected("type is none of comment, story, job, poll, pollopt")


class HackerNewsAsk(Ask):
    """The platform as a whole. `api`: the URL of the API."""

    api: str = PUBLIC

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """One place, the URL of the API; empty for the public one."""
        return {"api": places[0]} if places[0] else {}


class HackerNewsSource(LiveSource):
    """The platform through its API."""

    PLATFORM = "hackernews"
    ASK = HackerNewsAsk
    REQUESTS, MINUTES = 40_000, 120  # a day has some 12,000 items
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        Api(self.ask.api, self.budget)  # refuses a place that is no address

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests what the day's recording lacks. If the budget is used up or the platform fails, a note marks the day as
        partial, or as absent if nothing of it is recorded."""
        items, parents = Recording(folder, ITEMS), Recording(folder, PARENTS)
        try:
            with Api(self.ask.api, self.budget) as api:
                _record_items(api, items, day)
                _record_parents(api, parents, items)
        except ApiError as error:
            return [Note(_missing(str(error), items, parents), True, absent=not items.pages)]
        return []


def _record_items(api: Api, items: Recording, day: date) -> None:
    """Records the day's items in ascending order of id. While the platform has no item of a later day, the day's end is
    unknown, and the next pull resumes after the newest item."""
    cursor = items.cursor
    if cursor.done:
        return
    newest = _maximum(api)
    first, end = cursor.next or (max(_first_of(api, day, newest) - MARGIN, 1), None)
    if end is None:
        later = _first_of(api, day + timedelta(days=1), newest)
        end = later + MARGIN if later <= newest else None
    stop = min(end or newest + 1, newest + 1)
    while first < stop:
        after = min(first + PAGE_ITEMS, stop)
        _add(api, items, range(first, after), Cursor([after, end], after == end))
        first = after
    if end is not None and not items.cursor.done:
        items.add([], Cursor([first, end], True))


def _record_parents(api: Api, parents: Recording, items: Recording) -> None:
    """Records the parents whose ids lie outside those of the day's items; a parent names the author whom a comment replies to.
    Does nothing until the items are complete: the cursor is a position in the list of parents, which must not change."""
    if parents.cursor.done or not items.cursor.done:
        return
    ids: set[int] = set()
    named: set[int] = set()
    for path in items.pages:
        for item in map(json_object, recording.items_of(path)):
            ids.add(item["id"])
            named.update({item["parent"]} if isinstance(item.get("parent"), int) else ())
    first_id, last_id = min(ids, default=0), max(ids, default=0)
    asked = sorted(number for number in named if not first_id <= number <= last_id)
    first = parents.cursor.next or 0
    while not parents.cursor.done:
        after = min(first + PAGE_ITEMS, len(asked))
        _add(api, parents, asked[first:after], Cursor(after, after == len(asked)))
        first = after


def _add(api: Api, into: Recording, ids: Sequence[int], cursor: Cursor) -> None:
    """Requests these items in parallel and records those that exist. An empty response may be transient, so the item is
    requested a second time."""
    with ThreadPoolExecutor(THREADS) as threads:
        items = list(threads.map(lambda number: _item(api, number) or _item(api, number), ids))
    into.add([{name: item[name] for name in KEPT if name in item} for item in items if item], cursor)


def _item(api: Api, number: int) -> dict[str, Any] | None:
    value = api.get(f"item/{number}.json").value
    return value if isinstance(value, dict) and value.get("id") == number else None


def _maximum(api: Api) -> int:
    return int(api.get("maxitem.json").value)


def _first_of(api: Api, day: date, newest: int) -> int:
    """The id from which on items are of the day or later, found by bisection; `newest` + 1 if there is no such item. It may be
    off by a few ids, which `MARGIN` covers."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    low, high = 1, newest + 1
    while low < high:
        middle = (low + high) // 2
        at = _time(api, middle, high)
        if at is None or at >= midnight:
            high = middle
        else:
            low = middle + 1
    return low


def _time(api: Api, number: int, end: int) -> int | None:
    """The earliest time, in seconds since 1970, of the next `PROBES` items that have one, from this id on and below `end`. None
    if there is no such item among the next `PROBES` * `MARGIN` ids."""
    times: list[int] = []
    for candidate in range(number, min(number + PROBES * MARGIN, end)):
        item = _item(api, candidate)
        if item and isinstance(item.get("time"), int):
            times.append(item["time"])
        if len(times) == PROBES:
            break
    return min(times, default=None)


def _missing(reason: str, items: Recording, parents: Recording) -> str:
    """The text of the note for a pull that ended early: the reason, and how many items are recorded."""
    count = sum(len(recording.items_of(path)) for path in items.pages)
    behind = " and no parent" if items.cursor.done and not parents.pages else ""
    return f"{reason} after {count:,} items{behind}; the next pull resumes there"
