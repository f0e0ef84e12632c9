"""A Page of Facebook with two pages of posts; each post has two of comments, the second below the first, and of reactions."""

from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.jobs.sources.platform_server import Reply

DAY = date(2026, 11, 3)
AT = "2026-11-03T12:00:00+0000"
TOKEN = "SECRETTOKEN"
NIGHT = "Wed, 04 Nov 2026 01:00:00 GMT"


def answer(path: str) -> Reply:
    split = urlsplit(path)
    second = "after" in parse_qs(split.query)
    if split.path.endswith("/published_posts"):
        items: list[Any] = [{"id": f"1_{6 if second else 5}", "created_time": AT, "message": "secret"}]
    elif split.path.endswith("/reactions"):
        items = [{"id": "8" if second else "7", "type": "LIKE", "name": "secret"}]
    else:
        post = split.path.split("/")[1]
        items = [
            {"id": f"{post}c{second:d}", "created_time": AT, "from": {"id": "9", "name": "bo"}, "message": "secret"}
        ]
        if second:
            items[0]["parent"] = {"id": f"{post}c0"}
    paging = {"cursors": {"after": "x"}} | (
        {} if second else {"next": f"https://graph.facebook.com/?access_token={TOKEN}"}
    )
    return Reply({"data": items, "paging": paging}, headers={"Date": NIGHT})
