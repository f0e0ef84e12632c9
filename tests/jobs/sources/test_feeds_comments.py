"""Comment feeds of posts, against a blog on loopback."""

from pathlib import Path
from typing import Any

import pytest

from jobs import pull_activity
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.blogs import DAY, MIDNIGHT, OLD, Blogs, atom, author, entry, opened, pulled
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply


@pytest.fixture
def blogs(platform: Platform) -> Blogs:
    return Blogs(platform)


def replies(path: str, count: int) -> str:
    return f'<link rel="replies" type="application/atom+xml" href="{path}" thr:count="{count}"/>'


def comment(name: str, hours: float, url: str, of: str = "") -> str:
    return entry(name, hours, author(url) + (f'<thr:in-reply-to ref="{of}"/>' if of else ""))


@pytest.fixture
def commented(blogs: Blogs) -> Blogs:
    """A post of the day with three comments, one of the day before with one, an old one, and one without comments."""
    blogs.documents |= {
        "/feed": atom(
            author("https://ana.example/"),
            entry("a", 1, replies("/a/comments", 3)),
            entry("quiet", 2, replies("/quiet/comments", 0)),
            entry("elsewhere", 2, replies("https://evil.example/comments", 7)),
            entry("b", -5, replies("/b/comments", 1)),
            entry("old", -60, replies("/old/comments", 9)),
        ),
        "/a/comments": atom(
            comment("c1", 2, "https://bo.example/"),
            comment("c2", 3, "https://cy.example/", "/c1"),
            comment("c3", 4, ""),
        ),
        "/b/comments": atom(comment("c4", 6, "https://bo.example/", "/b")),
    }
    return blogs


def pull(warehouse: Warehouse, blogs: Blogs, **ask: Any) -> Any:
    options = LiveOptions(ask={"feeds": [f"{blogs.url}/feed"]} | ask)
    spec = SourceSpec("blogs", "feeds", (), None, options)
    return pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))


def test_comments_reply_to_the_author_of_a_recent_post_or_of_a_comment(commented: Blogs, warehouse: Warehouse) -> None:
    (done,) = pull(warehouse, commented, comments=True)
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    found = {(row["kind"], row["actor_id"], row["target_id"]) for row in rows if row["kind"] == "reply"}
    assert found == {
        ("reply", "https://bo.example/", "https://ana.example/"),
        ("reply", "https://cy.example/", "https://bo.example/"),
    }
    assert len(rows) == 3 + 3
    assert done.unresolved_count == 1
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["reason"], coverage["scope"]) == (
        "web",
        "complete",
        None,
        "population",
    )
    assert sorted(commented.asked()) == ["/a/comments", "/b/comments", "/feed"]


def test_without_comments_only_the_feed_is_asked(commented: Blogs, warehouse: Warehouse) -> None:
    pull(warehouse, commented)
    assert commented.asked() == ["/feed"]


META = '<meta xmlns="http://www.w3.org/1999/xhtml" name="robots" content="noindex{also}"/>'


@pytest.mark.parametrize(
    ("feed", "post", "relations", "header", "followed"),
    [
        ("", "", "replies", "noindex, follow", True),  # as WordPress' plugins send it
        (META.format(also=""), META.format(also=""), "replies", "", True),
        ("", "", "replies nofollow", "", False),
        ("", META.format(also=", nofollow"), "replies", "", False),
        (META.format(also=", nofollow"), "", "replies", "", False),
        ("", "", "replies", "noindex, nofollow", False),
    ],
)
def test_a_link_that_asks_robots_not_to_follow_it_is_not_followed(
    blogs: Blogs, tmp_path: Path, feed: str, post: str, relations: str, header: str, followed: bool
) -> None:
    link = replies("/a/comments", 1).replace('"replies"', f'"{relations}"')
    body = atom(feed, author("https://ana.example/"), entry("a", 1, link + post), OLD)
    blogs.documents |= {
        "/feed": Reply(body, 200, {"X-Robots-Tag": header} if header else {}),
        "/a/comments": atom(comment("c1", 2, "https://bo.example/")),
    }
    acts, notes = pulled(opened(blogs, tmp_path, comments=True))
    assert (("reply", "https://bo.example/", "c1") in acts) is followed
    assert ("/a/comments" in blogs.asked()) is followed
    assert notes == []


def test_a_post_whose_first_comment_comes_later_on_the_day_is_asked_for_comments(blogs: Blogs, tmp_path: Path) -> None:
    blogs.clock = MIDNIGHT + 10 * 3600
    blogs.documents["/feed"] = atom(entry("a", 1, replies("/a/comments", 0)), OLD)
    pulled(opened(blogs, tmp_path, comments=True))
    blogs.clock = MIDNIGHT + 25 * 3600
    blogs.documents["/feed"] = atom(entry("a", 1, replies("/a/comments", 1)), OLD)
    blogs.documents["/a/comments"] = atom(comment("c1", 12, "https://bo.example/"))
    acts, notes = pulled(opened(blogs, tmp_path, comments=True))
    assert ("reply", "https://bo.example/", "c1") in acts
    assert notes == []


def test_comment_feeds_that_are_gone_are_counted(commented: Blogs, tmp_path: Path) -> None:
    del commented.documents["/b/comments"]
    _, (note,) = pulled(opened(commented, tmp_path, comments=True))
    assert note.reason == "1 of 2 comment feeds: not there"


def test_a_pull_that_is_killed_asks_one_page_again_and_gives_the_same_day(commented: Blogs, tmp_path: Path) -> None:
    whole = pulled(opened(commented, tmp_path / "whole", comments=True))
    once = len(commented.asked())
    renames = len(recorded(tmp_path / "whole")) + 1  # the population
    assert renames == 4
    for number in range(renames):
        landing = tmp_path / str(number)
        commented.platform.asked.clear()
        with killed_at(number):
            pulled(opened(commented, landing, comments=True))
        assert pulled(opened(commented, landing, comments=True)) == whole
        assert len(commented.asked()) <= once + 1
