"""feeds: blogs by their feeds, RSS, Atom or JSON Feed: their posts and, if `comments` is set, the comments on recent posts.

RSS 2.0, Atom (RFC 4287, 4685), https://www.jsonfeed.org. Place: the URL of a feed, a population file, or an OPML file. Accounts
are URLs, on the platform `web`, as for `webmentions`.

    entry                                   becomes
    of a feed                               post by its author's URL, else the feed's author's, else the blog's
    that replies (`thr:in-reply-to`)        reply by its author's URL to the author of what it names
    of a comment feed                       reply by the commenter's URL to the post's author, or to that of `thr:in-reply-to`
    by a commenter without a URL, undated   unresolved

A pull reads the comment feeds of posts of the day and of the `revisit_days` before it. A post names its comment feed by
`wfw:commentRss` or Atom's link `replies`. The comment feed must be on the feed's own host, and a pull skips posts that have no
comment. It follows no link that is `nofollow`, and no link of a feed or an entry that asks robots not to (`X-Robots-Tag`, or a
`meta`). Later comments on older posts are not seen. WordPress names commenters' URLs in Atom only: ask for
`https://.../feed/atom/`.

Dates come from the blog's own clock, which its operator can set at will, and a commenter may give any URL as their own. A feed
holds 10 to 50 entries. If they do not reach back to the day's beginning, nor to the entries of an earlier pull, the day is
partial for good. A pull requests a feed once a day, and only if its host's robots.txt allows it. It downloads the feed only if
it has changed since an earlier day. Do not ask for feeds that repeat other blogs' posts (planets): their posts would count
twice.
"""

import math
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import orjson

from jobs.errors import UsageError
from jobs.sources import feed_documents, urls
from jobs.sources.live import recording, roster
from jobs.sources.live.addresses import place
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import NotAllowedError, address
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Ask, Members, Settings
from jobs.sources.live.snapshots import LOOK_BACK_DAYS, end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.live.web import RobotsError, Version, Web
from jobs.sources.page import DAY_US, Account, Act, Author, Note, Record, Unresolved
from jobs.sources.values import NO_TIME, account_id, dated, derived_id, from_seconds, json_object, shown

COMMENTS_OF = "comments "  # begins the unit of a comment feed, whose URL may also be asked as a feed
NO_URL = "commenter names no URL"
FORBIDDEN = "robots.txt forbids it"
NOT_BACK = "its entries do not reach back to the day's begin"
STALE = "the host answers with a copy from before the day's end"

Item = dict[str, Any]


def parse(line: bytes) -> Sequence[Record]:
    """One recorded entry -> its records."""
    item = json_object(line)
    occurred_at = None if item.get("at") is None else from_seconds(item["at"])
    with dated(occurred_at):
        if item.get("account") is None:
            return (Unresolved(NO_URL, occurred_at),)
        actor = account_id(item["account"])
        names = [account_id(item[key], "entry") for key in ("id", "link") if item.get(key) is not None]
        authors = [Author(name, actor) for name in dict.fromkeys(names)]
        if occurred_at is None:
            return (Unresolved(NO_TIME, None), *authors)
        name = names[0] if names else derived_id(actor, actor, occurred_at)
        known: tuple[Record, ...] = (*authors, Account(actor, occurred_at, display_name=shown(item.get("name"))))
        if item.get("of") is None:
            return (Act("post", actor, actor, occurred_at, name), *known)
        return (Act("reply", actor, None, occurred_at, name, account_id(item["of"], "parent")), *known)


class FeedsAsk(Ask):
    """`feeds`: the URLs of feeds, or the path of a population file or an `.opml` file. `comments`: ask for the comments on
    recent posts, too."""

    feeds: Members
    comments: bool = False

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """The URLs of feeds, or one path of a population file or an `.opml` file."""
        if len(places) == 1 and "://" not in places[0]:
            return {"feeds": places[0]}
        return {"feeds": list(places)}


