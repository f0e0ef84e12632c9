"""A Page of Facebook through the real client, against a server on loopback."""

import tarfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.sources import facebook
from jobs.sources.facebook import NOT_SHOWN, FacebookSource, parse
from jobs.sources.http import NotAllowedError
from jobs.sources.page import Account, Act, Author, Unresolved
from jobs.sources.settings import Limits, Settings
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from schemas.coverage import COVERAGE
from tests.jobs.sources.archives import content
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply

DAY = date(2026, 11, 3)
NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
AT = "2026-11-03T12:00:00+0000"
TOKEN = "SECRETTOKEN"
OLDER = "comments on posts from before 2026-11-02 are not seen"
COMMENT = {"id": "c", "created_time": AT, "page": "1", "post": "1_5", "from": {"id": "9", "name": "انا"}}


@pytest.fixture
def graph(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Page 1 has two pages of posts, each post two pages of comments, the second one below the first."""
    monkeypatch.setenv("CLOUT_CONNECTION_FB", TOKEN)

    def answer(path: str) -> Reply:
        split = urlsplit(path)
        second = "after" in parse_qs(split.query)
        if split.path == "/1/published_posts":
            items: list[Any] = [{"id": f"1_{6 if second else 5}", "created_time": AT, "message": "secret"}]
        else:
            post = split.path.split("/")[1]
            items = [
                {"id": f"{post}c{second:d}", "created_time": AT, "from": {"id": "9", "name": "bo"}, "message": "secret"}
            ]
            if second:
                items[0]["parent"] = {"id": f"{post}c0"}
        paging = {"cursors": {"after": "x"}} | ({} if second else {"next": f"{platform.url}/?access_token={TOKEN}"})
        return Reply({"data": items, "paging": paging})

    platform.answer = answer
    return platform


def opened(graph: Platform, landing: Path, requests: int = 100) -> FacebookSource:
    ask = {"api": graph.url, "page": "1"}
    return FacebookSource(Settings(id="fb", landing=landing, ask=ask, limits=Limits(requests=requests)))


def pulled(source: FacebookSource) -> tuple[list[dict[str, Any]], list[str]]:
    pages = list(source.pages(DAY, DAY))
    return [act for page in pages for act in page.acts.to_pylist()], [
        note.reason for page in pages for note in page.notes
    ]


@pytest.mark.parametrize(
    ("more", "records"),
    [
        ({"post": None}, (Act("post", "1", "1", NOON, "c"), Author("c", "1"))),
        ({}, (Act("reply", "9", "1", NOON, "c", "1_5"), Author("c", "9"), Account("9", NOON, display_name="انا"))),
        (
            {"parent": {"id": "p"}},
            (Act("reply", "9", None, NOON, "c", "p"), Author("c", "9"), Account("9", NOON, display_name="انا")),
        ),
        ({"from": None}, (Unresolved(NOT_SHOWN, NOON),)),
    ],
)
def test_what_an_item_becomes(more, records):
    assert parse(orjson.dumps(COMMENT | more)) == records


def test_hostile_items_are_rejected_and_nothing_breaks(survives):
    survives(parse, [orjson.dumps(COMMENT), orjson.dumps(COMMENT | {"post": None, "parent": {"id": "p"}})])


def test_a_day_is_read_page_after_page_and_once(graph, tmp_path):
    acts, notes = pulled(opened(graph, tmp_path))
    assert {(act["kind"], act["activity_id"], act["target_id"], act["object_id"]) for act in acts} == {
        ("post", "1_5", "1", None),
        ("post", "1_6", "1", None),
        ("reply", "1_5c0", "1", "1_5"),
        ("reply", "1_6c0", "1", "1_6"),
        ("reply", "1_5c1", None, "1_5c0"),
        ("reply", "1_6c1", None, "1_6c0"),
    }
    assert notes == [OLDER]
    assert len(graph.asked) == 6
    assert TOKEN not in " ".join(graph.asked)
    assert graph.headers["authorization"] == f"Bearer {TOKEN}"
    for path in recorded(tmp_path):
        assert b"secret" not in zstd.decompress(path.read_bytes()).lower()
    graph.asked.clear()
    assert pulled(opened(graph, tmp_path)) == (acts, notes)
    assert graph.asked == []


def test_a_killed_pull_asks_at_most_one_page_again(graph, tmp_path):
    whole = pulled(opened(graph, tmp_path / "whole"))
    for number in range(1, 7):
        graph.asked.clear()
        with killed_at(number):
            pulled(opened(graph, tmp_path / str(number)))
        assert pulled(opened(graph, tmp_path / str(number))) == whole
        assert len(graph.asked) <= 7


def test_a_pull_out_of_budget_resumes(graph, tmp_path):
    notes = pulled(opened(graph, tmp_path, requests=5))[1]
    assert notes == ["the budget of 5 requests is used up after 1 of 2 posts; the next pull resumes there", OLDER]
    assert len(pulled(opened(graph, tmp_path))[0]) == 6
    assert len(graph.asked) == 6


def error(code: int, status: int = 400, subcode: int | None = None) -> Reply:
    return Reply({"error": {"code": code, "error_subcode": subcode, "message": TOKEN}}, status)


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (error(32), "Facebook's rate limit is reached after 0 of 1 Pages; the next pull resumes there"),
        (error(100, subcode=33), "1 of 1 Pages: not there"),
        (error(100), "1 of 1 Pages failed, most with: 127.0.0.1/1/published_posts: status 400; pull again"),
        (Reply({"data": {}}), "the answer has no list of items"),
        (Reply({"data": [], "paging": {"next": "x", "cursors": {"after": "x"}}}), "links back to a page already read"),
    ],
)
def test_what_a_refusal_or_an_odd_answer_means(graph, tmp_path, reply, note):
    graph.answer = lambda _: reply
    acts, notes = pulled(opened(graph, tmp_path))
    assert acts == []
    assert note in notes[0]
    assert TOKEN not in str(notes)


@pytest.mark.parametrize("reply", [error(190), error(200, 403), Reply(b"<p>", 401)])
def test_a_refused_token_fails_at_once_and_is_never_shown(graph, tmp_path, reply, caplog):
    caplog.set_level("DEBUG")
    graph.answer = lambda _: reply
    with pytest.raises(NotAllowedError, match="check connection 'fb'") as raised:
        pulled(opened(graph, tmp_path))
    assert len(graph.asked) == 1
    assert TOKEN not in str(raised.value) + caplog.text


def test_a_pull_into_a_warehouse(graph, warehouse):
    options = LiveOptions(ask={"api": graph.url, "page": "1"}, terms="own Page")
    spec = SourceSpec("fb", "facebook", (), None, options)
    (found,) = pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("t"))
    assert found.unresolved_count == 0
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["reason"]) == ("facebook", "partial", OLDER)


def test_recorded_comments_are_read_and_lack_their_authors(fixtures):
    with tarfile.open(fixtures("facebook/python-facebook.tar.xz")) as archive:
        (member,) = [each for each in archive if each.name.endswith("/comments/comment_info.json")]
        comment = orjson.loads(content(archive, member))
    (record,) = parse(orjson.dumps(facebook._kept(comment, "1", "1_5")))
    assert isinstance(record, Unresolved)
    assert record.reason == NOT_SHOWN
