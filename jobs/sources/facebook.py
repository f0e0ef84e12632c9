"""facebook: posts of a Page that you administer, their comments and reactions, through the Graph API by the Page's token.

https://developers.facebook.com/docs/graph-api/reference/page/feed, /object/comments and /object/reactions. The token needs
`pages_read_engagement` and `pages_read_user_content`. Without them, and for other people's Pages, comments have no author. An
account's id is the Page's, or what Facebook calls a page-scoped id: the same person has another id on another Page.
`created_time` is Facebook's own clock.

    item                            becomes
    post of the Page                post
    comment                         reply to the Page
    comment below a comment         reply to the author of that comment
    name in the list of reactions   like of the post, without a time: see `jobs.sources.live.snapshots`; `ANGRY` is ignored
    without an author or name       unresolved

A pull reads the posts of the day and of the `revisit_days` before it, with all their comments and who reacted. Comments on
older posts and reactions to them stay unseen, as a note says. All reactions stay unseen if the day ended more than a day ago.
Shares and followers have no names.

Meta's Platform Terms (https://developers.facebook.com/terms) forbid decisions about people from Platform Data, and ask for its
deletion when a person asks or leaves.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.sources.live import recording, roster, sites, snapshots
from jobs.sources.live.budget import ApiError, OutOfBudgetError
from jobs.sources.live.http import Api, NotAllowedError, NotThereError, PassingError
from jobs.sources.live.population import Member
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.settings import Ask
from jobs.sources.live.snapshots import end_of
from jobs.sources.live.source import LiveSource
from jobs.sources.page import Account, Act, Author, Ignored, Note, Record, Unresolved
from jobs.sources.values import (
    account_id,
    dated,
    derived_id,
    from_iso,
    from_micros,
    json_object,
    shown,
    within,
)

PUBLIC = "https://graph.facebook.com/v26.0"
PAGE_ITEMS = 100
# Codes of errors: https://developers.facebook.com/docs/graph-api/guides/error-handling
LIMITED = (4, 17, 32, 341, 368, 613, 80001)
PASSING = (1, 2)
REFUSED = (10, 102, 190, *range(200, 300))
MISSING = (100, 33)  # code and subcode
AGAINST = "ANGRY"  # a type of reaction that is no approval
NOT_SHOWN = "actor is not shown to this token"
OLDER_POSTS = "comments and reactions on posts from before {day} are not seen"
LATE = "who reacted can be observed only until a day after the day's end"


def parse(line: bytes) -> Sequence[Record]:
    """One recorded post, comment or name on a list of reactions -> its records."""
    item = json_object(line)
    if snapshots.NAME in item:
        return _reaction(item)
    occurred_at = from_iso(item.get("created_time"))
    with dated(occurred_at):
        own, page = account_id(item.get("id"), "item"), account_id(item.get("page"), "page")
        if item.get("post") is None:
            return (Act("post", page, page, occurred_at, own), Author(own, page))
        if within(item, "from", "id") is None:
            return (Unresolved(NOT_SHOWN, occurred_at),)
        actor = account_id(within(item, "from", "id"))
        name = shown(within(item, "from", "name"))
        known = (Author(own, actor), Account(actor, occurred_at, display_name=name))
        if (parent := within(item, "parent", "id")) is not None:
            return (Act("reply", actor, None, occurred_at, own, account_id(parent, "parent")), *known)
        return (Act("reply", actor, page, occurred_at, own, account_id(item["post"], "post")), *known)


def _reaction(item: Mapping[str, Any]) -> Sequence[Record]:
    """The like of somebody on a list; none if an earlier day's list had the name."""
    if item.get(snapshots.AT) is None:
        return ()
    occurred_at = from_micros(item[snapshots.AT])
    with dated(occurred_at):
        if item.get("type") == AGAINST:
            return (Ignored(occurred_at),)
        if item[snapshots.NAME] == "":
            return (Unresolved(NOT_SHOWN, occurred_at),)
        actor, page = account_id(item[snapshots.NAME]), account_id(item.get("page"), "page")
        post = account_id(item.get("post"), "post")
        return (Act("like", actor, page, occurred_at, derived_id(actor, f"like {post}", 0), post),)


class FacebookAsk(Ask):
    """`page`: the id of the Page whose token the connection holds. `api`: the URL of the API, with its version."""

    page: str
    api: str = PUBLIC

    @classmethod
    def of_places(cls, places: Sequence[str]) -> dict[str, Any]:
        """One place, the id of the Page."""
        return {"page": places[0]}