class FeedsSource(LiveSource):
    """The feeds of a population."""

    PLATFORM = urls.PLATFORM
    ASK = FeedsAsk
    REQUESTS, MINUTES = 20_000, 180  # a host that is silent takes a minute and a half
    A_MEMBER = 2  # the feed and its host's robots.txt
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        for member in self.asked():
            address(member.name)  # refuses what is no URL

    @property
    def pace(self) -> float:
        """A feed and its robots.txt take about a second."""
        return 120

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests the feeds that the day's recordings lack, and then the comment feeds of recent posts."""
        population = self.population(day, folder)
        notes = [population.change] if population.change else []
        with Web(self.budget, population.names) as web:
            pull = _Pull(web, day, folder)
            notes += roster.record(folder, population.names, "feeds", pull.feed, math.inf)
            if self.ask.comments:
                posts = pull.commented(population.names, self.settings.revisit_days)
                pull.posts.update(posts)
                notes += roster.record(folder, list(posts), "comment feeds", pull.comments, math.inf)
        return notes

    def asked(self) -> tuple[Member, ...]:
        """All feeds. Raises `UsageError` if their file is malformed."""
        feeds = self.ask.feeds
        if isinstance(feeds, str) and feeds.endswith(".opml"):
            return _opml(self.settings.folder / feeds)
        return self.members(feeds)


def _opml(path: Path) -> tuple[Member, ...]:
    """The feeds in an OPML file (https://opml.org/spec2.opml), as feed readers export it."""
    try:
        outlines = ElementTree.parse(path).iter("outline")
        found = [url for each in outlines if (url := each.get("xmlUrl"))]
    except (OSError, ElementTree.ParseError) as error:
        raise UsageError(f"{path}: expected an OPML file: {error}") from error
    if not found:
        raise UsageError(f"{path}: no outline has an `xmlUrl`")
    return tuple(Member(url) for url in dict.fromkeys(found))


class Post(NamedTuple):
    """A post that has a comment feed: the id of its content, and the number of its comments if its feed states it."""

    name: str
    comment_count: int | None


class Seen(NamedTuple):
    """What is recorded of a feed. `items` are its entries of an earlier pull of the same day, or of the newest earlier day.
    Every entry since `reach` (seconds since 1970) was seen. `version` is the version that the feed then had."""

    version: Version
    items: list[Item]
    reach: float
    is_of_day: bool


