"""A Discourse forum: what its items become, how a past day is found, and whose likes are asked."""

from datetime import timedelta
from email.utils import formatdate
from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.sources import discourse
from jobs.sources.discourse import CLOSED, CUT, DiscourseSource
from jobs.sources.discourse_items import parse
from jobs.sources.live.settings import Settings
from jobs.sources.page import Account, Act, Author, Ignored, Record, Rejected, Unresolved
from jobs.sources.values import ACTOR_WITHDRAWN
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.discourse_server import (
    FIRST_OF_DAY,
    LIKED,
    NEWEST,
    SITE,
    answer,
    iso,
    post,
)
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import DAY, MIDNIGHT, RIGHT_TO_LEFT, TOMORROW, pulled, query_of

T = MIDNIGHT * 1_000_000
POST = {"id": 9, "username": "ana", "user_id": 1, "created_at": iso(MIDNIGHT), "topic_id": 5, "post_number": 4}
LIKE = {"action_type": 2, "created_at": iso(MIDNIGHT), "topic_id": 5, "post_number": 4, "username": "ana"} | {
    "acting_username": "bo",
    "acting_user_id": 2,
}
KNOWN = (Author("5/4", "ana"), Account("ana", T, handle="ana"))


@pytest.fixture
def forum(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    SITE.serve(platform, monkeypatch)
    return platform


# One item


@pytest.mark.parametrize(
    ("item", "records"),
    [
        (POST | {"post_number": 1}, (Act("post", "ana", "ana", T, "9"), Author("5/1", "ana"), KNOWN[1])),
        (POST, (Act("reply", "ana", None, T, "9", "5/1"), *KNOWN)),
        (POST | {"reply_to_post_number": 3}, (Act("reply", "ana", None, T, "9", "5/3"), *KNOWN)),
        (
            POST | {"reply_to_post_number": 3, "reply_to_user": {"username": "bo"}},
            (Act("reply", "ana", "bo", T, "9", "5/3"), *KNOWN),
        ),
        (
            POST | {"username": "system", "user_id": -1},
            (
                Act("reply", "system", None, T, "9", "5/1"),
                Author("5/4", "system"),
                Account("system", T, handle="system", is_bot=True),
            ),
        ),
        (POST | {"post_type": 1}, (Act("reply", "ana", None, T, "9", "5/1"), *KNOWN)),
        (POST | {"post_type": 3}, (Ignored(T),)),
        (POST | {"username": None}, (Unresolved(ACTOR_WITHDRAWN, T),)),
        (LIKE, (Act("like", "bo", "ana", T, "like-5/4-bo", "5/4"), Account("bo", T, handle="bo"))),
        (LIKE | {"action_type": 1}, (Ignored(T),)),
        (LIKE | {"acting_username": None}, (Unresolved(ACTOR_WITHDRAWN, T),)),
    ],
)
def test_what_an_item_becomes(item: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(item)) == records


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (POST | {"id": None}, "post is missing"),
        (POST | {"topic_id": {}}, "topic id is neither a string nor a number"),
        (POST | {"username": 1.5}, "actor id is neither a string nor a number"),
        (POST | {"reply_to_user": {"username": ""}}, "target is missing"),
        (POST | {"created_at": 7}, "time is not a text"),
        (LIKE | {"username": None}, "target is missing"),
        ({}, "time is not a text"),
    ],
)
def test_what_is_rejected(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=f"^{reason}$"):
        parse(orjson.dumps(item))


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    addressed = {"reply_to_post_number": 3, "reply_to_user": {"username": "bo"}}
    survives(parse, [orjson.dumps(item) for item in (POST, POST | addressed, LIKE)])


# Posts


def test_a_past_day_is_found_without_reading_what_came_after(forum: Platform, tmp_path: Path) -> None:
    pulled(SITE.opened(forum, tmp_path))
    befores = [int(query_of(path)[1].get("before", NEWEST)) for path in forum.asked if path.startswith("/posts.json")]
    assert len(befores) < 14
    assert len([before for before in befores if before > FIRST_OF_DAY + 100]) < 5


