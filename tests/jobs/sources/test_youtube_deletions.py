"""Comments on YouTube that are deleted on a later day, through the whole pull."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from jobs import pull_activity
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.youtube_server import DAY, MIDNIGHT, comment

NEXT = DAY + timedelta(days=1)
NIGHT = {"Date": "Thu, 05 Nov 2026 01:00:00 GMT"}


class Channel:
    """Threads of both days: the one named N begins at hour N of the first day, and its reply N.0 a minute later."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.threads = [30, 20, 15, 10, 5, 1, -5]
        self.gone: set[str] = set()
        self.listed = True
        platform.answer = self.answer

    def there(self, names: Iterable[str]) -> list[dict[str, Any]]:
        found = []
        for name in names:
            thread, _, reply = name.partition(".")
            at = MIDNIGHT + timedelta(hours=int(thread), minutes=bool(reply))
            if not self.gone & {name, thread}:
                found.append(comment(name, at, thread if reply else None, f"U{name}"))
        return found

    def answer(self, path: str) -> Reply:
        split = urlsplit(path)
        asked = {name: values[0] for name, values in parse_qs(split.query).items()}
        if "id" in asked:
            return Reply({"items": self.there(asked["id"].split(","))}, 200, NIGHT)
        if "parentId" in asked:
            return Reply({"items": self.there([f"{asked['parentId']}.0"])}, 200, NIGHT)
        items = [
            {
                "id": top["id"],
                "snippet": {"topLevelComment": top, "totalReplyCount": 1},
                "replies": {"comments": self.there([f"{top['id']}.0"])},
            }
            for top in self.there(map(str, self.threads))
        ]
        return Reply({"items": [] if not self.listed else items}, 200, NIGHT)

    def looked_up(self) -> list[str]:
        return [path for path in self.platform.asked if "&id=" in path]


@pytest.fixture
def channel(platform: Platform, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Channel:
    """After the pull of its day."""

    class Nights:
        landing_days, keep_activity_days, withdraw_days = 20, 29, 7

    monkeypatch.setenv("CLOUT_CONNECTION_YT", "key")
    monkeypatch.setattr("jobs.night_settings.nights", Nights)
    made = Channel(platform)
    pull(made, warehouse)
    return made


def pull(channel: Channel, warehouse: Warehouse, day: date = DAY) -> None:
    options = LiveOptions(ask={"channels": ["a"], "api": channel.platform.url}, terms="accepted", connection="yt")
    spec = SourceSpec("yt", "youtube", (), options=options)
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=day, last_day=day), Batch("test"))


def comments(warehouse: Warehouse, day: date = DAY) -> set[str]:
    return {row["activity_id"] for row in warehouse.read(ACTIVITY, {"day": day}).to_pylist()}


WHOLE = {"20", "20.0", "15", "15.0", "10", "10.0", "5", "5.0", "1", "1.0"}


def test_deleted_comments_leave_the_day_they_belong_to(channel: Channel, warehouse: Warehouse) -> None:
    assert comments(warehouse) == WHOLE
    channel.gone = {"15", "10.0"}
    pull(channel, warehouse, NEXT)
    assert comments(warehouse) == WHOLE - {"15", "15.0", "10.0"}
    (row,) = warehouse.read(COVERAGE, {"day": DAY}).to_pylist()
    assert row["reason"] is not None  # as before: replies to older threads stay unseen
    asked = len(channel.platform.asked)
    pull(channel, warehouse)
    assert (comments(warehouse), len(channel.platform.asked)) == (WHOLE - {"15", "15.0", "10.0"}, asked)


def test_what_is_still_there_is_not_looked_up(channel: Channel, warehouse: Warehouse) -> None:
    pull(channel, warehouse, NEXT)
    assert comments(warehouse) == WHOLE
    assert channel.looked_up() == []


def test_older_threads_that_are_not_read_again_keep_their_comments(channel: Channel, warehouse: Warehouse) -> None:
    channel.gone = {"-5", "-5.0"}
    pull(channel, warehouse, NEXT)
    assert channel.looked_up() == []


def unlisted(channel: Channel) -> Callable[[str], Reply]:
    """The list lacks a thread that is there."""
    channel.threads.remove(15)
    return channel.answer


def empty(channel: Channel) -> Callable[[str], Reply]:
    channel.listed = False
    channel.gone = {"15"}
    return channel.answer


def denying(channel: Channel) -> Callable[[str], Reply]:
    """By its id, no comment is there any more."""
    channel.gone = {"15"}
    return lambda path: Reply({"items": []}, 200, NIGHT) if "&id=" in path else channel.answer(path)


def failing(channel: Channel) -> Callable[[str], Reply]:
    channel.gone = {"15"}
    return lambda path: Reply(None, 404, NIGHT) if "&id=" in path else channel.answer(path)


@pytest.mark.parametrize("storm", [unlisted, empty, denying, failing])
def test_a_platform_that_denies_what_is_there_takes_back_nothing(
    channel: Channel, warehouse: Warehouse, storm: Callable[..., Any]
) -> None:
    channel.platform.answer = storm(channel)
    pull(channel, warehouse, NEXT)
    assert comments(warehouse) == WHOLE
    assert len(channel.looked_up()) <= 1


def test_many_are_looked_up_together(channel: Channel, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.sources.youtube_deletions.PAGE_IDS", 3)
    channel.gone = {"15", "10.0", "5.0"}
    pull(channel, warehouse, NEXT)
    assert comments(warehouse) == WHOLE - {"15", "15.0", "10.0", "5.0"}
    assert len(channel.looked_up()) == 2


def test_a_comment_whose_author_is_gone_leaves_its_day(channel: Channel, warehouse: Warehouse) -> None:
    def answer(path: str) -> Reply:
        reply = channel.answer(path)
        for item in reply.value["items"]:
            for each in (item, *item.get("replies", {}).get("comments", ())):
                if each["id"] == "10.0":
                    del each["snippet"]["authorChannelId"]
        return reply

    channel.platform.answer = answer
    pull(channel, warehouse, NEXT)
    assert comments(warehouse) == WHOLE - {"10.0"}