class _Pull:
    """The feeds of one day."""

    def __init__(self, web: Web, day: date, folder: Path) -> None:
        self.web = web
        self.day = day
        self.folder = folder
        self.begin, self.end = (end_of(day) - DAY_US) // 1_000_000, end_of(day) // 1_000_000
        self.posts: dict[str, Post] = {}  # by the unit of its comment feed

    def feed(self, unit: str, into: Recording) -> None:
        """Records a feed."""
        self._record(unit, unit, into, None)

    def comments(self, unit: str, into: Recording) -> None:
        """Records the comment feed of a post."""
        self._record(unit, unit.removeprefix(COMMENTS_OF), into, self.posts[unit])

    def commented(self, feeds: Sequence[str], revisit_days: int) -> dict[str, Post]:
        """The posts whose comment feeds are due, by the units of these comment feeds."""
        first = self.begin - revisit_days * DAY_US // 1_000_000
        due: dict[str, Post] = {}
        for feed in feeds:
            for item in _items(Recording(self.folder, feed)):
                url, name = item.get("comments"), item["id"] or item["link"]
                is_recent = first <= (item["at"] or 0) < self.end
                if url and name and is_recent and item["count"] != 0 and _together(url, feed):
                    due.setdefault(COMMENTS_OF + url, Post(name, item["count"]))
        return due

    def _record(self, unit: str, url: str, into: Recording, post: Post | None) -> None:
        """Records the entries that the day's recording lacks. Raises `ApiError` if the day has not ended, because more entries
        may follow."""
        seen = self._seen(unit, into)
        try:
            document = self.web.document(url, feed_documents.KINDS, seen.version)
        except (RobotsError, NotAllowedError) as error:
            into.add([], Cursor(None, True, FORBIDDEN if isinstance(error, RobotsError) else recording.DENIED))
            return
        reach = seen.reach
        if document.body is None:
            items = [] if seen.is_of_day else seen.items
        else:
            feed = feed_documents.read(document.body, document.url, document.kind)
            items = _recorded(feed_documents.without_comments(feed) if document.closed else feed, url, post)
            reach = _reach(items, seen, post)
            items = self._new(items, seen)
        ended = document.at >= self.end
        missing = NOT_BACK if ended and reach > self.begin else None
        following = [*document.version, reach if math.isfinite(reach) else None]
        into.add(items, Cursor(following, ended, missing))
        if not ended:
            raise ApiError(STALE)

    def _new(self, items: list[Item], seen: Seen) -> list[Item]:
        """The entries to record. If the day already has a recording, these are the entries that are new or changed, such as by
        their number of comments. Else these are all entries, and those of the earlier day's recording that are of this day or
        later and that the feed no longer holds."""
        if seen.is_of_day:
            known = {orjson.dumps(item) for item in seen.items}
            return [item for item in items if orjson.dumps(item) not in known]
        present = {_name(item) for item in items}
        return items + [each for each in seen.items if _name(each) not in present and (each["at"] or 0) >= self.begin]

    def _seen(self, unit: str, into: Recording) -> Seen:
        for days in range(LOOK_BACK_DAYS):
            recorded = Recording(self.folder.parent / str(self.day - timedelta(days)), unit) if days else into
            if following := recorded.cursor.next:
                etag, modified, reach = following
                return Seen(Version(etag, modified), _items(recorded), math.inf if reach is None else reach, days == 0)
        return Seen(Version(), [], math.inf, False)


def _recorded(feed: feed_documents.Feed, url: str, post: Post | None) -> list[Item]:
    """The entries of a feed, or of the comment feed of a post, as they are recorded."""
    host = urls.host(url) or ""
    items: list[Item] = []
    for entry in feed.entries:
        item: Item = {
            "id": urls.content(entry.name, host) if entry.name else None,
            "link": entry.link if urls.host(entry.link) == host else None,
            "at": entry.at,
            "account": entry.author,
            "name": entry.author_name if entry.author else None,
        }
        if post:
            item |= {"of": urls.content(entry.of, host) if entry.of else post.name, "link": None}
        elif entry.of:
            item |= {"of": entry.of if urls.host(entry.of) else urls.content(entry.of, host), "link": None}
        elif not entry.author:
            item |= {"account": feed.account, "name": feed.author_name}
        if entry.comments:
            item |= {"comments": entry.comments, "count": entry.comment_count}
        items.append(item)
    return items


def _reach(items: list[Item], seen: Seen, post: Post | None) -> float:
    """Seconds since 1970 from which on every entry is known. It is 0 for a feed without entries, or with all comments of its
    post. A feed that shares an entry with an earlier pull reaches back at least as far as that pull did."""
    if not items or (post and post.comment_count is not None and len(items) >= post.comment_count):
        return 0
    oldest = min((item["at"] for item in items if item["at"] is not None), default=math.inf)
    shares = not {_name(item) for item in items}.isdisjoint(_name(item) for item in seen.items)
    return min(oldest, seen.reach) if shares else oldest


def _name(item: Item) -> Any:
    return item["id"] or (item["link"], item["at"])


def _items(recorded: Recording) -> list[Item]:
    return [json_object(line) for page in recorded.pages for line in recording.items_of(page)]


def _together(url: str, feed: str) -> bool:
    """Whether both URLs are on the same host and port. The default ports of HTTP and HTTPS count as the same port."""
    try:
        (host, port), (of_host, of_port) = place(address(url)), place(address(feed))
    except UsageError:
        return False
    return host == of_host and (port == of_port or {port, of_port} == {80, 443})
