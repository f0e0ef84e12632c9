"""A small instance of Mastodon on loopback that pages and links as the real one does, its made people, and a source for it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.mastodon import MastodonSource
from jobs.sources.page import Note
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
AFTER = datetime(2026, 11, 4, 0, 30, tzinfo=UTC)
HOME = "https://home.example"


def at(hour: float, day: date = DAY) -> str:
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def micros(hour: float, day: date = DAY) -> int:
    return round(datetime.fromisoformat(at(hour, day)).timestamp() * 1_000_000)


def person(number: int, name: str, **changed: Any) -> dict[str, Any]:
    """`name` may hold a host, which makes it another instance's account."""
    user, _, host = name.partition("@")
    home = f"https://{host}" if host else HOME
    return {
        "id": str(number),
        "acct": name,
        "username": user,
        "uri": f"{home}/users/{user}",
        "url": f"{home}/@{user}",
        "display_name": user.title(),
        "note": "private words",
        "discoverable": True,
        "noindex": False,
        "bot": False,
        "created_at": "2020-01-01T00:00:00.000Z",
        "followers_count": 7,
        "following_count": 3,
    } | changed


def status(number: int, by: dict[str, Any], created_at: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": str(number),
        "uri": f"{by['uri']}/statuses/{number}",
        "created_at": created_at,
        "account": by,
        "visibility": "public",
        "content": "private words",
        "spoiler_text": "private words",
        "in_reply_to_id": None,
        "in_reply_to_account_id": None,
        "reblog": None,
        "quote": None,
        "mentions": [],
        "favourites_count": 0,
        "reblogs_count": 0,
        "replies_count": 0,
    } | changed


def reply_to(parent: dict[str, Any]) -> dict[str, Any]:
    return {"in_reply_to_id": parent["id"], "in_reply_to_account_id": parent["account"]["id"]}


def mention(account: dict[str, Any]) -> dict[str, Any]:
    return {"id": account["id"], "acct": account["acct"], "url": account["url"], "username": account["username"]}


def reblog(number: int, by: dict[str, Any], of: dict[str, Any], created_at: str) -> dict[str, Any]:
    made = status(number, by, created_at, reblog=of)
    return made | {"uri": f"{made['uri']}/activity"}


@dataclass
class Instance:
    """What the instance knows. `now` is its clock; `page` is the largest page it gives. `odd` replaces answers by path.
    `orphans`: statuses that are in no list, because what they reply to was deleted."""

    platform: Platform
    people: list[dict[str, Any]] = field(default_factory=list)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    tags: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    likes: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    boosts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    threads: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    orphans: list[dict[str, Any]] = field(default_factory=list)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    odd: dict[str, Reply] = field(default_factory=dict)
    feeds: dict[str, str] = field(default_factory=lambda: {"local": "public", "remote": "public"})
    now: datetime = AFTER
    page: int = 2

    def __post_init__(self) -> None:
        self.platform.answer = self.answer

    @property
    def asked(self) -> list[str]:
        return [urlsplit(path).path for path in self.platform.asked]

    def answer(self, target: str) -> Reply:
        path, asked = urlsplit(target).path, parse_qs(urlsplit(target).query)
        dated = {"Date": format_datetime(self.now, usegmt=True)}
        for odd, reply in self.odd.items():
            if re.fullmatch(odd, path):
                return reply._replace(headers=dated | (reply.headers or {}))
        found = self._found(path, asked)
        if found is None:
            return Reply({"error": "Record not found"}, 404, dated)
        if not isinstance(found, list) or path == "/api/v1/accounts":
            return Reply(found, 200, dated)
        return self._paged(path, found, asked, dated)

    def _found(self, path: str, asked: dict[str, list[str]]) -> Any:
        people = {one["id"]: one for one in self.people}
        match path.removeprefix("/api/").split("/"):
            case ["v1", "accounts", "lookup"]:
                return next((one for one in self.people if one["acct"] == asked["acct"][0]), None)
            case ["v1", "accounts", "verify_credentials"]:
                return self.people[0]
            case ["v1", "accounts"]:
                return [people[one] for one in asked["id[]"] if one in people]
            case ["v1", "accounts", own]:
                return people.get(own)
            case ["v1", "accounts", own, "statuses"]:
                return [one for one in self.statuses if one["account"]["id"] == own]
            case ["v1", "timelines", "tag", name]:
                return self.tags.get(name, [])
            case ["v1", "notifications"]:
                return self.notifications
            case ["v1", "statuses", own, "favourited_by"]:
                return self.likes.get(own, [])
            case ["v1", "statuses", own, "reblogged_by"]:
                return self.boosts.get(own, [])
            case ["v1", "statuses", own, "context"]:
                return {"ancestors": [], "descendants": self.threads.get(own, [])}
            case ["v1", "statuses", own]:
                listed = [*self.statuses, *self.orphans, *(one for of in self.threads.values() for one in of)]
                return next((one for one in listed if one["id"] == own), None)
            case ["v2", "instance"]:
                return {"version": "4.6.4", "configuration": {"timelines_access": {"hashtag_feeds": self.feeds}}}
        return None

    def _paged(self, path: str, found: Iterable[Any], asked: dict[str, list[str]], headers: dict[str, str]) -> Reply:
        """The newest entities come first; `max_id` is a place in the list."""
        newest = sorted(found, key=lambda one: one["id"].zfill(40), reverse=True)
        first = int(asked.get("max_id", ["0"])[0])
        after = first + self.page
        if after < len(newest):
            headers = headers | {
                "Link": f'<{self.platform.url}{path}?max_id={after}>; rel="next", <{path}>; rel="prev"'
            }
        return Reply(newest[first:after], 200, headers)