def test_old_posts_with_a_later_time_do_not_mislead_the_search(forum: Platform, tmp_path: Path) -> None:
    def moved(path: str) -> Reply:
        value = answer(path).value
        for made in value.get("latest_posts", []):
            if made["id"] % 15 == 0 and made["id"] < FIRST_OF_DAY:
                made["created_at"] = iso(TOMORROW + 50_000)
        return Reply(value)

    forum.answer = moved
    assert pulled(SITE.opened(forum, tmp_path)) == (SITE.expected, [])
    assert len([path for path in forum.asked if path.startswith("/posts.json")]) < 14


def test_the_newest_day_needs_no_search(forum: Platform, tmp_path: Path) -> None:
    """The forum has no post after the day."""
    last = FIRST_OF_DAY + 35

    def young(path: str) -> Reply:
        where, query = query_of(path)
        if where == "/posts.json" and "before" not in query:
            return answer(f"/posts.json?before={last + 1}")
        return answer(path)

    forum.answer = young
    assert pulled(SITE.opened(forum, tmp_path)) == (SITE.expected, [])
    posts = [path for path in forum.asked if path.startswith("/posts.json")]
    assert posts == [
        "/posts.json",
        f"/posts.json?before={last - 19}",
        f"/posts.json?before={last - 39}",
    ]


@pytest.mark.parametrize("days", [-60, -3_000])
def test_a_day_before_the_first_post_is_empty(forum: Platform, tmp_path: Path, days: int) -> None:
    source = DiscourseSource(Settings(id="forum", landing=tmp_path, ask={"site": forum.url, "likes": False}))
    acts, notes = pulled(source, DAY + timedelta(days))
    assert (acts, notes) == ({}, [])


def test_a_list_that_ends_early_is_said_to(forum: Platform, tmp_path: Path) -> None:
    """As with Discourse before 2025, whose pages may be empty although older posts follow."""

    def gap(path: str) -> Reply:
        where, query = query_of(path)
        is_in_gap = where == "/posts.json" and int(query.get("before", NEWEST)) < FIRST_OF_DAY + 20
        return Reply({"latest_posts": []}) if is_in_gap else answer(path)

    forum.answer = gap
    _, notes = pulled(SITE.opened(forum, tmp_path))
    assert notes[0].reason == "1 of 1 lists of posts: the list of posts ends before it reaches the day's beginning"
    assert (notes[0].partial, notes[0].lasting) == (True, True)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_an_answered_post_that_is_gone_or_private_leaves_its_answers_unresolved(
    forum: Platform, tmp_path: Path, status: int
) -> None:
    forum.answer = lambda path: Reply(None, status) if path.startswith("/posts/by_number/") else answer(path)
    acts, notes = pulled(SITE.opened(forum, tmp_path))
    assert notes == []
    unknown = {act for act, (_, _, target) in acts.items() if target is None}
    assert 0 < len(unknown) < 36
    assert {act: found for act, found in acts.items() if act not in unknown} == {
        act: found for act, found in SITE.expected.items() if act not in unknown
    }


def test_odd_posts_are_rejected_and_the_others_survive(forum: Platform, tmp_path: Path) -> None:
    hostile = POST | {"id": 2**64 - 1, "username": RIGHT_TO_LEFT, "reply_to_user": {"username": "ana"}}

    def odd(path: str) -> Reply:
        posts = answer(path).value.get("latest_posts", [])
        if FIRST_OF_DAY + 9 not in {post["id"] for post in posts}:
            return answer(path)
        return Reply({"latest_posts": ["odd", None, POST | {"id": [1]}, *posts, hostile]})

    forum.answer = odd
    acts, notes = pulled(SITE.opened(forum, tmp_path))
    assert acts == SITE.expected | {f"{2**64 - 1}": ("reply", RIGHT_TO_LEFT, "ana")}
    assert notes == []


