"""A small webmention.io."""

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
BEGIN = datetime(2026, 11, 3, tzinfo=UTC)
SECRET = "s3cr3t"
TEXT = "what I wrote"
PROPERTIES = ("in-reply-to", "like-of", "repost-of", "bookmark-of", "mention-of", "rsvp")


def mention(number: int, at: datetime, **change: Any) -> dict[str, Any]:
    named = PROPERTIES[number % len(PROPERTIES)]
    return {
        "type": "entry",
        "author": {"type": "card", "name": "Ana", "photo": "https://x/y.jpg", "url": f"https://u{number}.example"},
        "url": f"https://u{number}.example/post",
        "published": "2001-01-01T00:00:00",
        "name": TEXT,
        "content": {"html": TEXT, "text": TEXT},
        "wm-received": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "wm-id": number,
        "wm-source": f"https://u{number}.example/post",
        "wm-target": f"https://Blog{number % 2}.example/p/{number}",
        named: f"https://blog.example/p/{number}",
        "wm-property": named,
        "wm-private": False,
    } | change


class Service:
    """Mentions 30 minutes apart, from the day before the day's until that after it."""

    def __init__(self, platform: Platform, secret: str = SECRET) -> None:
        self.platform = platform
        self.secret = secret
        self.mentions = [mention(n, BEGIN + timedelta(minutes=30 * (n - 100))) for n in range(60, 190)]
        self.clock = BEGIN + timedelta(days=3)
        self.asked: list[dict[str, str]] = []
        platform.answer = self.answer

    def answer(self, path: str) -> Reply:
        headers = {"Date": format_datetime(self.clock, usegmt=True)}
        if self.platform.headers.get("authorization") != f"Bearer {self.secret}":
            return Reply({"error": "forbidden"}, 401, headers)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        self.asked.append(asked)
        assert (urlsplit(path).path, asked["sort-by"], asked["sort-dir"]) == ("/api/mentions.jf2", "created", "up")
        due = [
            each
            for each in self.mentions
            if each["wm-received"] > asked["since"]
            and each["wm-id"] > int(asked["since_id"])
            and datetime.fromisoformat(each["wm-received"]) <= self.clock
        ]
        return Reply({"type": "feed", "children": due[: int(asked["per-page"])]}, headers=headers)
