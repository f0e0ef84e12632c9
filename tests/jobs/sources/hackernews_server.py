"""A small Hacker News of made items, up to a day after `DAY`."""

from datetime import UTC, date, datetime
from typing import Any

from tests.jobs.sources.platform_server import Reply

DAY = date(2026, 11, 3)
SECONDS_APART = 400  # 216 items a day
MIDNIGHT = int(datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC).timestamp())
FIRST_OF_DAY = 5_000
AFTER = FIRST_OF_DAY + 86_400 // SECONDS_APART
NEWEST = AFTER + 200


def item(number: int) -> dict[str, Any] | None:
    """Every third item is a story, every 100th an empty answer; comments reply to the item seven (or 3,000) before."""
    if number % 100 == 0:
        return None
    made = {
        "id": number,
        "by": f"u{number % 50}",
        "time": MIDNIGHT + (number - FIRST_OF_DAY) * SECONDS_APART,
        "text": "secret",
    }
    if number % 3 == 0:
        return made | {"type": "story", "title": "secret", "kids": [number + 7]}
    return made | {"type": "comment", "parent": number - (3_000 if number % 10 == 1 else 7)}


EXPECTED = {number for number in range(FIRST_OF_DAY, AFTER) if number % 100}


def answer(path: str, newest: int = NEWEST) -> Reply:
    if path == "/maxitem.json":
        return Reply(newest)
    number = int(path.removeprefix("/item/").removesuffix(".json"))
    return Reply(item(number) if number <= newest else None)
