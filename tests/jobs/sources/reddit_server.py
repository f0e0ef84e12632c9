"""A small Reddit: two pages of two items in each list; the last is of the day before."""

from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.jobs.sources.platform_server import Reply

DAY = date(2026, 11, 3)
MIDNIGHT = int(datetime(2026, 11, 3, tzinfo=UTC).timestamp())


def answer(path: str) -> Reply:
    split = urlsplit(path)
    if split.path == "/api/v1/access_token":
        return Reply({"access_token": "t", "expires_in": 3600, "scope": "*", "token_type": "bearer"})
    second = "after" in parse_qs(split.query)
    comments = split.path.endswith("comments")
    items: list[dict[str, Any]] = [
        {"id": f"{second:d}{n}", "author": "ana", "created_utc": MIDNIGHT + 9 if n + second < 2 else MIDNIGHT - 9}
        for n in range(2)
    ]
    more = {"parent_id": "t3_00", "link_id": "t3_00", "body": "secret"} if comments else {"title": "secret"}
    children = [{"kind": "t1" if comments else "t3", "data": item | more} for item in items]
    return Reply({"kind": "Listing", "data": {"children": children, "after": "x"}})
