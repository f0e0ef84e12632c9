"""X through the real client, against a server on loopback with made accounts."""

import tarfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import CloutError, UsageError
from jobs.sources import x
from jobs.sources.live.budget import Budget
from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.sources.x import XSource
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.x_server import DAY, answer

TOKEN = "SECRETTOKEN"
PAGE_DOLLARS = 1.5  # what 100 posts, each with two others, cost


@pytest.fixture
def site(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("CLOUT_CONNECTION_X", TOKEN)

    platform.answer = answer
    return platform


def opened(
    site: Platform, landing: Path, dollars: float = 20, budget: Any = Budget, accounts: Sequence[str] = ("1", "2")
) -> XSource:
    ask = {"api": site.url, "accounts": list(accounts)}
    return XSource(Settings(id="x", landing=landing, ask=ask, limits=Limits(dollars=dollars), budget=budget))


def pulled(source: XSource) -> tuple[list[dict[str, Any]], list[str]]:
    pages = list(source.pages(DAY, DAY))
    return [act for page in pages for act in page.acts.to_pylist()], [
        note.reason for page in pages for note in page.notes
    ]


def test_a_day_is_read_page_after_page_and_paid_once(site: Platform, tmp_path: Path) -> None:
    source = opened(site, tmp_path)
    acts, notes = pulled(source)
    assert notes == []
    kinds = [(act["kind"], act["actor_id"], act["target_id"]) for act in acts]
    assert kinds.count(("reshare", "1", "5")) == kinds.count(("post", "1", "1")) == 2
    assert kinds.count(("mention", "8", "1")) == kinds.count(("mention", "8", "2")) == 2
    assert len(site.asked) == len(set(site.asked)) == 8
    assert "start_time=2026-11-03T00%3A00%3A00Z&end_time=2026-11-04T00%3A00%3A00Z" in site.asked[0]
    assert source.budget.dollars_used == pytest.approx(8 * 3 * x.POST_DOLLARS)
    assert site.headers["authorization"] == f"Bearer {TOKEN}"
    for path in recorded(tmp_path):
        assert b"secret" not in zstd.decompress(path.read_bytes()).lower()
    site.asked.clear()
    again = opened(site, tmp_path)
    assert pulled(again) == (acts, notes)
    assert (site.asked, again.budget.dollars_used) == ([], 0)


def test_no_request_is_made_that_might_exceed_the_dollars(site: Platform, tmp_path: Path) -> None:
    reason = "a budget of more than $1.52 is needed after 1 of 4 lists of posts; the next pull resumes there"
    for _ in range(2):  # what the first pull spent counts in the second
        assert pulled(opened(site, tmp_path, dollars=PAGE_DOLLARS + 0.02))[1] == [reason]
        assert len(site.asked) == 2
    assert pulled(opened(site, tmp_path / "poor", dollars=PAGE_DOLLARS - 0.01))[0] == []
    assert len(site.asked) == 2
    assert len(pulled(opened(site, tmp_path))[0]) == 20
    assert len(site.asked) == 8


def test_a_pull_without_dollars_is_refused(site: Platform, tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"x: X charges for each post; say what a pull may cost, as `budget: {dollars: 20}`"
    ):
        XSource(Settings(id="x", landing=tmp_path, ask={"accounts": ["1"]}))


def test_a_killed_pull_asks_at_most_one_page_again(site: Platform, tmp_path: Path) -> None:
    whole = pulled(opened(site, tmp_path / "whole"))
    for number in range(1, 17):  # of the population, and for each page what it cost and itself
        site.asked.clear()
        with killed_at(number):
            pulled(opened(site, tmp_path / str(number)))
        assert pulled(opened(site, tmp_path / str(number))) == whole
        assert len(site.asked) <= 9


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (Reply({"errors": [{"title": "Oddity"}]}), "the answer is not a list of posts"),
        (Reply({"title": "CreditsDepleted"}, 402), "the credits at X are used up after 0 of 4 lists of posts"),
        (Reply({"data": {}, "meta": {}}), "the answer is not a list of posts after"),
        (Reply({"meta": {"next_token": "n"}}), "links back to a page already read"),
        (Reply(b"<html>", headers={"Content-Type": "text/html"}), "the answer is not JSON, 6 times after 2 of 4 lists"),
        (Reply(b'{"data": [{"id"'), "a budget of more than $20.00 is needed"),
        (Reply({"title": "Too Many Requests"}, 429, {"x-rate-limit-reset": "9999"}), "the platform asks to wait"),
    ],
)
def test_what_a_refusal_or_an_odd_answer_means(site: Platform, tmp_path: Path, reply: Reply, note: str) -> None:
    site.answer = lambda _: reply
    source = opened(site, tmp_path)
    source.budget.sleep = lambda _: None
    acts, notes = pulled(source)
    assert acts == []
    assert note in notes[0]
    assert TOKEN not in str(notes)


