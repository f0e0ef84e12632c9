"""Posts of a Discourse forum that are deleted on a later day, through the whole pull."""

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from jobs import pull_activity
from jobs.cli import main
from jobs.sources import discourse_deletions
from jobs.sources.live.budget import ApiError
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.restatements import RESTATEMENTS
from tests.jobs.sources import discourse_server
from tests.jobs.sources.discourse_server import AFTER, FIRST_OF_DAY, SITE, answer, author_of, post
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import DAY

NEXT = DAY + timedelta(days=1)
ONE, ANOTHER = FIRST_OF_DAY + 11, FIRST_OF_DAY + 23
WHOLE = {str(number) for number in range(FIRST_OF_DAY, AFTER)}


class Forum:
    """`gone`: posts that are in no list, and what their own address answers."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.gone: dict[int, Reply] = {}
        self.marked: dict[int, dict[str, Any]] = {}
        platform.answer = self.answer

    def answer(self, path: str) -> Reply:
        name = path.removeprefix("/posts/").removesuffix(".json")
        if name.isdecimal():
            return self.gone.get(int(name)) or Reply(post(int(name)) | self.marked.get(int(name), {}))
        reply = answer(path)
        if "latest_posts" in (reply.value or {}):
            listed = [each for each in reply.value["latest_posts"] if each["id"] not in self.gone]
            return Reply({"latest_posts": [each | self.marked.get(each["id"], {}) for each in listed]})
        return reply

    @property
    def looked_up(self) -> set[str]:
        return {path for path in self.platform.asked if path.startswith("/posts/") and "by_number" not in path}


@pytest.fixture
def forum(platform: Platform, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Forum:
    """After the pull of its day."""
    SITE.serve(platform, monkeypatch)
    made = Forum(platform)
    pull(made, warehouse)
    return made


def pull(forum: Forum, warehouse: Warehouse, day: date = DAY, **options: Any) -> None:
    spec = SourceSpec(
        "forum", "discourse", (), options=LiveOptions(ask={"site": forum.platform.url, "likes": False}, **options)
    )
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=day, last_day=day), Batch("test"))


def posts(warehouse: Warehouse, day: date = DAY) -> set[str]:
    return {row["activity_id"] for row in warehouse.read(ACTIVITY, {"day": day}).to_pylist()}


def test_deleted_posts_leave_the_day_they_belong_to(forum: Forum, warehouse: Warehouse) -> None:
    assert posts(warehouse) == WHOLE
    forum.gone = {ONE: Reply(None, 404), ANOTHER: Reply(None, 410)}
    pull(forum, warehouse, NEXT)
    assert posts(warehouse) == WHOLE - {str(ONE), str(ANOTHER)}
    (row,) = warehouse.read(COVERAGE, {"day": DAY}).to_pylist()
    assert row["status"] == "complete"
    asked = len(forum.platform.asked)
    pull(forum, warehouse)
    pull(forum, warehouse, NEXT)
    assert (posts(warehouse), len(forum.platform.asked)) == (WHOLE - {str(ONE), str(ANOTHER)}, asked)


def test_a_published_day_that_loses_a_post_is_restated(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands that a night and the repair after it run. Who loses all posts engages nobody on that day."""
    SITE.serve(platform, monkeypatch)
    forum, warehouse = Forum(platform), Warehouse(str(tmp_path / "warehouse"))
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    entry = f"- {{source: forum, type: discourse, ask: {{site: '{platform.url}'}}, from: {DAY}}}"
    (tmp_path / "sources.yaml").write_text(entry)
    monkeypatch.setenv("CLOUT_SOURCES", str(tmp_path / "sources.yaml"))

    def clout(*words: str) -> None:
        main.app([*words], standalone_mode=False)

    def night(day: date) -> None:
        days = ("--first-day", str(day), "--last-day", str(day))
        clout("run", "--source", "forum", *days, "--everybody", "a made forum")

    night(DAY)
    of_one = [number for number in range(FIRST_OF_DAY, AFTER) if author_of(number) == author_of(ONE)]
    forum.gone = dict.fromkeys(of_one, Reply(None, 404))
    night(NEXT)
    clout("repair", "--day", str(NEXT))
    (row,) = [row for row in warehouse.read(RESTATEMENTS).to_pylist() if row["day"] == DAY]
    assert json.loads(row["why"]) == {"change": "scored again", "activity_days": [str(DAY)]}


@pytest.mark.parametrize("mark", [{"user_deleted": True}, {"deleted_at": "2026-11-04T10:00:00.000Z"}])
def test_posts_that_are_marked_as_deleted_leave_their_day(
    forum: Forum, warehouse: Warehouse, mark: dict[str, Any]
) -> None:
    forum.marked = {ONE: mark}
    pull(forum, warehouse, NEXT)
    assert posts(warehouse) == WHOLE - {str(ONE)}


@pytest.mark.parametrize("reply", [Reply(post(ONE)), Reply(None, 403), Reply(None, 451)], ids=["there", "403", "451"])
def test_a_post_that_is_only_out_of_the_list_stays(forum: Forum, warehouse: Warehouse, reply: Reply) -> None:
    forum.gone = {ONE: reply}
    pull(forum, warehouse, NEXT)
    assert posts(warehouse) == WHOLE
    assert forum.looked_up == {f"/posts/{ONE}.json"}


def test_nothing_is_looked_up_if_all_is_there_or_days_are_not_visited_again(forum: Forum, warehouse: Warehouse) -> None:
    pull(forum, warehouse, NEXT)
    forum.gone = {FIRST_OF_DAY + 40: Reply(None, 404)}
    pull(forum, warehouse, NEXT + timedelta(days=1), revisit_days=0)
    assert forum.looked_up == set()


def test_a_list_that_lacks_most_posts_takes_back_nothing(forum: Forum, warehouse: Warehouse) -> None:
    forum.gone = {number: Reply(None, 404) for number in range(FIRST_OF_DAY - 30, AFTER - 2)}
    pull(forum, warehouse, NEXT)
    assert posts(warehouse) == WHOLE
    assert forum.looked_up == set()


def test_a_list_that_leads_back_takes_back_nothing(tmp_path: Path) -> None:
    recorded = Recording(tmp_path, "posts")
    recorded.add([post(ONE), post(ANOTHER)], Cursor(None, True))
    with pytest.raises(ApiError, match="leads back to a page already read"):
        discourse_deletions.deleted(Mock(), recorded, lambda _: [post(ANOTHER + 1)])
    assert discourse_deletions.deleted(Mock(), recorded, lambda _: []) == []


def test_the_made_forum_has_a_next_day() -> None:
    assert discourse_server.NEWEST > AFTER + (AFTER - FIRST_OF_DAY)
