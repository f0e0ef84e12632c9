"""Small sites of made items, each behind its software's API, and what a pull of `DAY` must give."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from jobs.sources import stackexchange
from jobs.sources.budget import Budget
from jobs.sources.live import LiveSource
from jobs.sources.page import Note
from jobs.sources.settings import Limits, Settings
from jobs.sources.spec import class_of
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
MIDNIGHT = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
TOMORROW = MIDNIGHT + 86_400
TEXT = "words that somebody wrote"
RIGHT_TO_LEFT = "\u202eevil \u05d0"

Act = tuple[str, str, str | None]  # kind, actor, target; None if the target is not known


@dataclass
class Clock:
    """Time passes only while the pull waits."""

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


@dataclass(frozen=True)
class Site:
    """A site of one software. `answer` maps a path with its query to a reply, `expected` holds the acts of the day by their
    ids, `small` the settings that make pages small."""

    type: str
    answer: Callable[[str], Reply]
    ask: Callable[[str], dict[str, Any]]
    expected: Mapping[str, Act]
    small: Mapping[str, Any]
    module: Any
    again: int = 1  # requests that a pull that resumes makes again
    first: int = 1  # requests after which something is recorded

    def serve(self, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CLOUT_CONTACT", "ops@example.org")
        for name, value in self.small.items():
            monkeypatch.setattr(self.module, name, value)
        platform.answer = self.answer

    def opened(
        self, platform: Platform, landing: Path, requests: int = 1_000, clock: Clock | None = None
    ) -> LiveSource:
        clock = clock or Clock()
        return class_of(self.type)(
            Settings(
                id="site",
                landing=landing,
                ask=self.ask(platform.url),
                limits=Limits(requests=requests),
                budget=lambda most, minutes: Budget(most, minutes, lambda: clock.now, clock.sleep),
            )
        )


def pulled(source: LiveSource, day: date = DAY) -> tuple[dict[str, Act], list[Note]]:
    """The acts of the day by their ids, with looked up targets, and the notes."""
    pages = list(source.pages(day, day))
    authors = {row["object_id"]: row["account_id"] for page in pages for row in page.authors.to_pylist()}
    begin = (day - date(1970, 1, 1)).days * 86_400
    acts = {
        row["activity_id"]: (row["kind"], row["actor_id"], row["target_id"] or authors.get(row["object_id"]))
        for page in pages
        for row in page.acts.to_pylist()
        if begin <= row["occurred_at"] // 1_000_000 < begin + 86_400
    }
    return acts, [note for page in pages for note in page.notes]


def query_of(path: str) -> tuple[str, dict[str, str]]:
    """The path without its query, and the query's parameters."""
    parts = urlsplit(path)
    return parts.path, dict(parse_qsl(parts.query))


# Stack Exchange


def _person(number: int) -> dict[str, Any]:
    return {"user_id": number, "user_type": "registered", "display_name": f"Ana &amp; Bo {number}", "reputation": 7}


def _stack_items() -> dict[str, list[dict[str, Any]]]:
    """An item of each list every 20 minutes, from the day before until the day after. Ids of posts rise; a question of an even
    number and its answer share a time."""
    lists: dict[str, list[dict[str, Any]]] = {"questions": [], "answers": [], "comments": []}
    for number in range(-20, 92):
        at, post = MIDNIGHT + number * 1_200, 10_000 + 10 * number
        common = {"creation_date": at, "title": TEXT, "body": TEXT, "link": f"https://example.org/{TEXT}"}
        lists["questions"].append(common | {"question_id": post, "owner": _person(number % 7)})
        lists["answers"].append(
            common | {"answer_id": post + 1, "question_id": post - 100, "owner": _person(number % 5)}
        )
        addressed = {"reply_to_user": _person(33)} if number % 3 == 0 else {}
        lists["comments"].append(
            common | {"comment_id": 50_000 + number, "post_id": post - 99, "owner": _person(number % 4)} | addressed
        )
    return lists


STACK = _stack_items()


def stack_answer(path: str) -> Reply:
    where, query = query_of(path)
    method, _, ids = where.strip("/").partition("/")
    assert query["site"] == "dba.stackexchange.com"
    if method == "posts":
        wanted = set(map(int, ids.split(";")))
        posts = [
            {"post_id": item.get("answer_id", item["question_id"]), "creation_date": item["creation_date"]}
            | {"owner": item["owner"], "body": TEXT}
            for item in STACK["questions"] + STACK["answers"]
        ]
        found = [post for post in posts if post["post_id"] in wanted]
        assert len(wanted) <= stackexchange.PAGE_ITEMS
        return Reply({"items": found, "has_more": False, "quota_remaining": 200})
    since, until, size = (int(query[name]) for name in ("fromdate", "todate", "pagesize"))
    items = [item for item in STACK[method] if since <= item["creation_date"] <= until]
    first = size * (int(query["page"]) - 1)
    more = first + size < len(items)
    return Reply({"items": items[first : first + size], "has_more": more, "quota_remaining": 200})


def _stack_expected() -> dict[str, Act]:
    asker = {item["question_id"]: item["owner"]["user_id"] for item in STACK["questions"]}
    owner = asker | {item["answer_id"]: item["owner"]["user_id"] for item in STACK["answers"]}
    acts: dict[str, Act] = {}

    def target(post: int) -> str | None:
        return str(owner[post]) if post in owner else None

    for number in range(72):
        post = 10_000 + 10 * number
        acts[str(post)] = ("post", str(number % 7), str(number % 7))
        acts[str(post + 1)] = ("reply", str(number % 5), target(post - 100))
        to = "33" if number % 3 == 0 else target(post - 99)
        acts[f"comment-{50_000 + number}"] = ("reply", str(number % 4), to)
    return acts


STACK_EXCHANGE = Site(
    type="stackexchange",
    answer=stack_answer,
    ask=lambda url: {"site": "dba.stackexchange.com", "api": url},
    expected=_stack_expected(),
    small={"PAGE_ITEMS": 25},
    module=stackexchange,
)

SITES = (STACK_EXCHANGE,)
