"""Reddit through praw, against a server on loopback with one made subreddit."""

import json
import tarfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs import pull_activity
from jobs.sources import reddit_live
from jobs.sources.live import recording
from jobs.sources.live.budget import Budget
from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.page import Record, Rejected
from jobs.sources.reddit_live import NEWEST, RedditLiveSource
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import CountPages, Survives
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.reddit_server import DAY, MIDNIGHT, answer
from tests.jobs.sources.site_server import Clock

SECRET = "app:S3CRET"


@pytest.fixture
def site(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("CLOUT_CONNECTION_R", SECRET)
    sleep = time.sleep

    def refuse(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            pytest.fail("the client waits whatever the budget")
        sleep(seconds)  # a thread of Spark's, which may live in this process

    monkeypatch.setattr(time, "sleep", refuse)
    platform.answer = answer
    return platform


def opened(
    site: Platform,
    landing: Path,
    requests: int = 50,
    subreddits: Sequence[str] = ("a",),
    clock: Clock | None = None,
    minutes: float = 60,
) -> RedditLiveSource:
    clock = clock or Clock()
    ask = {"site": site.url, "api": site.url, "subreddits": list(subreddits)}
    return RedditLiveSource(
        Settings(
            id="r",
            landing=landing,
            ask=ask,
            limits=Limits(requests=requests, minutes=minutes),
            budget=lambda most, minutes: Budget(most, minutes, lambda: clock.now, clock.sleep),
        )
    )


def pulled(source: RedditLiveSource) -> tuple[list[dict[str, Any]], list[str]]:
    pages = list(source.pages(DAY, DAY))
    return [act for page in pages for act in page.acts.to_pylist()], [
        note.reason for page in pages for note in page.notes
    ]


def test_a_day_is_read_back_to_its_start_and_once(site: Platform, tmp_path: Path) -> None:
    acts, notes = pulled(opened(site, tmp_path))
    assert notes == []
    assert [act["kind"] for act in acts].count("post") == [act["kind"] for act in acts].count("reply") == 4
    assert len(site.asked) == 5
    for path in recorded(tmp_path):
        assert b"secret" not in zstd.decompress(path.read_bytes()).lower()
    site.asked.clear()
    assert pulled(opened(site, tmp_path)) == (acts, notes)
    assert site.asked == []


def test_a_killed_or_short_pull_resumes(site: Platform, tmp_path: Path) -> None:
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
        (Reply({"reason": "private", "error": 403}, 403), "2 of 2 lists of items: not there"),
        (Reply(b"<html>"), "2 of 2 lists of items failed, most with: Reddit does not answer with JSON; pull again"),
        (Reply(b'{"data": {"chi'), "Reddit does not answer with JSON"),
        (Reply(b""), "the answer is not a list of items"),
        (Reply([]), "the answer is not a list of items"),
        (Reply({"data": {}}), "the answer is not a list of items"),
        (Reply({"data": {"children": [], "after": "x"}}), "links back to a page already read"),
        (Reply({}, 302, {"Location": "https://elsewhere.example/"}), "not there"),
        (Reply({}, 429, {"Retry-After": "9"}), "failed, most with: Reddit: the rate limit is reached, 6 times"),
    ],
)
def test_what_a_refusal_or_an_odd_answer_means(site: Platform, tmp_path: Path, reply: Reply, note: str) -> None:
    whole = site.answer
    site.answer = lambda path: whole(path) if "access_token" in path else reply
    acts, notes = pulled(opened(site, tmp_path))
    assert acts == []
    assert note in notes[0]


@pytest.mark.parametrize("reply", [Reply(b"<html>"), Reply(None), Reply({}), Reply({"access_token": 1, "scope": 1})])
def test_an_odd_token_is_a_failure_of_the_platform(site: Platform, tmp_path: Path, reply: Reply) -> None:
    whole = site.answer
    site.answer = lambda path: reply if "access_token" in path else whole(path)
    assert (
        "2 of 2 lists of items failed, most with: Reddit does not answer as documented"
        in pulled(opened(site, tmp_path))[1][0]
    )


