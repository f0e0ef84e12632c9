"""A small YouTube: any channel has threads of many days, two a page."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.jobs.sources.platform_server import Reply

DAY = date(2026, 11, 3)
MIDNIGHT = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)


def comment(name: str, at: datetime, parent: str | None = None, author: str | None = "U1") -> dict[str, Any]:
    snippet: dict[str, Any] = {
        "textDisplay": "secret",
        "publishedAt": at.isoformat().replace("+00:00", "Z"),
        "videoId": "v",
    }
    snippet |= {"authorDisplayName": "@انا"} | ({"authorChannelId": {"value": author}} if author else {})
    return {"id": name, "snippet": snippet | ({"parentId": parent} if parent else {})}


def thread(number: int) -> dict[str, Any]:
    """Thread 0 is the newest, of the end of the day; one every six hours. Every third has seven replies and brings two."""
    at = MIDNIGHT + timedelta(hours=24 - 6 * number, seconds=-1)
    below = [comment(f"t{number}.{n}", at + timedelta(seconds=n), f"t{number}") for n in range(7)]
    found: dict[str, Any] = {
        "id": f"t{number}",
        "snippet": {"topLevelComment": comment(f"t{number}", at), "totalReplyCount": 0},
    }
    if number % 3 == 0:
        found["snippet"]["totalReplyCount"] = 7
        found["replies"] = {"comments": below[:2]}
    return found


def answer(path: str) -> Reply:
    split = urlsplit(path)
    asked = {name: values[0] for name, values in parse_qs(split.query).items()}
    at = int(asked.get("pageToken", "0"))
    if split.path == "/comments":
        number = int(asked["parentId"][1:])
        replies = [comment(f"t{number}.{n}", MIDNIGHT + timedelta(hours=12), f"t{number}") for n in range(7)]
        return Reply({"items": replies[at : at + 4]} | ({"nextPageToken": "4"} if at == 0 else {}))
    return Reply({"items": [thread(at), thread(at + 1)], "nextPageToken": str(at + 2)})
