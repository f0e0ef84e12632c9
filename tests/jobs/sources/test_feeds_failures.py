"""Blogs that fail, forbid or lie."""

from pathlib import Path

import pytest

from jobs.sources import feed_documents, feeds
from jobs.sources.live import recording
from jobs.sources.page import Note
from tests.jobs.sources.blogs import ATOM, DAY, OLD, Blogs, atom, entry, opened, pulled
from tests.jobs.sources.platform_server import Platform, Reply


@pytest.fixture
def blogs(platform: Platform) -> Blogs:
    return Blogs(platform)


def test_a_pull_out_of_budget_says_where_and_the_next_one_resumes(blogs: Blogs, tmp_path: Path) -> None:
    paths = [f"/{number}" for number in range(5)]
    blogs.documents |= {path: atom(entry(f"a{path[1:]}", 1), OLD) for path in paths}
    acts, (note,) = pulled(opened(blogs, tmp_path, *paths, requests=4))  # with robots.txt
    assert note.reason == "the budget of 4 requests is used up after 3 of 5 feeds; the next pull resumes there"
    assert len(acts) == 3
    blogs.platform.asked.clear()
    acts, notes = pulled(opened(blogs, tmp_path, *paths))
    assert (len(acts), notes) == (5, [])
    assert blogs.asked() == ["/3", "/4"]


HTML = b"<!doctype html><html><head><title>Please log in</title></head><body>ana</body></html>"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(HTML, headers={"Content-Type": "text/html"}), "'text/html' is none of the expected media types"),
        (Reply(HTML, headers={"Content-Type": "application/xml"}), "answers with a page that is no feed"),
        (Reply(b"", headers={"Content-Type": ATOM}), "answers with a page that is no feed"),
        (Reply(b'{"version": "https://jsonfeed.org/version/1.1", "items": [', headers=None), "JSON that is no feed"),
        (Reply(b"", 500), "status 500, 3 times"),
        (Reply(b"", 429, {"Retry-After": "3600"}), "a host asks to wait 3,601 s"),
        (Reply(b"", 302, {"Location": "http://169.254.169.254/latest"}), "has a private address"),
        (Reply(b"", 302, {"Location": "http://localhost:1/"}), "has a private address"),
        (Reply(b"", 302, {"Location": "file:///etc/passwd"}), "not on the web"),
        (Reply(b"", 302, {"Location": "/bad"}), "redirects more than 5 times"),
    ],
    ids=["HTML", "HTML as XML", "empty", "truncated", "500", "429", "metadata", "loopback", "file", "endless"],
)
def test_one_bad_blog_is_counted_and_the_others_survive(
    blogs: Blogs, tmp_path: Path, reply: Reply, reason: str
) -> None:
    blogs.documents |= {"/bad": reply, "/feed": atom(entry("a", 1), OLD)}
    acts, (note,) = pulled(opened(blogs, tmp_path, "/bad", "/feed"))
    assert note.reason.startswith("1 of 2 feeds failed, most with: ")
    assert reason in note.reason
    assert (note.partial, note.absent, note.lasting) == (True, False, False)
    assert [name for *_, name in acts] == ["a"]
    blogs.documents["/bad"] = atom(entry("b", 1), OLD)
    blogs.platform.asked.clear()
    assert len(pulled(opened(blogs, tmp_path, "/bad", "/feed"))[0]) == 2
    assert blogs.asked() == ["/bad"]


@pytest.mark.parametrize(
    ("status", "reason"), [(404, "not there"), (410, "not there"), (401, recording.DENIED), (403, recording.DENIED)]
)
def test_blogs_that_are_gone_or_closed_are_counted_and_not_asked_again(
    blogs: Blogs, tmp_path: Path, status: int, reason: str
) -> None:
    paths = [f"/{number}" for number in range(4)]
    blogs.documents |= {path: Reply(b"", status) for path in paths} | {"/feed": atom(entry("a", 1), OLD)}
    acts, notes = pulled(opened(blogs, tmp_path, *paths, "/feed"))
    assert notes == [Note(f"4 of 5 feeds: {reason}", True, DAY, lasting=True)]
    assert len(acts) == 1
    blogs.platform.asked.clear()
    assert pulled(opened(blogs, tmp_path, *paths, "/feed")) == (acts, notes)
    assert blogs.asked() == []


def test_many_blogs_that_fail_do_not_stop_the_others(blogs: Blogs, tmp_path: Path) -> None:
    paths = [f"/{number}" for number in range(6)]
    blogs.documents |= {path: Reply(b"", 500) for path in paths} | {"/feed": atom(entry("a", 1), OLD)}
    acts, (note,) = pulled(opened(blogs, tmp_path, *paths, "/feed"))
    assert note.reason.startswith("6 of 7 feeds failed")
    assert len(acts) == 1


def test_a_day_on_which_every_blog_fails_is_absent(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents["/feed"] = Reply(b"", 500)
    _, (note,) = pulled(opened(blogs, tmp_path))
    assert note.absent


def test_robots_txt_is_obeyed_and_asked_once_for_a_host(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents |= {
        "/robots.txt": Reply(b"User-agent: clout\nDisallow: /private\n\nUser-agent: *\nDisallow: /\n"),
        "/feed": atom(entry("a", 1), OLD),
        "/private": atom(entry("b", 1), OLD),
    }
    acts, notes = pulled(opened(blogs, tmp_path, "/private", "/feed"))
    assert notes == [Note(f"1 of 2 feeds: {feeds.FORBIDDEN}", True, DAY, lasting=True)]
    assert [name for *_, name in acts] == ["a"]
    assert blogs.platform.asked == ["/robots.txt", "/feed"]


def test_a_host_whose_robots_txt_fails_is_not_asked(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents |= {"/robots.txt": Reply(b"", 503), "/feed": atom(entry("a", 1), OLD)}
    _, (note,) = pulled(opened(blogs, tmp_path))
    assert note.partial
    assert blogs.asked() == []


def test_odd_entries_are_not_rejected_so_that_one_blog_cannot_make_a_pull_fail(blogs: Blogs, tmp_path: Path) -> None:
    old = "<entry><id>/ancient</id><published>0001-01-01T00:00:00Z</published></entry>"
    odd = [entry("x" * 3000, 2), entry("c\x85d", 3), old, "<entry><id> </id></entry>", "<entry/>"]
    blogs.documents["/feed"] = atom(*odd, entry("a", 1), OLD)
    pages = list(opened(blogs, tmp_path).pages(DAY, DAY))
    assert {fault["outcome"] for page in pages for fault in page.faults.to_pylist()} == {"unresolved"}
    acts = [act["activity_id"] for page in pages for act in page.acts.to_pylist()]
    assert f"{blogs.url}/a" in acts
    assert sum(name.startswith("derived:") for name in acts) == 1


def test_a_blog_cannot_claim_what_another_host_published() -> None:
    body = atom(entry("a", 1), entry("b", 2).replace("<id>/b</id>", "<id>https://victim.example/post</id>"))
    items = feeds._recorded(
        feed_documents.read(body, "https://evil.example/feed", ATOM), "https://evil.example/feed", None
    )
    assert [item["id"] for item in items] == [
        "https://evil.example/a",
        "evil.example:https://victim.example/post",
    ]