@pytest.mark.parametrize("reply", [Reply({"error": 403}, 403), Reply(b"<html>", 403)])
def test_a_refusal_of_all_lists_is_one_of_access(site: Platform, tmp_path: Path, reply: Reply) -> None:
    whole = site.answer
    site.answer = lambda path: whole(path) if "access_token" in path else reply
    with pytest.raises(NotAllowedError, match=r"denies access \(403\); check connection 'r'"):
        pulled(opened(site, tmp_path))
    site.answer = whole
    assert len(pulled(opened(site, tmp_path))[0]) == 8


def test_a_refusal_of_one_subreddit_among_others_is_its_own(site: Platform, tmp_path: Path) -> None:
    whole = site.answer
    site.answer = lambda path: Reply({"error": 403}, 403) if "/r/a/" in path else whole(path)
    acts, notes = pulled(opened(site, tmp_path, subreddits=["b", "a"]))
    assert (len(acts), notes) == (8, ["2 of 4 lists of items: access is denied"])
    assert pulled(opened(site, tmp_path / "first", subreddits=["a", "b"])) == (acts, notes)


@pytest.mark.parametrize(("remaining", "waits"), [("0.0", [8.0] * 4), ("5", []), ("soon", []), ("nan", [])])
def test_the_waits_that_reddit_asks_for_are_the_budget_s(
    site: Platform, tmp_path: Path, remaining: str, waits: list[float]
) -> None:
    whole, clock = site.answer, Clock()
    limits = {"x-ratelimit-remaining": remaining, "x-ratelimit-used": "9", "x-ratelimit-reset": "8"}
    site.answer = lambda path: whole(path)._replace(headers=limits)
    assert len(pulled(opened(site, tmp_path, clock=clock))[0]) == 8
    assert clock.waits == waits


def test_a_day_that_has_not_ended_is_not_recorded_as_done(site: Platform, tmp_path: Path) -> None:
    whole = site.answer
    site.answer = lambda path: whole(path)._replace(headers={"Date": "Tue, 03 Nov 2026 23:59:59 GMT"})
    assert pulled(opened(site, tmp_path)) == (
        [],
        ["2 of 2 lists of items failed, most with: the day has not ended; pull again"],
    )
    site.answer = whole
    assert len(pulled(opened(site, tmp_path))[0]) == 8


@pytest.mark.parametrize("reply", [Reply(b"", 502), Reply(b"", 500), Reply(b"", 408)])
def test_a_failure_that_passes_is_waited_for_within_the_minutes(site: Platform, tmp_path: Path, reply: Reply) -> None:
    failures, clock = [reply] * 2, Clock()
    site.answer = lambda path: failures.pop() if failures else answer(path)
    assert len(pulled(opened(site, tmp_path / "short", clock=clock))[0]) == 8
    assert 3 <= sum(clock.waits) < 5
    clock = Clock()
    site.answer = lambda path: answer(path) if "access_token" in path else reply
    (note,) = pulled(opened(site, tmp_path / "long", clock=clock, minutes=0.1))[1]
    assert f"status {reply.status}, and the budget of 0.1 minutes is used up" in note
    assert sum(clock.waits) <= 6


def test_a_server_that_is_not_there_is_asked_again(site: Platform, tmp_path: Path) -> None:
    site.url, clock = "http://127.0.0.1:1", Clock()
    assert "Reddit: ConnectionError, 6 times" in pulled(opened(site, tmp_path, clock=clock))[1][0]
    assert len(clock.waits) == 2 * 5


def test_a_wait_beyond_the_minutes_ends_the_pull(site: Platform, tmp_path: Path) -> None:
    whole = site.answer
    limits = {"x-ratelimit-remaining": "0", "x-ratelimit-used": "9", "x-ratelimit-reset": "7200"}
    site.answer = lambda path: whole(path)._replace(headers=limits)
    (note,) = pulled(opened(site, tmp_path))[1]
    assert note.startswith("the platform asks to wait 7,")
    assert len(site.asked) == 1