ANA, BO = person(1, "ana"), person(2, "bo")
CY, DI = person(3, "cy@far.example"), person(4, "di@far.example", discoverable=None)
SECRET = "s3cr3t-token"


def peopled(platform: Platform) -> Instance:
    """Ana and Bo are asked, Cy and Di act from afar. Posts of Ana have likes, a boost and replies; Bo boosts one of them."""
    post = status(10, ANA, at(1), favourites_count=3, reblogs_count=2, replies_count=2, mentions=[mention(CY)])
    answer = status(11, CY, at(2), **reply_to(post), mentions=[mention(ANA)])
    deeper = status(12, DI, at(3), **reply_to(answer), mentions=[mention(CY)])
    hidden = status(13, DI, at(3), **reply_to(post), visibility="private")
    return Instance(
        platform,
        people=[ANA, BO, CY, DI],
        statuses=[
            status(5, ANA, at(-30)),
            status(6, ANA, at(-3), visibility="unlisted"),
            post,
            status(14, ANA, at(4), visibility="direct", mentions=[mention(DI)]),
            status(15, ANA, at(5), **reply_to(answer), mentions=[mention(CY)]),
            status(16, BO, at(6), quote={"state": "accepted", "quoted_status": post}),
            reblog(17, BO, post, at(7)),
            status(18, ANA, at(25)),
        ],
        likes={"10": [CY, DI, BO]},
        boosts={"10": [CY, BO]},
        threads={"10": [answer, deeper, hidden]},
    )


def opened(
    instance: Instance, landing: Path, requests: int = 1_000, revisit_days: int = 1, **ask: Any
) -> MastodonSource:
    if not ask.keys() & {"accounts", "hashtags", "notifications"}:
        ask["accounts"] = ["ana", "bo"]
    return MastodonSource(
        Settings(
            id="masto",
            landing=landing,
            ask={"instance": instance.platform.url, **ask},
            limits=Limits(requests=requests),
            revisit_days=revisit_days,
            budget=lambda number, minutes: Budget(number, minutes, lambda: 0.0, lambda _: None),
        )
    )


def pulled(source: MastodonSource, day: date = DAY) -> tuple[list[dict[str, Any]], list[Note]]:
    """The acts of one day, and all notes."""
    pages = list(source.pages(day, day))
    rows = [act for page in pages for act in page.acts.to_pylist()]
    return [row for row in rows if micros(0, day) <= row["occurred_at"] < micros(24, day)], [
        note for page in pages for note in page.notes
    ]


def acts(source: MastodonSource, day: date = DAY) -> set[tuple[Any, ...]]:
    """The acts of one day, as (kind, actor, target, hour of the day)."""
    return {
        (
            row["kind"],
            _short(row["actor_id"]),
            _short(row["target_id"]),
            (row["occurred_at"] - micros(0, day)) // 3_600_000_000,
        )
        for row in pulled(source, day)[0]
    }


def _short(uri: str | None) -> str | None:
    return uri and uri.rpartition("/")[2]


WHOLE = {
    ("post", "ana", "ana", 1),
    ("mention", "ana", "cy", 1),
    ("reply", "cy", "ana", 2),
    ("mention", "cy", "ana", 2),
    ("reply", "di", "cy", 3),
    ("mention", "di", "cy", 3),
    ("reply", "ana", "cy", 5),
    ("mention", "ana", "cy", 5),
    ("post", "bo", "bo", 6),
    ("quote", "bo", "ana", 6),
    ("reshare", "bo", "ana", 7),
    ("like", "cy", "ana", 23),
    ("like", "di", "ana", 23),
    ("like", "bo", "ana", 23),
    ("reshare", "cy", "ana", 23),
}