@pytest.mark.parametrize("path", ["/posts.json", "/user_actions.json"])
def test_a_page_that_comes_again_and_again_ends_the_list(forum: Platform, tmp_path: Path, path: str) -> None:
    same: dict[str, Any] = {"latest_posts": [post(FIRST_OF_DAY + 9)], "user_actions": [LIKE]}
    forum.answer = lambda asked: Reply(same) if asked.startswith(path) else answer(asked)
    _, notes = pulled(SITE.opened(forum, tmp_path))
    assert "leads back to a page already read" in notes[-1].reason
    assert len(forum.asked) < 100


# Likes


def test_without_likes_no_member_is_asked(forum: Platform, tmp_path: Path) -> None:
    source = DiscourseSource(Settings(id="forum", landing=tmp_path, ask={"site": forum.url, "likes": False}))
    acts, notes = pulled(source)
    assert ({kind for kind, _, _ in acts.values()}, notes) == ({"post", "reply"}, [])
    assert not [path for path in forum.asked if "directory" in path or "actions" in path]


def test_only_members_who_received_likes_are_asked(forum: Platform, tmp_path: Path) -> None:
    pulled(SITE.opened(forum, tmp_path))
    names = {query_of(path)[1]["username"] for path in forum.asked if path.startswith("/user_actions")}
    assert names == set(LIKED)


@pytest.mark.parametrize(
    ("after", "period"),
    [(0.1, "weekly"), (4.9, "weekly"), (5.1, "monthly"), (27, "quarterly"), (88, "yearly"), (364, "all")],
)
def test_the_directorys_period_holds_the_day(forum: Platform, tmp_path: Path, after: float, period: str) -> None:
    now = formatdate(TOMORROW + 86_400 * after, usegmt=True)
    forum.answer = lambda path: answer(path)._replace(headers={"Date": now})
    assert pulled(SITE.opened(forum, tmp_path)) == (SITE.expected, [])
    periods = [query_of(path)[1]["period"] for path in forum.asked if path.startswith("/directory")]
    assert list(dict.fromkeys(periods)) == ["daily", period]


@pytest.mark.parametrize("status", [403, 404])
def test_a_forum_that_hides_its_directory_is_asked_for_likes_of_the_days_authors(
    forum: Platform, tmp_path: Path, status: int
) -> None:
    forum.answer = lambda path: Reply(None, status) if path.startswith("/directory") else answer(path)
    acts, notes = pulled(SITE.opened(forum, tmp_path))
    assert [note.reason for note in notes] == [f"1 of 1 directories: {CLOSED}"]
    assert (notes[0].partial, notes[0].lasting) == (True, True)
    assert SITE.expected.items() <= acts.items()
    forum.asked.clear()
    assert pulled(SITE.opened(forum, tmp_path)) == (acts, notes)
    assert forum.asked == []


def test_a_directory_that_is_older_than_the_days_end_is_asked_again_later(forum: Platform, tmp_path: Path) -> None:
    def stale(path: str) -> Reply:
        value = answer(path).value
        return Reply(value | {"meta": {"last_updated_at": iso(TOMORROW - 60)}} if "meta" in value else value)

    forum.answer = stale
    acts, (note,) = pulled(SITE.opened(forum, tmp_path))
    assert "not yet as new as the day's end" in note.reason
    assert (note.partial, note.lasting, note.absent) == (True, False, False)
    assert {kind for kind, _, _ in acts.values()} == {"post", "reply"}
    forum.answer = answer
    assert pulled(SITE.opened(forum, tmp_path)) == (SITE.expected, [])


def test_a_directory_that_is_cut_is_said_to_be(
    forum: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discourse, "LAST_PAGE", 0)
    _, (note,) = pulled(SITE.opened(forum, tmp_path))
    assert note.reason == f"1 of 1 directories: {CUT}"


def test_a_member_who_hides_the_profile_is_counted(forum: Platform, tmp_path: Path) -> None:
    forum.answer = lambda path: Reply(None, 404) if "username=ana" in path else answer(path)
    acts, (note,) = pulled(SITE.opened(forum, tmp_path))
    assert note.reason == "1 of 3 liked members: not there"
    assert acts == {
        act: found for act, found in SITE.expected.items() if not (found[0] == "like" and found[2] == "ana")
    }
