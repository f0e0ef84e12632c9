"""stackexchange: one Stack Exchange site through its API: all questions, answers and comments of any day.

https://api.stackexchange.com/docs. A site has a list of each; all items have times by the platform's clock. A request gives 100
items, or the owners of 100 older posts. The API answers 300 requests a day for each address, or 10,000 with a key from
https://stackapps.com, which the source's connection holds. It accepts the key only in the query. If a response has `backoff`,
the pull does not call that method again for this many seconds. Terms: https://stackoverflow.com/legal/api-terms-of-use; the
content is under CC BY-SA.

    item                                  becomes
    question                              post
    answer                                reply to the owner of its question
    comment that names a user             reply to that user
    other comment                         reply to the owner of its post
    item or target of a deleted user      unresolved

An account's id is its `user_id` on the site. An act's id is the post's id; `comment-ID` for a comment. The API does not say who
votes or saves a post. If an item is deleted before the pull, it is missing. Place: the site's host, such as
`dba.stackexchange.com`.
"""

import html
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from jobs.sources.live import recording, sites
from jobs.sources.live.budget import ApiError, OutOfBudgetError
from jobs.sources.live.http import Api, NotAllowedError, PassingError
from jobs.sources.live.recording import Recording
from jobs.sources.live.settings import Settings
from jobs.sources.live.sites import Part, SiteAsk, SiteSource
from jobs.sources.live.snapshots import end_of
from jobs.sources.page import DAY_US, Account, Act, Author, Ignored, Note, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN, account_id, dated, from_seconds, json_object, shown, within

PUBLIC = "https://api.stackexchange.com/2.3"

PAGE_ITEMS = 100  # also the most ids in one request
KEPT = ("question_id", "answer_id", "comment_id", "post_id", "creation_date")
KEPT_OF_PEOPLE = ("user_id", "user_type", "display_name")

LISTS = ("questions", "answers", "comments")
POSTS = "posts"  # unit of the older posts
COMMUNITY = "-1"  # the platform's own account
TARGET_WITHDRAWN = "target was withdrawn by the platform"

# https://api.stackexchange.com/docs/error-handling
_REFUSED = {400, 401, 402, 403, 405, 406}  # a wrong parameter, token or key
_NO_METHOD, _THROTTLED = 404, 502
_WAIT = re.compile(r"available in (\d{1,9}) seconds")


def parse(line: bytes) -> Sequence[Record]:
    """One recorded item -> its records."""
    item = json_object(line)
    occurred_at = from_seconds(item.get("creation_date"))
    with dated(occurred_at):
        is_comment, is_answer = "comment_id" in item, "answer_id" in item
        is_older = not is_comment and "post_id" in item
        actor = _account(item.get("owner"), "actor")
        if is_older:
            post = account_id(item.get("post_id"), "post")
            return (Ignored(occurred_at), *((Author(post, actor),) if actor else ()))
        if actor is None:
            return (Unresolved(ACTOR_WITHDRAWN, occurred_at),)
        known = Account(actor, occurred_at, _name(item.get("owner")), is_bot=actor == COMMUNITY or None)
        if is_comment:
            return (*_comment(item, actor, occurred_at), known)
        if is_answer:
            own, question = account_id(item.get("answer_id"), "answer"), account_id(item.get("question_id"), "question")
            return (Act("reply", actor, None, occurred_at, own, question), Author(own, actor), known)
        if "question_id" not in item:
            raise Rejected("item is none of question, answer, comment, post")
        own = account_id(item.get("question_id"), "question")
        return (Act("post", actor, actor, occurred_at, own), Author(own, actor), known)


def _comment(item: dict[str, Any], actor: str, occurred_at: int) -> Sequence[Record]:
    own = f"comment-{account_id(item.get('comment_id'), 'comment')}"
    post = account_id(item.get("post_id"), "post")
    if (addressed := item.get("reply_to_user")) is None:
        return (Act("reply", actor, None, occurred_at, own, post),)
    if (target := _account(addressed, "target")) is None:
        return (Unresolved(TARGET_WITHDRAWN, occurred_at), Act("post", actor, actor, occurred_at, own))
    return (
        Act("reply", actor, target, occurred_at, own, post),
        Account(target, occurred_at, _name(addressed), is_bot=target == COMMUNITY or None),
    )


def _account(person: Any, what: str) -> str | None:
    """The id of a `shallow_user`; None for a deleted user. Raises `Rejected` if it is malformed."""
    if person is None or within(person, "user_type") == "does_not_exist":
        return None
    return account_id(within(person, "user_id"), what)


def _name(person: Any) -> str | None:
    name = within(person, "display_name")
    return shown(html.unescape(name)) if isinstance(name, str) else None


class StackExchangeAsk(SiteAsk):
    """One site, by its host. `api`: the URL of the API."""

    api: str = PUBLIC