class FacebookSource(LiveSource):
    """One Page through the API."""

    PLATFORM = "facebook"
    ASK = FacebookAsk
    REQUESTS, MINUTES = 2_000, 90
    parse = staticmethod(parse)

    def asked(self) -> tuple[Member, ...]:
        """The Page."""
        return self.members([self.ask.page])

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests the posts and comments that the day's recordings lack."""
        pages = self.population(day, folder)
        (page,) = pages.names
        first_day = day - timedelta(days=self.settings.revisit_days)
        since, until = (end_of(each) // 1_000_000 for each in (first_day - timedelta(days=1), day))
        with Api(
            self.ask.api,
            self.budget,
            headers={"authorization": f"Bearer {self.secret}"},
            connection=self.connection,
            fault=self._fault,
        ) as api:
            dates = {"fields": "id,created_time", "since": since, "until": until}
            notes = roster.record(
                folder,
                [page],
                "Pages",
                lambda unit, into: _record(api, f"{unit}/published_posts", dates, into, day, page),
            )
            asked = {"fields": "id,created_time,from,parent{id}", "filter": "stream", "order": "chronological"}
            posts = _ids(Recording(folder, page))
            notes += roster.record(
                folder,
                posts,
                "posts",
                lambda unit, into: _record(api, f"{unit}/comments", asked, into, day, page, unit),
            )
            lists = {snapshots.unit(f"reactions {post}"): post for post in posts}
            notes += roster.record(
                folder,
                list(lists),
                "lists of reactions",
                lambda unit, into: _reactions(api, lists[unit], into, day, page),
            )
        changed = [pages.change] if pages.change else []
        return [*notes, *changed, Note(OLDER_POSTS.format(day=first_day), partial=True, lasting=True)]

    def _fault(self, status: int, body: Any, where: str) -> Exception | None:
        code = within(body, "error", "code")
        if code in LIMITED:
            return OutOfBudgetError("Facebook's rate limit is reached")
        if code in PASSING or within(body, "error", "is_transient") is True:
            return PassingError("Facebook fails")
        if code in REFUSED:
            return NotAllowedError(f"Facebook denies access ({status}); check connection {self.connection!r}")
        if (code, within(body, "error", "error_subcode")) == MISSING:
            return NotThereError("not there")
        return None


def _record(
    api: Api, path: str, params: Mapping[str, Any], into: Recording, day: date, page: str, post: str | None = None
) -> None:
    """Records the posts or comments of a list."""
    for items, cursor, _ in _pages(api, path, params, into.cursor, day):
        into.add([_kept(item, page, post) for item in items], cursor)


def _reactions(api: Api, post: str, into: Recording, day: date, page: str) -> None:
    """Records who reacted to a post."""
    for items, cursor, observed_at in _pages(api, f"{post}/reactions", {"fields": "id,type"}, into.cursor, day):
        if not snapshots.is_observable(day, observed_at):
            into.add([], Cursor(None, True, LATE))
            return
        names = [name if type(name := within(item, "id")) is str else "" for item in items]
        compared = snapshots.compared(into.folder, into.unit, day, observed_at, names)
        abouts = [{"type": shown(within(item, "type")), "post": post, "page": page} for item in items]
        into.add([name | about for name, about in zip(compared, abouts, strict=True)], cursor)


def _pages(
    api: Api, path: str, params: Mapping[str, Any], cursor: Cursor, day: date
) -> Iterator[tuple[list[Any], Cursor, int]]:
    """Yields, for each page of a list after `cursor`, its items, the cursor after them, and the platform's time in
    microseconds. A page is requested by the platform's cursor, not by the platform's `next`, which is a URL with the token."""
    seen: set[str | None] = set()
    while not cursor.done:
        after = cursor.next
        if after in seen:
            raise ApiError(f"{path}: the list of pages links back to a page already read")
        seen.add(after)
        answer = api.get(path, {**params, "limit": PAGE_ITEMS, **({"after": after} if after else {})})
        value = sites.ended(day, answer)
        items, paging = within(value, "data"), within(value, "paging")
        if type(items) is not list:
            raise ApiError(f"{path}: the answer has no list of items")
        following = within(paging, "cursors", "after") if within(paging, "next") else None
        cursor = Cursor(following, following is None)
        yield items, cursor, int(answer.at * 1_000_000)


def _kept(item: Any, page: str, post: str | None) -> dict[str, Any]:
    """What `parse` reads of an item."""
    kept = {name: within(item, name) for name in ("id", "created_time")} | {"page": page, "post": post}
    for name, fields in (("from", ("id", "name")), ("parent", ("id",))):
        if within(item, name, "id") is not None:
            kept[name] = {field: within(item, name, field) for field in fields}
    return kept


def _ids(posts: Recording) -> list[str]:
    """The ids of the recorded posts."""
    found = [json_object(line).get("id") for path in posts.pages for line in recording.items_of(path)]
    return list(dict.fromkeys(name for name in found if type(name) is str and name.replace("_", "").isalnum()))
