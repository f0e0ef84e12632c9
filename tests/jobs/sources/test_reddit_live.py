"""Reddit through praw, against a server on loopback with one made subreddit."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from backports import zstd

from jobs.sources.http import NotAllowedError
from jobs.sources.reddit_live import NEWEST, RedditLiveSource
from jobs.sources.settings import Limits, Settings
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
MIDNIGHT = int(datetime(2026, 11, 3, tzinfo=UTC).timestamp())
SECRET = "app:S3CRET"


@pytest.fixture
def site(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Two pages of two items in each list; the last is of the day before."""
    monkeypatch.setenv("CLOUT_CONNECTION_R", SECRET)

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

    platform.answer = answer
    return platform


def opened(site: Platform, landing: Path, requests: int = 50) -> RedditLiveSource:
    ask = {"site": site.url, "api": site.url, "subreddits": ["a"]}
    return RedditLiveSource(Settings(id="r", landing=landing, ask=ask, limits=Limits(requests=requests)))


def pulled(source: RedditLiveSource) -> tuple[list[dict[str, Any]], list[str]]:
    pages = list(source.pages(DAY, DAY))
    return [act for page in pages for act in page.acts.to_pylist()], [
        note.reason for page in pages for note in page.notes
    ]


def test_a_day_is_read_back_to_its_start_and_once(site, tmp_path):
    acts, notes = pulled(opened(site, tmp_path))
    assert notes == []
    assert [act["kind"] for act in acts].count("post") == [act["kind"] for act in acts].count("reply") == 4
    assert len(site.asked) == 5
    for path in recorded(tmp_path):
        assert b"secret" not in zstd.decompress(path.read_bytes()).lower()
    site.asked.clear()
    assert pulled(opened(site, tmp_path)) == (acts, notes)
    assert site.asked == []


def test_a_killed_or_short_pull_resumes(site, tmp_path):
    whole = pulled(opened(site, tmp_path / "whole"))
    for number in range(1, 5):
        with killed_at(number):
            pulled(opened(site, tmp_path / str(number)))
        assert pulled(opened(site, tmp_path / str(number))) == whole
    assert pulled(opened(site, tmp_path / "cut", requests=4))[1] == [
        "the budget of 4 requests is used up after 1 of 2 lists of items; the next pull resumes there"
    ]
    assert pulled(opened(site, tmp_path / "cut")) == whole


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (Reply({}, 404), "2 of 2 lists of items: not there"),
        (Reply({}, 403), "2 of 2 lists of items: not there"),
        (Reply({"data": {}}), "the answer is not a list of items"),
        (Reply({"data": {"children": [], "after": "x"}}), "links back to a page already read"),
        (Reply({}, 302, {"Location": "https://elsewhere.example/"}), "not there"),
        (Reply({}, 429, {"Retry-After": "9"}), "Reddit's rate limit is reached after 0 of 2"),
    ],
)
def test_what_a_refusal_or_an_odd_answer_means(site, tmp_path, reply, note):
    whole = site.answer
    site.answer = lambda path: whole(path) if "access_token" in path else reply
    acts, notes = pulled(opened(site, tmp_path))
    assert acts == []
    assert note in notes[0]


def test_a_list_that_ends_before_the_day_does_is_partial(site, tmp_path):
    whole = site.answer

    def answer(path: str) -> Reply:
        reply = whole(path)
        for child in reply.value.get("data", {}).get("children", []):
            child["data"]["created_utc"] = MIDNIGHT + 9
        if "after=" in path:
            reply.value["data"]["after"] = None
        return reply

    site.answer = answer
    assert pulled(opened(site, tmp_path))[1] == [f"2 of 2 lists of items: {NEWEST}"]


def test_a_refused_application_fails_at_once_and_is_never_shown(site, tmp_path, caplog):
    caplog.set_level("DEBUG")
    site.answer = lambda _: Reply({"error": "invalid_grant"}, 401)
    with pytest.raises(NotAllowedError, match="check connection 'r'") as raised:
        pulled(opened(site, tmp_path))
    assert "S3CRET" not in str(raised.value) + caplog.text