class StackExchangeSource(SiteSource):
    """One Stack Exchange site."""

    ASK = StackExchangeAsk
    REQUESTS, MINUTES = 2_000, 60
    parse = staticmethod(parse)

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._quota_left = True
        self._not_before: dict[str, float] = {}  # by method, in seconds of the budget's clock

    def record(self, day: date, folder: Path) -> list[Note]:
        """Records the three lists of the day, and then the older posts that they name."""
        with Api(self.ask.api, self.budget, connection=self.connection, fault=self._fault) as api:

            def record_list(unit: str, into: Recording) -> None:
                sites.record(into, lambda position: self._page(api, unit, day, position))

            def record_posts(_: str, into: Recording) -> None:
                older = _older_posts(folder)
                sites.record(into, lambda position: self._posts(api, day, older, position or 0))

            return sites.in_turn(
                folder, [(lambda: LISTS, "lists", record_list), (lambda: [POSTS], "lists of older posts", record_posts)]
            )

    def _page(self, api: Api, method: str, day: date, position: Any) -> Part:
        """The page at a position. A position is the second from which on items are requested, and the number of the page. Where
        possible, a page begins with the last second of the page before it, so that a deletion between the requests shifts no
        item past the reader."""
        end = end_of(day) // 1_000_000
        since, number = position or (end - DAY_US // 1_000_000, 1)
        value = self._ask(
            api,
            method,
            day,
            {"fromdate": since, "todate": end - 1, "order": "asc", "sort": "creation", "page": number},
        )
        items = [_stripped(item) for item in sites.items_in(value, "items")]
        if not value.get("has_more"):
            return Part(items)
        times = {item["creation_date"] for item in items if isinstance(item.get("creation_date"), int)}
        return Part(items, [min(max(times), end - 1), 1] if len(times) > 1 else [since, number + 1])

    def _posts(self, api: Api, day: date, older: Sequence[int], first: int) -> Part:
        after = first + PAGE_ITEMS
        ids = older[first:after]
        if not ids:
            return Part([])
        value = self._ask(api, f"posts/{';'.join(map(str, ids))}", day, {})
        items = [_stripped(item) for item in sites.items_in(value, "items")]
        return Part(items, after if after < len(older) else None)

    def _ask(self, api: Api, path: str, day: date, params: dict[str, Any]) -> dict[str, Any]:
        method = path.partition("/")[0]
        if not self._quota_left:
            raise OutOfBudgetError("the platform's quota of requests for today is used up")
        if (wait := self._not_before.get(method, 0) - self.budget.clock()) > 0:
            self.budget.wait(wait)
        key = {"key": self.optional_secret} if self.optional_secret else {}
        value = sites.ended(day, api.get(path, {"site": self.ask.host, "pagesize": PAGE_ITEMS, **params, **key}))
        if isinstance(backoff := within(value, "backoff"), int):
            self._not_before[method] = self.budget.clock() + backoff
        self._quota_left = within(value, "quota_remaining") != 0
        return value

    def _fault(self, status: int, value: Any, where: str) -> Exception | None:
        """The error that a body describes. Its message may quote parameters, such as the key, so it is not passed on."""
        number = within(value, "error_id")
        if number is None:
            return None
        backoff = found if type(found := within(value, "backoff")) is int else None
        if number == _THROTTLED:
            wait = _WAIT.search(str(within(value, "error_message")))
            return PassingError("the rate limit is reached", float(wait[1]) if wait else backoff)
        if number in _REFUSED:
            key = f" and the key of connection {self.connection!r}" if self.optional_secret else ""
            return NotAllowedError(f"{where}: refused ({number}); check the site{key}")
        if number == _NO_METHOD:
            return ApiError(f"{where}: not known to the API")
        return PassingError(f"error {number}" if isinstance(number, int) else "an unknown error", backoff)


def _older_posts(folder: Path) -> list[int]:
    """The ids, in ascending order, of the posts whose owners are the targets of the day's items. Omits the day's own posts."""
    named: set[int] = set()
    own: set[int] = set()
    for path in (path for name in LISTS for path in Recording(folder, name).pages):
        for item in map(json_object, recording.items_of(path)):
            if "comment_id" in item:
                named |= _ids(item.get("post_id")) if item.get("reply_to_user") is None else set()
            elif "answer_id" in item:
                named |= _ids(item.get("question_id"))
                own |= _ids(item.get("answer_id"))
            else:
                own |= _ids(item.get("question_id"))
    return sorted(named - own)


def _ids(value: Any) -> set[int]:
    return {value} if type(value) is int and value > 0 else set()


def _stripped(item: Any) -> dict[str, Any]:
    people = {
        name: sites.kept(item[name], *KEPT_OF_PEOPLE) for name in ("owner", "reply_to_user") if within(item, name)
    }
    return sites.kept(item, *KEPT) | people
