"""discourse: one forum that runs Discourse, through its public API: its posts and likes of any day.

https://docs.discourse.org. `posts.json` lists all public posts, newest first; ids rise with time, so a search finds a past day.
`user_actions.json` lists the likes that a member received, with times. A pull asks for this list for every member who, by the
directory of members, received a like since the day began. A forum renews the directory every hour, so pull a day at least an
hour after its end. All times are those of the forum's clock. By default, a forum answers 200 requests a minute for each
address. The forum needs a version of Discourse since February 2025; the lists of earlier versions have gaps. Terms: those of
each forum.

    item                                    becomes
    first post of a topic                   post
    post that answers another one           reply to its author
    other post                              reply to the author of the topic's first post
    like                                    like
    notice about a topic, whisper           ignored
    post of a deleted member                unresolved

An account's id is its user name, so a renamed member becomes another one. The forum's own accounts (`system`, `discobot`) count
as bots; other bots do not declare themselves. If a post of the `revisit_days` before a day is deleted by the time of that day's
pull, the pull takes it back (`jobs.sources.live.withdrawals`). The post's own address shows the deletion; a list that lacks
more than half of a day's posts proves nothing. Some likes are missing: those on posts of members who hide their profile, those
that were taken back, and those given before their post was deleted. So are mentions, quotes and reactions other than likes.
Place: the forum's address.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jobs.sources import discourse_deletions, discourse_items
from jobs.sources.live import recording, sites, withdrawals
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import Api, ForbiddenError, NotAllowedError, NotThereError, PassingError
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.sites import Part, SiteAsk, SiteSource
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.withdrawals import Withdrawals
from jobs.sources.page import DAY_US, Note, Rejected
from jobs.sources.values import from_iso, json_object, shown, within

WINDOW = 50  # posts on a page
MARGIN = 10  # ids to add at the day's end, because posts with close ids may be out of the order of their times
PAGE_PARENTS = 20  # posts that are requested one by one and recorded together
LAST_PAGE = 10  # of the directory; Discourse refuses further ones

POSTS, PARENTS, MEMBERS, DELETED = "posts", "parents", "members", "deleted"  # units; each liked member has one, too
LIKES_OF = "likes of "
DAILY = "daily"
# Period of the directory, and how many days after a day's beginning it still holds all likes of the day.
PERIODS = (("weekly", 6), ("monthly", 27), ("quarterly", 88), ("yearly", 363))
CLOSED = "the forum does not show its directory of members, so likes are those of the day's authors only"
CUT = f"the directory of members ends at page {LAST_PAGE + 1}, so likes of further members are missing"


class DiscourseAsk(SiteAsk):
    """One forum. `likes`: whether to ask for likes, which takes a request for each member who received one."""

    likes: bool = True


class DiscourseSource(SiteSource):
    """One forum."""

    ASK = DiscourseAsk
    REQUESTS, MINUTES = 3_000, 120
    parse = staticmethod(discourse_items.parse)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Records the day's posts, the older posts that they answer, the likes of the members who received any, and which posts
        of the `revisit_days` before are deleted."""
        with Api(self.ask.address, self.budget, fault=_fault) as api:

            def record_posts(_: str, into: Recording) -> None:
                sites.record(into, lambda position: self._posts(api, day, position))

            def record_parents(_: str, into: Recording) -> None:
                asked = _parents(folder)
                sites.record(into, lambda position: self._parents(api, asked, position or 0))

            def record_members(_: str, into: Recording) -> None:
                self._record_members(api, day, into)

            def record_likes(unit: str, into: Recording) -> None:
                name = unit.removeprefix(LIKES_OF)
                sites.record(into, lambda position: self._likes(api, day, name, position or 0))

            def record_deleted(_: str, into: Recording) -> None:
                found = [
                    post
                    for earlier in Recording(folder, POSTS).earlier(self.settings.revisit_days)
                    for post in discourse_deletions.deleted(api, earlier, lambda before: self._page(api, day, before))
                ]
                into.add([], Cursor(None, True, taken_back=found or None))

            steps: list[sites.Step] = [
                (lambda: [POSTS], "lists of posts", record_posts),
                (lambda: [PARENTS], "lists of answered posts", record_parents),
            ]
            if self.ask.likes:
                steps.append((lambda: [MEMBERS], "directories", record_members))
                steps.append((lambda: _liked(folder), "liked members", record_likes))
            steps.append((lambda: [DELETED], "lists of earlier posts", record_deleted))
            return sites.in_turn(folder, steps)

    def withdrawals(self, day: date) -> Withdrawals:
        """The posts that were deleted since they were recorded."""
        return withdrawals.of_units(self.folder(day), [DELETED])

    def _posts(self, api: Api, day: date, before: int | None) -> Part:
        """The posts with ids below `before`, or the newest posts if it is None. If most of the newest posts are later than the
        day, returns no items, and the next position is the result of a search for the day's last posts."""
        posts = self._page(api, day, before)
        ids = _ids(posts)
        if not ids:
            early = (before or 0) > WINDOW
            return Part([], None, "the list of posts ends before it reaches the day's beginning" if early else None)
        if before is None and _most(posts, lambda at: at >= end_of(day)):
            return Part([], self._search(api, day, max(ids)))
        is_over = _most(posts, lambda at: at < end_of(day) - DAY_US)
        return Part([discourse_items.stripped(post) for post in posts], None if is_over else min(ids))

    def _search(self, api: Api, day: date, high: int) -> int:
        """The id below which the posts are of the day or earlier, found by bisection below `high`."""
        low = 1
        while high - low > WINDOW:
            middle = (low + high) // 2
            if _most(self._page(api, day, middle), lambda at: at >= end_of(day)):
                high = middle
            else:
                low = middle
        return high + MARGIN

    def _page(self, api: Api, day: date, before: int | None) -> list[Any]:
        answer = api.get("posts.json", None if before is None else {"before": before})
        return sites.items_in(sites.ended(day, answer), "latest_posts")

    def _parents(self, api: Api, asked: Sequence[tuple[int, int]], first: int) -> Part:
        found = []
        for topic, number in asked[first : first + PAGE_PARENTS]:
            try:
                found.append(discourse_items.stripped(api.get(f"posts/by_number/{topic}/{number}.json").value))
            except (NotThereError, NotAllowedError):  # deleted, or no longer public
                continue
        after = first + PAGE_PARENTS
        return Part(found, after if after < len(asked) else None)

    def _record_members(self, api: Api, day: date, into: Recording) -> None:
        """Records, in cursors, the names of all members who received a like since the day began. They come from two
        directories: that of the last day, because the directories of longer periods may be a day old, and that of the period
        that holds the day."""
        cursor = into.cursor
        while not cursor.done:
            period, page, names = cursor.next or (DAILY, 0, [])
            params = {"period": period, "order": "likes_received", "page": page}
            try:
                answer = api.get("directory_items.json", params)
            except (NotThereError, NotAllowedError):
                into.add([], Cursor([period, page, _authors(into.folder)], True, CLOSED))
                return
            items = sites.items_in(answer.value, "directory_items")
            if period == DAILY and _updated(answer.value, end_of(day)) < end_of(day):
                raise ApiError("the directory of members is not yet as new as the day's end")
            liked = [item for item in items if _count(item) > 0]
            names = [*names, *(name for item in liked if (name := shown(within(item, "user", "username"))))]
            is_over = not items or len(liked) < len(items)
            if not is_over and page < LAST_PAGE:
                cursor = Cursor([period, page + 1, names])
            elif period == DAILY:
                cursor = Cursor([_period(day, answer.at), 0, names])
            else:
                cursor = Cursor([period, page, list(dict.fromkeys(names))], True, None if is_over else CUT)
            into.add([], cursor)

    def _likes(self, api: Api, day: date, name: str, offset: int) -> Part:
        params = {"username": name, "filter": discourse_items.WAS_LIKED, "offset": offset}
        items = sites.items_in(api.get("user_actions.json", params).value, "user_actions")
        times = [at for at in map(_time, items) if at is not None]
        is_over = not items or (bool(times) and min(times) < end_of(day) - DAY_US)
        return Part(
            [sites.kept(item, *discourse_items.KEPT_OF_LIKES) for item in items],
            None if is_over else offset + len(items),
        )


