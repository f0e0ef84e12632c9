"""youtube: comments on the videos of named channels, through YouTube's Data API v3 with an API key.

https://developers.google.com/youtube/v3/docs/commentThreads/list, /comments/list. A page of 100 comments costs one of the
10,000 units a day; the units return at midnight Pacific time. An account's id is its channel's, an act's id is its comment's.
`publishedAt` is YouTube's own clock.

    comment                         becomes
    on a video or channel           reply to the channel
    below another comment           reply to the author of the thread, also if it answers another reply
    without an author's channel     unresolved
    not public                      ignored

The API does not say who likes, subscribes or watches, so these are no acts. It lists threads by the time of their first
comment: a pull reads threads back to `revisit_days` before the day. Replies to older threads stay unseen, as a note says. If a
recorded comment of these threads is no longer there, it is taken back (`jobs.sources.live.withdrawals`), unless a request by
its id still finds it.

YouTube's developer policies (https://developers.google.com/youtube/terms/developer-policies-guide) forbid derived metrics and
metrics that mix YouTube with other platforms; audited developers who accept the derived-metrics amendment may score channels.
Keep YouTube in a warehouse of its own unless the agreement also allows the mixture. Data that an API key got must be refreshed
or deleted within 30 days, so the type is refused unless recordings and `activity` are kept for less.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs import night_settings
from jobs.errors import UsageError
from jobs.sources import youtube_deletions
from jobs.sources.live import roster, sites
from jobs.sources.live.budget import ApiError, OutOfBudgetError
from jobs.sources.live.http import Api, NotAllowedError, NotThereError, PassingError
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Members, PlacesAsk, Settings
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Account, Act, Author, Ignored, Note, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, account_id, dated, from_iso, json_object, shown, within

PUBLIC = "https://www.googleapis.com/youtube/v3"
MOST_DAYS = 30  # data of an API key may be kept this long without a refresh
PAGE_ITEMS = 100
DISABLED = "comments are disabled"
# Reasons of errors: https://developers.google.com/youtube/v3/docs/errors
USED_UP = ("quotaExceeded", "dailyLimitExceeded")
TOO_FAST = ("rateLimitExceeded", "userRateLimitExceeded")
REFUSED = ("badRequest", "keyInvalid", "keyExpired", "accessNotConfigured", "ipRefererBlocked")
OLDER_THREADS = "replies to threads from before {day} are not seen"

_KEPT = ("authorChannelId", "authorDisplayName", "publishedAt", "parentId", "videoId")


def parse(line: bytes) -> Sequence[Record]:
    """One recorded comment -> its records."""
    comment = json_object(line)
    snippet = comment.get("snippet")
    occurred_at = from_iso(within(snippet, "publishedAt"))
    with dated(occurred_at):
        if comment.get("isPublic") is False:
            return (Ignored(occurred_at),)
        own = account_id(comment.get("id"), "comment")
        if within(snippet, "authorChannelId", "value") is None:
            return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
        actor = account_id(within(snippet, "authorChannelId", "value"))
        known = (Author(own, actor), Account(actor, occurred_at, handle=shown(within(snippet, "authorDisplayName"))))
        if (parent := within(snippet, "parentId")) is not None:
            return (Act("reply", actor, None, occurred_at, own, account_id(parent, "parent")), *known)
        channel, video = account_id(comment.get("channel"), "channel"), within(snippet, "videoId")
        about = None if video is None else account_id(video, "video")
        return (Act("reply", actor, channel, occurred_at, own, about), *known)


class YouTubeAsk(PlacesAsk):
    """`channels`: ids of channels, such as `UC...`. `api`: the URL of the API."""

    PLACES = "channels"

    channels: Members
    api: str = PUBLIC


class _DisabledError(ApiError):
    """The channel has no comments to be listed."""


class YouTubeSource(LiveSource):
    """Comments through the API. Raises `UsageError` if data would be kept for longer than YouTube allows."""

    PLATFORM = "youtube"
    ASK = YouTubeAsk
    REQUESTS, MINUTES = 6_000, 90  # of 10,000 units a day
    A_MEMBER = 1
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        nights = night_settings.nights()
        for name, days in (("landing_days", nights.landing_days), ("keep_activity_days", nights.keep_activity_days)):
            if days is None or days >= MOST_DAYS:
                raise UsageError(
                    f"{self.id}: YouTube's terms allow data to be kept for {MOST_DAYS} days; set `{name}` in nights.yaml below"
                )

    def asked(self) -> tuple[Member, ...]:
        """All channels."""
        return self.members(self.ask.channels)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests the comments that the day's recordings lack."""
        channels = self.population(day, folder)
        first_day = day - timedelta(days=self.settings.revisit_days)
        headers = {"x-goog-api-key": self.secret}
        with Api(self.ask.api, self.budget, headers=headers, connection=self.connection, fault=self._fault) as api:
            days = self.settings.withdraw_days
            notes = roster.record(
                folder,
                channels.names,
                "channels",
                lambda channel, into: _record(api, channel, into, first_day, day, days),
            )
        older = Note(OLDER_THREADS.format(day=first_day), partial=True, lasting=True)
        return [*notes, older, *([channels.change] if channels.change else [])]

    def _fault(self, status: int, body: Any, where: str) -> Exception | None:
        errors = within(body, "error", "errors")
        reason = within(errors[0], "reason") if type(errors) is list and errors else None
        if reason in USED_UP:
            return OutOfBudgetError("YouTube's quota is used up until midnight Pacific time")
        if reason in TOO_FAST:
            return PassingError("the rate limit is reached")
        if reason in ("backendError", "internalError"):
            return PassingError("YouTube fails")
        if reason == "commentsDisabled":
            return _DisabledError(DISABLED)
        if reason in REFUSED:
            return NotAllowedError(f"YouTube refuses the request ({status}); check connection {self.connection!r}")
        return None