def test_each_answer_that_breaks_off_is_paid_and_no_html(site: Platform, tmp_path: Path) -> None:
    whole, broken = site.answer, [Reply(b'{"data": ['), Reply(b"<p>", headers={"Content-Type": "text/html"})]
    site.answer = lambda path: broken.pop() if broken else whole(path)
    source = opened(site, tmp_path)
    source.budget.sleep = lambda _: None
    assert len(pulled(source)[0]) == 20
    assert len(site.asked) == 10
    assert source.budget.dollars_used == pytest.approx(PAGE_DOLLARS + 8 * 3 * x.POST_DOLLARS)
    spent = orjson.loads((tmp_path / "x" / str(DAY) / x.SPENT).read_bytes())
    assert spent == {"dollars": pytest.approx(source.budget.dollars_used)}


def test_a_damaged_sum_is_not_taken_for_nothing(site: Platform, tmp_path: Path) -> None:
    pulled(opened(site, tmp_path, dollars=PAGE_DOLLARS))
    (tmp_path / "x" / str(DAY) / x.SPENT).write_text("{")
    with pytest.raises(CloutError, match="damaged"):
        pulled(opened(site, tmp_path))
    assert len(site.asked) == 1


@pytest.mark.parametrize(("older", "missing"), [([{"id": "0", "author_id": "1"}], []), ([], [x.NONE_OLDER])])
def test_of_a_day_long_ago_lists_must_reach_back_beyond_it(
    site: Platform, tmp_path: Path, older: list[dict[str, str]], missing: list[str]
) -> None:
    whole = site.answer

    def answer(path: str) -> Reply:
        asked = parse_qs(urlsplit(path).query)
        reply = whole(path) if "start_time" in asked else Reply({"data": older, "meta": {}})
        return reply._replace(headers={"Date": "Thu, 05 Nov 2026 00:00:00 GMT"})

    site.answer = answer
    acts, notes = pulled(opened(site, tmp_path))
    assert len(acts) == 20
    expected = [f"2 of 4 lists of posts: {reason.format(most=most)}" for reason in missing for most in (3_200, 800)]
    assert notes == expected
    assert len([path for path in site.asked if "max_results=5&end_time=2026-11-03T00%3A00%3A00Z" in path]) == 4


def test_a_day_that_has_not_ended_is_not_recorded_as_done(site: Platform, tmp_path: Path) -> None:
    whole = site.answer
    site.answer = lambda path: whole(path)._replace(headers={"Date": "Tue, 03 Nov 2026 23:59:59 GMT"})
    acts, notes = pulled(opened(site, tmp_path))
    assert acts == []
    assert notes[0].startswith("the day has not ended after 2 of 4 lists of posts")
    site.answer = whole
    assert len(pulled(opened(site, tmp_path))[0]) == 20


def test_the_population_changed_between_nights(site: Platform, tmp_path: Path) -> None:
    pulled(opened(site, tmp_path))
    later = DAY + timedelta(days=1)
    pages = list(opened(site, tmp_path, accounts=["1", "3", "4"]).pages(later, later))
    assert [note.reason for page in pages for note in page.notes if "population" in note.reason] == [
        "the population changed since 2026-11-03: 2 new and 1 gone"
    ]


def test_a_list_that_is_as_long_as_x_allows_is_partial(
    site: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(x, "NEWEST", {"tweets": 3_200, "mentions": 4})
    assert pulled(opened(site, tmp_path))[1] == ["2 of 4 lists of posts: X gives only the newest 4"]


def test_one_odd_post_does_not_lose_the_others(site: Platform, tmp_path: Path) -> None:
    whole = site.answer
    site.answer = lambda path: Reply((reply := whole(path)).value | {"data": [7, {"id": {}}, *reply.value["data"]]})
    assert len(pulled(opened(site, tmp_path))[0]) == 20


def test_a_refused_token_fails_at_once_and_is_never_shown(
    site: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    site.answer = lambda _: Reply({"title": "Unauthorized"}, 401)
    with pytest.raises(NotAllowedError, match="check connection 'x'") as raised:
        pulled(opened(site, tmp_path))
    assert len(site.asked) == 1
    assert TOKEN not in str(raised.value) + caplog.text


def test_a_pull_into_a_warehouse(site: Platform, warehouse: Warehouse) -> None:
    options = LiveOptions(ask={"api": site.url, "accounts": ["1"]}, budget=Limits(dollars=5), terms="contract")
    spec = SourceSpec("x", "x", (), None, options)
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("t"))
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["scope"]) == ("x", "complete", "population")


def test_recorded_answers_are_lists_of_posts(fixtures: FindFile) -> None:
    with tarfile.open(fixtures("x/python-twitter.tar.xz")) as archive:
        for member in archive:
            if member.name.endswith(("/timeline_mentions.json", "/timeline_tweets.json")):
                value = orjson.loads(content(archive, member))
                posts, following = x._page(value)
                assert len(posts) == len(value["data"])
                assert following == value["meta"]["next_token"]
