"""A small X: every account has two pages of two posts and of two mentions; each first one reposts a post of account 5."""

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.jobs.sources.platform_server import Reply

DAY = date(2026, 11, 3)
AT = "2026-11-03T12:00:00.000Z"
NIGHT = "Wed, 04 Nov 2026 01:00:00 GMT"


def answer(path: str) -> Reply:
    split = urlsplit(path)
    _, _, account, kind = split.path.split("/")
    second = "pagination_token" in parse_qs(split.query)
    posts: list[dict[str, Any]] = [
        {"id": f"{account}{kind}{second:d}{n}", "author_id": account, "created_at": AT, "text": "secret"}
        for n in range(2)
    ]
    if kind == "mentions":
        posts = [post | {"author_id": "8", "entities": {"mentions": [{"id": account}]}} for post in posts]
    posts[0]["referenced_tweets"] = [{"type": "retweeted", "id": "50"}]
    included = {"tweets": [{"id": "50", "author_id": "5", "text": "secret"}]}
    value = {"data": posts, "includes": included, "meta": {} if second else {"next_token": "n"}}
    return Reply(value, headers={"Date": NIGHT})