def _fault(_: int, value: Any, where: str) -> Exception | None:
    """The error that a body describes."""
    match within(value, "error_type"):
        case "rate_limit":
            wait = within(value, "extras", "wait_seconds")
            return PassingError("the rate limit is reached", wait if type(wait) is int else None)
        case "read_only":
            return PassingError("the forum is read-only")
        case "not_logged_in":
            return NotAllowedError(f"{where}: the forum is open to its members only; it is not public")
        case "invalid_access":
            return ForbiddenError(f"{where}: not allowed; it is not public")
        case "not_found":
            return NotThereError(f"{where}: not there")
    return None


def _recorded(folder: Path) -> list[dict[str, Any]]:
    return [json_object(line) for path in Recording(folder, POSTS).pages for line in recording.items_of(path)]


def _parents(folder: Path) -> list[tuple[int, int]]:
    """Topic and number of each post that a recorded post answers without naming its author. Omits posts that are themselves
    recorded."""
    named: set[tuple[Any, Any]] = set()
    own: set[tuple[Any, Any]] = set()
    for post in _recorded(folder):
        own.add((_number(post, "topic_id"), _number(post, "post_number")))
        if within(post, "reply_to_user", "username") is None and post.get("post_number") != 1:
            named.add((_number(post, "topic_id"), _number(post, "reply_to_post_number") or 1))
    return sorted((topic, number) for topic, number in named - own if topic)


def _authors(folder: Path) -> list[str]:
    names = (shown(post.get("username")) for post in _recorded(folder))
    return list(dict.fromkeys(name for name in names if name))


def _liked(folder: Path) -> list[str]:
    return [f"{LIKES_OF}{name}" for name in Recording(folder, MEMBERS).cursor.next[2]]


def _period(day: date, now: float) -> str:
    """The shortest period of the directory that, at this time, holds the day."""
    days = (now * 1_000_000 - (end_of(day) - DAY_US)) / DAY_US
    return next((period for period, most in PERIODS if days <= most), "all")


def _updated(directory: Any, default: int) -> int:
    try:
        return from_iso(within(directory, "meta", "last_updated_at"))
    except Rejected:
        return default


def _count(member: Any) -> int:
    count = within(member, "likes_received")
    return count if type(count) is int else 0


def _time(item: Any) -> int | None:
    try:
        return from_iso(within(item, "created_at"))
    except Rejected:
        return None


def _most(posts: Sequence[Any], holds: Callable[[int], bool]) -> bool:
    """Whether `holds` is true for the times of most posts. A single post does not decide, because a forum may have given it
    another time."""
    return 2 * sum(at is not None and holds(at) for at in map(_time, posts)) > len(posts)


def _ids(posts: Sequence[Any]) -> list[int]:
    return [number for post in posts if (number := _number(post, "id"))]


def _number(item: Any, name: str) -> int | None:
    value = within(item, name)
    return value if type(value) is int and value > 0 else None
