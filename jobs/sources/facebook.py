"""facebook: posts of a Page that one administers and the comments below them, through the Graph API with the Page's token.

https://developers.facebook.com/docs/graph-api/reference/page/feed, /docs/graph-api/reference/object/comments. The token needs
`pages_read_engagement` and `pages_read_user_content`. Without them, and for other people's Pages, comments have no author. An
account's id is the Page's, or what Facebook calls a page-scoped id: the same person has another id on another Page.
`created_time` is Facebook's own clock.

    item                            becomes
    post of the Page                post
    comment                         reply to the Page
    comment below a comment         reply to the author of that comment
    comment without an author       unresolved

A pull reads the posts of the day and of the `revisit_days` before it, with all their comments. Comments on older posts stay
unseen, as a note says. Reactions have no times and are not read. Shares and followers have no names.

Meta's Platform Terms (https://developers.facebook.com/terms) forbid decisions about people from Platform Data, and ask for its
deletion when a person asks or leaves.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from jobs.errors import CloutError
from jobs.sources import recording, roster
from jobs.sources.budget import ApiError, OutOfBudgetError
from jobs.sources.http import Api, NotAllowedError, NotThereError
from jobs.sources.live import LiveSource
from jobs.sources.page import Account, Act, Author, Note, Record, Unresolved
from jobs.sources.recording import Cursor, Recording
from jobs.sources.settings import Ask
from jobs.sources.snapshots import end_of
from jobs.sources.values import account_id, dated, from_iso, json_object, shown, within

PUBLIC = "https://graph.facebook.com/v26.0"
PAGE_ITEMS = 100
LIMITED = (4, 17, 32, 613)  # codes of errors: https://developers.facebook.com/docs/graph-api/guides/error-handling
REFUSED = (10, 102, 190, *range(200, 300))
MISSING = (100, 33)  # code and subcode
NOT_SHOWN = "actor is not shown to this token"
OLDER_POSTS = "comments on posts from before {day} are not seen"


def parse(line: bytes) -> Sequence[Record]:
    """One recorded post or comment -> its records."""
    item = json_object(line)
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
    SECRET = "the Page's access token"
    parse = staticmethod(parse)

    def record(self, day: date, folder: Path) -> list[Note]:
        """Requests the posts and comments that the day's recordings lack."""
        page = self.ask.page
        self.population(day, folder, self.members([page]))
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
                folder, [page], "Pages", lambda unit, into: _record(api, f"{unit}/published_posts", dates, into, page)
            )
            asked = {"fields": "id,created_time,from,parent{id}", "filter": "stream", "order": "chronological"}
            posts = _ids(Recording(folder, page))
            notes += roster.record(
                folder, posts, "posts", lambda unit, into: _record(api, f"{unit}/comments", asked, into, page, unit)
            )
        return [*notes, Note(OLDER_POSTS.format(day=first_day), partial=True, lasting=True)]

    def _fault(self, status: int, body: Any, where: str) -> CloutError | None:
        code = within(body, "error", "code")
        if code in LIMITED:
            return OutOfBudgetError("Facebook's rate limit is reached")
        if code in REFUSED:
            return NotAllowedError(f"Facebook denies access ({status}); check connection {self.connection!r}")
        if (code, within(body, "error", "error_subcode")) == MISSING:
            return NotThereError("not there")
        return None


def _record(
    api: Api, path: str, params: Mapping[str, Any], into: Recording, page: str, post: str | None = None
) -> None:
    """Records what a list holds. Its cursor is that of the platform; the platform's own `next` is a URL with the token."""
    seen: set[str | None] = set()
    while not into.cursor.done:
        after = into.cursor.next
        if after in seen:
            raise ApiError(f"{path}: the list of pages links back to a page already read")
        seen.add(after)
        value = api.get(path, {**params, "limit": PAGE_ITEMS, **({"after": after} if after else {})}).value
        items, paging = within(value, "data"), within(value, "paging")
        if type(items) is not list:
            raise ApiError(f"{path}: the answer has no list of items")
        following = within(paging, "cursors", "after") if within(paging, "next") else None
        into.add([_kept(item, page, post) for item in items], Cursor(following, following is None))


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