def test_the_population_changed_between_nights(site: Platform, tmp_path: Path) -> None:
    pulled(opened(site, tmp_path))
    later = DAY + timedelta(days=1)
    notes = [
        note.reason for page in opened(site, tmp_path, subreddits=["a", "b"]).pages(later, later) for note in page.notes
    ]
    assert notes == ["the population changed since 2026-11-03: 1 new"]


def test_one_odd_item_does_not_lose_the_others(site: Platform, tmp_path: Path, count_pages: CountPages) -> None:
    whole = site.answer

    def answer(path: str) -> Reply:
        reply = whole(path)
        if "children" in reply.value.get("data", {}):
            reply.value["data"]["children"][:0] = [7, {"data": {"title": 1, "author": {}, "created_utc": "soon"}}]
        return reply

    site.answer = answer
    totals = count_pages(opened(site, tmp_path).pages(DAY, DAY))
    assert totals.kinds == {"post": 4, "reply": 4}
    assert sum(totals.faults.values()) == 8


def test_hostile_items_are_stripped_and_rejected_and_nothing_breaks(survives: Survives) -> None:
    def whole(line: bytes) -> Sequence[Record]:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError):
            raise Rejected("line is not JSON") from None
        return RedditLiveSource.parse(recording._line(reddit_live._kept(item)))

    item = {"id": "9" * 30, "author": "انا", "created_utc": MIDNIGHT}
    crosspost = {"title": "a", "crosspost_parent": "t3_b", "crosspost_parent_list": [{"author": "bo"}]}
    survives(whole, [json.dumps(item | crosspost).encode(), json.dumps(item | {"parent_id": "t3_b"}).encode()])


def test_a_pull_into_a_warehouse(site: Platform, warehouse: Warehouse) -> None:
    ask = {"site": site.url, "api": site.url, "subreddits": ["a"]}
    spec = SourceSpec("r", "reddit-live", (), None, LiveOptions(ask=ask, terms="contract"))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("t"))
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["scope"]) == ("reddit", "complete", "population")


@pytest.mark.parametrize("fits", [4, 5])
def test_a_list_that_ends_before_the_day_does_is_partial_unless_it_is_short(
    site: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: int
) -> None:
    monkeypatch.setattr(reddit_live, "FITS", fits)
    whole = site.answer

    def answer(path: str) -> Reply:
        reply = whole(path)
        for child in reply.value.get("data", {}).get("children", []):
            child["data"]["created_utc"] = MIDNIGHT + 9
        if "after=" in path:
            reply.value["data"]["after"] = None
        return reply

    site.answer = answer
    assert pulled(opened(site, tmp_path))[1] == ([f"2 of 2 lists of items: {NEWEST}"] if fits == 4 else [])


def test_a_refused_application_fails_at_once_and_is_never_shown(
    site: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site.answer = lambda _: Reply({"error": "invalid_grant"}, 401)
    with pytest.raises(NotAllowedError, match="check connection 'r'") as raised:
        pulled(opened(site, tmp_path))
    assert "S3CRET" not in str(raised.value) + caplog.text


@pytest.mark.parametrize(("name", "kind"), [("new", "post"), ("comments", "reply")])
def test_recorded_lists_are_read(site: Platform, tmp_path: Path, fixtures: FindFile, name: str, kind: str) -> None:
    with tarfile.open(fixtures("reddit/praw-cassettes.tar.xz")) as archive:
        (member,) = [each for each in archive if each.name.endswith(f"/TestSubredditListings.test_{name}.json")]
        answer = json.loads(content(archive, member))["interactions"][-1]["response"]["body"]["string"]
    whole = site.answer
    site.answer = lambda path: Reply(answer.encode()) if path.partition("?")[0].endswith(name) else whole(path)
    first = min(int(child["data"]["created_utc"]) for child in json.loads(answer)["data"]["children"])
    day = datetime.fromtimestamp(first, UTC).date() + timedelta(days=1)
    acts = [act for page in opened(site, tmp_path).pages(day, day) for act in page.acts.to_pylist()]
    assert [act["kind"] for act in acts].count(kind) == 100
