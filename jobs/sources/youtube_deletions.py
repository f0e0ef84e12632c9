"""Comments that earlier pulls recorded and that a channel's threads lack: they were deleted, or their authors are gone."""

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.sources.live import sites
from jobs.sources.live.bodies import json_of
from jobs.sources.live.http import Api, NotThereError
from jobs.sources.live.recording import Recording
from jobs.sources.page import Rejected
from jobs.sources.values import from_iso, within

PAGE_IDS = 50  # in one request


def deleted(
    api: Api, channel: Recording, comments: Iterable[Any], since: int, days: int
) -> list[tuple[str, str]] | None:
    """The comments that were recorded on the `days` before, each with its author, and are no longer there; None if there are
    none. `comments` are those of all threads since this instant (microseconds since 1970).

    A recorded comment that is missing among `comments` is looked up by its id, together with a comment that is there. An answer
    without the latter proves nothing.
    """
    there = _authors(comments)
    recorded: dict[str, Any] = {}
    for earlier in channel.earlier(days):
        recorded |= {within(item, "id"): item for item in map(json_of, earlier.items)}
    threads = {name: _began(item) for name, item in recorded.items()}
    missing = {
        name: by
        for name, by in _authors(recorded.values()).items()
        if name not in there and threads.get(_thread(recorded[name]), 0) >= since
    }
    found: list[tuple[str, str]] = []
    for control in list(there)[:1]:
        names = list(missing)
        for first in range(0, len(names), PAGE_IDS - 1):
            batch = names[first : first + PAGE_IDS - 1]
            present = _looked_up(api, [control, *batch])
            found += [(name, missing[name]) for name in batch if control in present and name not in present]
    return found or None


def _looked_up(api: Api, names: Iterable[str]) -> Mapping[str, str]:
    try:
        value = api.get("comments", {"part": "snippet", "id": ",".join(names)}).value
    except NotThereError:
        return {}
    return _authors(sites.items_in(value, "items"))


def _authors(comments: Iterable[Any]) -> dict[str, str]:
    """The author's channel of each comment that is public and has one, by the comment's id."""
    return {
        name: by
        for comment in comments
        if type(name := within(comment, "id")) is str
        and type(by := within(comment, "snippet", "authorChannelId", "value")) is str
        and within(comment, "isPublic") is not False
    }


def _thread(comment: Any) -> Any:
    return within(comment, "snippet", "parentId") or within(comment, "id")


def _began(comment: Any) -> int:
    try:
        return from_iso(within(comment, "snippet", "publishedAt"))
    except Rejected:
        return 0