def _record(api: Api, channel: str, into: Recording, first_day: date, day: date, withdraw_days: int) -> None:
    """Records the threads of a channel, newest first, back to `first_day`, and the replies that a thread does not include. The
    cursor holds the threads whose replies are still to be read, the next page of the first thread's replies, and the next page
    of threads. The last cursor also holds which comments of the `withdraw_days` before are no longer there."""
    since = end_of(first_day - timedelta(days=1))
    threads, replies, page = into.cursor.next or ([], None, None)
    seen: set[tuple[str, Any]] = set()
    while not into.cursor.done:
        try:
            if threads:
                try:
                    items, replies = _page(
                        api, "comments", {"part": "snippet", "parentId": threads[0]}, replies, seen, day
                    )
                except NotThereError:  # deleted since the thread was listed
                    items, replies = [], None
                comments = [_kept(item, channel) for item in items]
                threads = threads if replies else threads[1:]
            else:
                asked = {"part": "snippet,replies", "allThreadsRelatedToChannelId": channel, "order": "time"}
                items, page = _page(api, "commentThreads", asked, page, seen, day)
                comments = [comment for item in items for comment in _of_thread(item, channel)]
                threads = [item["id"] for item in items if _has_more(item)]
                page = None if any(_began(item) < since for item in items) else page
        except _DisabledError as error:
            into.add([], Cursor(None, True, str(error)))
            return
        is_done = not threads and not page
        taken_back = None
        if is_done:
            current = [*map(json_object, into.items), *comments]
            taken_back = youtube_deletions.deleted(api, into, current, since, withdraw_days)
        into.add(comments, Cursor([threads, replies, page], is_done, taken_back=taken_back))


def _page(
    api: Api, path: str, params: Mapping[str, str], token: str | None, seen: set[tuple[str, Any]], day: date
) -> tuple[list[Any], str | None]:
    """The items of a page, and the token of the next one. Raises `ApiError` if the page is malformed or was already read."""
    key = (params.get("parentId", ""), token)
    if key in seen:
        raise ApiError(f"{path}: the list of pages links back to a page already read")
    seen.add(key)
    answer = api.get(path, {**params, "maxResults": PAGE_ITEMS, **({"pageToken": token} if token else {})})
    value = sites.ended(day, answer)
    items, token = within(value, "items"), within(value, "nextPageToken")
    if type(items) is not list or not (token is None or type(token) is str):
        raise ApiError(f"{path}: the answer has no list of items")
    return items, token or None


def _of_thread(item: Any, channel: str) -> list[dict[str, Any]]:
    replies = within(item, "replies", "comments")
    top = _kept(within(item, "snippet", "topLevelComment"), channel)
    below = [_kept(reply, channel) for reply in (replies if type(replies) is list else ())]
    if within(item, "snippet", "isPublic") is False:
        return [comment | {"isPublic": False} for comment in (top, *below)]
    return [top, *below]


def _kept(comment: Any, channel: str) -> dict[str, Any]:
    """What `parse` reads of a comment."""
    snippet = within(comment, "snippet")
    kept = {name: snippet[name] for name in _KEPT if name in snippet} if type(snippet) is dict else None
    return {"id": within(comment, "id"), "channel": channel, "snippet": kept}


def _has_more(item: Any) -> bool:
    """Whether the thread has more replies than it includes."""
    total, replies = within(item, "snippet", "totalReplyCount"), within(item, "replies", "comments")
    return (
        type(within(item, "id")) is str and type(total) is int and total > len(replies if type(replies) is list else ())
    )


def _began(item: Any) -> float:
    try:
        return from_iso(within(item, "snippet", "topLevelComment", "snippet", "publishedAt"))
    except Rejected:
        return float("inf")
