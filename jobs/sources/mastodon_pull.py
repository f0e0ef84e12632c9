"""One pull of one day from one instance of Mastodon: which requests it makes, and what it records of the answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jobs.sources import mastodon_deletions
from jobs.sources.live import snapshots
from jobs.sources.live.bodies import Answer
from jobs.sources.live.budget import ApiError
from jobs.sources.live.http import Api, NotAllowedError, NotThereError
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.mastodon_answers import entities, needed_text
from jobs.sources.mastodon_deletions import TakenBack
from jobs.sources.mastodon_entities import (
    KINDS,
    OF_STATUS,
    PUBLIC,
    Wishes,
    count,
    instant,
    kept_notification,
    kept_status,
)
from jobs.sources.mastodon_people import People
from jobs.sources.page import DAY_US
from jobs.sources.values import shown, within

INSTANCE, NOTIFICATIONS = "~instance", "~notifications"  # units beside those of accounts and hashtags
PAGE, LIST_PAGE = 40, 80  # the most that the API gives at once: statuses, and names or notifications
THREAD, ANONYMOUS_THREAD = 4_096, 60  # the most replies that a thread shows, with and without a token

LISTS = {"favourited_by": "like", "reblogged_by": "reshare"}
COUNTS = {"favourited_by": "favourites_count", "reblogged_by": "reblogs_count", "context": "replies_count"}

NOT_OPTED_IN = "did not opt in to discovery"
LATE = "who liked and reshared its posts can be observed only until a day after the day's end"
LOGIN = "the instance shows hashtags only to some of its people, or to nobody"
MANY = "a thread has more replies than the instance shows"
FETCHING = "the instance was still fetching replies from other instances"


@dataclass
class Pull:
    """`members`: the asked accounts, in lower case. `see_profile` is called with each. `late`: it is too late to observe the
    day's likes."""

    api: Api
    wishes: Wishes
    host: str
    day: date
    folder: Path
    members: frozenset[str]
    revisit_days: int
    withdraw_days: int
    has_token: bool
    see_profile: Callable[[Answer, str], None]
    late: bool = False

    def __post_init__(self) -> None:
        self.end = snapshots.end_of(self.day)
        self.begin = self.end - DAY_US
        self.people = People(self.api, self.wishes)

    def unit(self, unit: str, recording: Recording) -> None:
        """Records an account, or a hashtag, whose name begins with `#`."""
        (self._hashtag if unit.startswith("#") else self._account)(unit, recording)

    def notifications(self, _: str, recording: Recording) -> None:
        """Records the notifications of the token's account."""
        first = f"api/v1/notifications?limit={LIST_PAGE}{''.join(f'&types[]={kind}' for kind in (*KINDS, *OF_STATUS))}"
        me, url = recording.cursor.next or (None, first)
        if me is None:
            me = needed_text(self.api.get("api/v1/accounts/verify_credentials"), "uri")
        for answer, last, ended in self._pages(url, self.begin):
            for item in answer.value:
                self.people.see(within(item, "status"))
            items = [self._notified(item, me) for item in self._of_day(answer.value)]
            kept = [item for item in items if item is not None]
            self.people.resolve(kept)
            recording.add(kept, Cursor([me, answer.next if ended and not last else first], last and ended))

    def describe(self) -> dict[str, Any]:
        """What the instance says of itself on this day: its version, the date of its terms, and who may see hashtags."""
        unit = Recording(self.folder, INSTANCE)
        if not unit.cursor.done:
            instance, terms = self._optional("api/v2/instance"), self._optional("api/v1/instance/terms_of_service")
            said = {
                "version": shown(within(instance, "version")),
                "terms": shown(within(terms, "effective_date")),
                "hashtags": within(instance, "configuration", "timelines_access", "hashtag_feeds"),
            }
            unit.add([], Cursor(said, True))
        return dict(unit.cursor.next)

    # Statuses

    def _account(self, name: str, recording: Recording) -> None:
        state = recording.cursor.next
        if state is None:
            account = mastodon_deletions.looked_up(self.api, name, recording, self.withdraw_days)
            self.see_profile(account, name)
            if not self.wishes.may_ask(account.value):
                recording.add([], Cursor(None, True, NOT_OPTED_IN))
                return
            own = quote(needed_text(account, "id"), safe="")
            state = {"next": f"api/v1/accounts/{own}/statuses?limit={PAGE}", "posts": [], "seen": []}
        if state["next"]:
            ended = True
            for answer, last, ended in self._pages(state["next"], self.begin - self.revisit_days * DAY_US):
                state = {
                    "next": None if last else answer.next,
                    "posts": [*state["posts"], *self._posts(answer.value)],
                    "seen": [*state["seen"], *(within(one, "uri") for one in answer.value)],
                }
                recording.add(self._statuses(answer.value), Cursor(state if ended else None))
            if not ended:
                return
        missing, taken_back = self._look_up(state["posts"])
        taken_back += mastodon_deletions.deleted(recording, self.revisit_days, state["seen"])
        recording.add([], Cursor(None, True, missing, taken_back or None))

    def _hashtag(self, unit: str, recording: Recording) -> None:
        first = f"api/v1/timelines/tag/{quote(unit[1:], safe='')}?limit={PAGE}"
        try:
            for answer, last, ended in self._pages(recording.cursor.next or first, self.begin):
                asked = [status for status in answer.value if self._is_asked(within(status, "account"))]
                done = last and ended
                missing = self._closed() if done else None
                recording.add(self._statuses(asked), Cursor(answer.next if ended else None, done, missing))
        except NotAllowedError:
            if self.has_token:
                raise
            recording.add([], Cursor(None, True, LOGIN))

    def _is_asked(self, account: Any) -> bool:
        return not isinstance(account, dict) or self.wishes.may_ask(
            account
        )  # a malformed one is recorded, and the parser rejects it

    def _closed(self) -> str | None:
        access = self.describe()["hashtags"]
        feeds = access.values() if isinstance(access, dict) else ()
        allowed = ("public", "authenticated") if self.has_token else ("public",)
        return None if all(feed in allowed for feed in feeds) else LOGIN

    def _posts(self, statuses: Iterable[Any]) -> list[dict[str, Any]]:
        """Of each post whose lists a pull looks up: its ids, its author, and how long its lists are."""
        posts = []
        for status in statuses:
            at = instant(status)
            if at is None or not self.begin - self.revisit_days * DAY_US <= at < self.end:
                continue
            kept = kept_status(status, self.host, self.wishes)
            own, uri, by = within(kept, "id"), within(kept, "uri"), within(kept, "account", "uri")
            if kept is None or "reblog" in kept or not all(isinstance(value, str) for value in (own, uri, by)):
                continue
            counts = {name: count(status, counted) for name, counted in COUNTS.items()}
            if any(counts.values()):
                posts.append({"id": own, "uri": uri, "by": by, **counts})
        return posts

    def _statuses(self, statuses: Iterable[Any]) -> list[dict[str, Any]]:
        """The day's statuses to record."""
        statuses = list(statuses)
        for status in statuses:
            self.people.see(status)
        kept = [kept_status(status, self.host, self.wishes) for status in self._of_day(statuses)]
        visible = [status for status in kept if status is not None]
        self.people.resolve(visible)
        return visible

    # Lists of a post

    def _look_up(self, posts: Sequence[dict[str, Any]]) -> tuple[str | None, list[TakenBack]]:
        """Records the lists of these posts that have changed since they were recorded. Returns what stays missing, and which
        replies were deleted since."""
        missing: set[str | None] = set()
        taken_back: list[TakenBack] = []
        me, _ = Recording(self.folder, NOTIFICATIONS).cursor.next or (None, None)
        for post in posts:
            for name in COUNTS:
                of_post = f"{name} {post['id']}"
                unit = Recording(self.folder, snapshots.unit(of_post) if name in LISTS else of_post)
                if name in LISTS and post["by"] == me:
                    continue  # notifications report these acts with their times
                is_asked = post[name] or name == "context"  # an empty list of likes takes back nothing
                if is_asked and not unit.cursor.done and post[name] != self._last_count(unit.unit):
                    try:
                        missing.add((self._thread if name == "context" else self._list)(name, post, unit))
                    except NotThereError:
                        continue  # the post was deleted in between
                missing.add(unit.cursor.missing)
                taken_back += unit.cursor.taken_back or ()
        return "; ".join(sorted(reason for reason in missing if reason)) or None, taken_back

    def _last_count(self, unit: str) -> int:
        """The post's count when the list was last recorded, on an earlier day; 0 before."""
        for earlier in Recording(self.folder, unit).earlier(self.revisit_days):
            if (cursor := earlier.cursor).done:
                return int(cursor.next)
        return 0

    def _list(self, name: str, post: dict[str, Any], unit: Recording) -> str | None:
        if self.late:
            return LATE
        first = f"api/v1/statuses/{quote(post['id'], safe='')}/{name}?limit={LIST_PAGE}"
        for answer in self.api.pages(unit.cursor.next or first):
            observed_at = int(answer.at * 1_000_000)
            if not snapshots.is_observable(self.day, observed_at):
                self.late = True
                return LATE
            people = [one for one in entities(answer) if self.wishes.may_appear(one)]
            if name == "reblogged_by":
                people = [one for one in people if not self._is_member(one)]
            names = [uri if isinstance(uri := within(one, "uri"), str) else "" for one in people]
            about = {"kind": LISTS[name], "object": post["uri"], "author": post["by"]}
            compared = snapshots.compared(self.folder, unit.unit, self.day, observed_at, names)
            unit.add([item | about for item in compared], Cursor(answer.next or post[name], answer.next is None))
        return None

    def _thread(self, name: str, post: dict[str, Any], unit: Recording) -> str | None:
        """Records the day's replies below a post, except those by asked accounts, which are recorded among the accounts' own
        statuses."""
        answer = self.api.get(f"api/v1/statuses/{quote(post['id'], safe='')}/{name}")
        replies = within(answer.value, "descendants")
        if not isinstance(replies, list):
            raise ApiError(f"{self.host}: a thread is not as documented")
        parents = {post["id"]: {"status": post["uri"], "author": post["by"]}}
        for one in replies:
            self.people.see(one)
            if isinstance(own := within(one, "id"), str):
                parents[own] = {"status": within(one, "uri"), "author": within(one, "account", "uri")}
        kept = self._statuses(one for one in replies if not self._is_member(within(one, "account")))
        for status in kept:
            parent = status.get("in_reply_to_id")
            if isinstance(parent, str) and parent in parents and "in_reply_to" in status:
                status["in_reply_to"] = parents[parent]
        is_cut = len(replies) >= (THREAD if self.has_token else ANONYMOUS_THREAD)
        reason = FETCHING if "mastodon-async-refresh" in answer.headers else MANY if is_cut else None
        taken_back = [] if is_cut else mastodon_deletions.deleted_replies(self.api, unit, self.withdraw_days, replies)
        unit.add(kept, Cursor(post[name], True, reason, taken_back or None))
        return reason

    # What all have in common

    def _pages(self, url: str, since: int) -> Iterator[tuple[Answer, bool, bool]]:
        """Yields the pages of a list, newest entity first, up to the one that reaches back before `since`. Two flags come with
        each page: whether it is the last, and whether the day had ended, by the platform's clock, when the first page was read.
        If the day had not ended, the next pull must ask from the beginning."""
        ended: bool | None = None
        for answer in self.api.pages(url):
            now = int(answer.at * 1_000_000)
            self.late = not snapshots.is_observable(self.day, now)
            ended = now >= self.end if ended is None else ended
            times = [at for entity in entities(answer) if (at := instant(entity)) is not None]
            last = answer.next is None or not answer.value or bool(times and times[-1] < since)
            yield answer, last, ended
            if last:
                return

    def _of_day(self, entities: Iterable[Any]) -> Iterator[Any]:
        """The entities of the day, and those without a readable time."""
        for entity in entities:
            at = instant(entity)
            if at is None or self.begin <= at < self.end:
                yield entity

    def _is_member(self, account: Any) -> bool:
        return str(within(account, "acct")).casefold() in self.members

    def _notified(self, notification: Any, me: str) -> dict[str, Any] | None:
        """What to record of a notification; None if its account may not appear, if it is not public, if its status was deleted,
        or if an asked account's own statuses hold it."""
        kind, account = within(notification, "type"), within(notification, "account")
        if not self.wishes.may_appear(account) or (kind in ("reblog", *OF_STATUS) and self._is_member(account)):
            return None
        if kind in OF_STATUS:
            about = within(notification, "status")  # None if it was deleted since
            return None if about is None else kept_status(about, self.host, self.wishes)
        audience = within(notification, "status", "visibility")
        return None if audience not in (*PUBLIC, None) else kept_notification(notification, me, self.host)

    def _optional(self, path: str) -> Any:
        """The answer's value; None if the instance has nothing at this path."""
        try:
            return self.api.get(path).value
        except NotThereError:
            return None
