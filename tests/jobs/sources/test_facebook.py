"""A Page of Facebook through the real client, against a server on loopback."""

import tarfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.sources import facebook
from jobs.sources.facebook import LATE, NOT_SHOWN, FacebookSource, parse
from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.page import Account, Act, Author, Ignored, Record, Unresolved
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.sources.values import derived_id
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.facebook_server import AT, DAY, NIGHT, TOKEN, answer
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply

NOON = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp()) * 1_000_000
OLDER = "comments and reactions on posts from before 2026-11-02 are not seen"
END = NOON + 12 * 3_600_000_000
LIKE = {"name": "9", "at": END - 1, "type": "LOVE", "post": "1_5", "page": "1"}
COMMENT = {"id": "c", "created_time": AT, "page": "1", "post": "1_5", "from": {"id": "9", "name": "انا"}}


@pytest.fixture
def graph(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    monkeypatch.setenv("CLOUT_CONNECTION_FB", TOKEN)

    platform.answer = answer
    return platform


def opened(graph: Platform, landing: Path, requests: int = 100, page: str = "1") -> FacebookSource:
    ask = {"api": graph.url, "page": page}
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
def test_what_an_item_becomes(more: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(COMMENT | more)) == records


@pytest.mark.parametrize(
    ("more", "records"),
    [
        ({}, (Act("like", "9", "1", END - 1, derived_id("9", "like 1_5", 0), "1_5"),)),
        ({"type": "ANGRY"}, (Ignored(END - 1),)),
        ({"name": ""}, (Unresolved(NOT_SHOWN, END - 1),)),
        ({"at": None}, ()),
    ],
)
def test_what_a_name_in_a_list_of_reactions_becomes(more: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(LIKE | more)) == records


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    post = COMMENT | {"post": None, "parent": {"id": "p"}}
    survives(parse, [orjson.dumps(COMMENT), orjson.dumps(post), orjson.dumps(LIKE)])


def test_a_day_is_read_page_after_page_and_once(graph: Platform, tmp_path: Path) -> None:
    acts, notes = pulled(opened(graph, tmp_path))
    assert {(act["kind"], act["activity_id"], act["target_id"], act["object_id"]) for act in acts} == {
        ("post", "1_5", "1", None),
        ("post", "1_6", "1", None),
        ("reply", "1_5c0", "1", "1_5"),
        ("reply", "1_6c0", "1", "1_6"),
        ("reply", "1_5c1", None, "1_5c0"),
        ("reply", "1_6c1", None, "1_6c0"),
    } | {("like", derived_id(name, f"like {post}", 0), "1", post) for name in ("7", "8") for post in ("1_5", "1_6")}
    assert {act["occurred_at"] for act in acts if act["kind"] == "like"} == {END - 1}
    assert notes == [OLDER]
    assert len(graph.asked) == 10
    assert TOKEN not in " ".join(graph.asked)
    assert graph.headers["authorization"] == f"Bearer {TOKEN}"
    for path in recorded(tmp_path):
        assert b"secret" not in zstd.decompress(path.read_bytes()).lower()
    graph.asked.clear()
    assert pulled(opened(graph, tmp_path)) == (acts, notes)
    assert graph.asked == []


def test_a_killed_pull_asks_at_most_one_page_again(graph: Platform, tmp_path: Path) -> None:
    whole = pulled(opened(graph, tmp_path / "whole"))
    for number in range(1, 11):
        graph.asked.clear()
        with killed_at(number):
            pulled(opened(graph, tmp_path / str(number)))
        assert pulled(opened(graph, tmp_path / str(number))) == whole
        assert len(graph.asked) <= 11


def test_a_pull_out_of_budget_resumes(graph: Platform, tmp_path: Path) -> None:
    assert pulled(opened(graph, tmp_path, requests=5))[1] == [
        "the budget of 5 requests is used up after 1 of 2 posts; the next pull resumes there",
        "the budget of 5 requests is used up after 0 of 2 lists of reactions; the next pull resumes there",
        OLDER,
    ]
    assert len(pulled(opened(graph, tmp_path))[0]) == 10
    assert len(graph.asked) == 10


def test_a_day_that_has_not_ended_is_not_recorded_as_done(graph: Platform, tmp_path: Path) -> None:
    whole = graph.answer
    graph.answer = lambda path: whole(path)._replace(headers={"Date": "Tue, 03 Nov 2026 23:59:59 GMT"})
    acts, notes = pulled(opened(graph, tmp_path))
    assert (acts, notes[0]) == ([], "1 of 1 Pages failed, most with: the day has not ended; pull again")
    graph.answer = whole
    assert len(pulled(opened(graph, tmp_path))[0]) == 10


def test_another_page_counts_from_the_next_day_on(graph: Platform, tmp_path: Path) -> None:
    whole = pulled(opened(graph, tmp_path))
    graph.asked.clear()
    assert pulled(opened(graph, tmp_path, page="2")) == whole
    assert graph.asked == []
    later = DAY + timedelta(days=1)
    pages = list(opened(graph, tmp_path, page="2").pages(later, later))
    changed = "the population changed since 2026-11-03: 1 new and 1 gone"
    assert changed in [note.reason for page in pages for note in page.notes]
    assert graph.asked[0].startswith("/2/published_posts")


def test_who_reacted_already_yesterday_does_not_react_again(graph: Platform, tmp_path: Path) -> None:
    source = opened(graph, tmp_path)
    list(source.pages(DAY, DAY))
    whole = graph.answer

    def answer(path: str) -> Reply:
        reply = whole(path)
        if "/reactions" in path:
            reply.value["data"].append({"id": "6" if "after" in path else "5", "type": "LIKE"})
        return reply._replace(headers={"Date": "Thu, 05 Nov 2026 01:00:00 GMT"})

    graph.answer = answer
    later = DAY + timedelta(days=1)
    acts = [act for page in opened(graph, tmp_path).pages(later, later) for act in page.acts.to_pylist()]
    likes = {(act["actor_id"], act["occurred_at"]) for act in acts if act["kind"] == "like"}
    assert likes == {("5", END + 86_400_000_000 - 1), ("6", END + 86_400_000_000 - 1)}


def test_reactions_are_not_invented_for_a_day_that_ended_long_ago(graph: Platform, tmp_path: Path) -> None:
    whole = graph.answer
    graph.answer = lambda path: whole(path)._replace(headers={"Date": "Fri, 06 Nov 2026 01:00:00 GMT"})
    acts, notes = pulled(opened(graph, tmp_path))
    assert {act["kind"] for act in acts} == {"post", "reply"}
    assert notes == [f"2 of 2 lists of reactions: {LATE}", OLDER]
    assert pulled(opened(graph, tmp_path)) == (acts, notes)


def error(code: int, status: int = 400, subcode: int | None = None) -> Reply:
    return Reply({"error": {"code": code, "error_subcode": subcode, "message": TOKEN}}, status)


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (error(32), "Facebook's rate limit is reached after 0 of 1 Pages; the next pull resumes there"),
        (error(100, subcode=33), "1 of 1 Pages: not there"),
        (error(100), "1 of 1 Pages failed, most with: 127.0.0.1/1/published_posts: status 400; pull again"),
        (Reply({"data": {}}), "the answer has no list of items"),
        (Reply(b"<html>"), "127.0.0.1/1/published_posts: the answer is not JSON, 6 times"),
        (Reply(b'{"data": [{"id"'), "the answer is not JSON, 6 times"),
        (Reply(b""), "the answer is not JSON, 6 times"),
        (Reply({"data": [], "paging": {"next": "x", "cursors": {"after": "x"}}}), "links back to a page already read"),
    ],
)
def test_what_a_refusal_or_an_odd_answer_means(graph: Platform, tmp_path: Path, reply: Reply, note: str) -> None:
    graph.answer = lambda _: reply
    source = opened(graph, tmp_path)
    source.budget.sleep = lambda _: None
    acts, notes = pulled(source)
    assert acts == []
    assert note in notes[0]
    assert TOKEN not in str(notes)


@pytest.mark.parametrize("reply", [error(190), error(200, 403), Reply(b"<p>", 401)])
def test_a_refused_token_fails_at_once_and_is_never_shown(
    graph: Platform, tmp_path: Path, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    graph.answer = lambda _: reply
    with pytest.raises(NotAllowedError, match="check connection 'fb'") as raised:
        pulled(opened(graph, tmp_path))
    assert len(graph.asked) == 1
    assert TOKEN not in str(raised.value) + caplog.text


def test_a_pull_into_a_warehouse(graph: Platform, warehouse: Warehouse) -> None:
    options = LiveOptions(ask={"api": graph.url, "page": "1"}, terms="own Page")
    spec = SourceSpec("fb", "facebook", (), None, options)
    (found,) = pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("t"))
    assert found.unresolved_count == 0
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["reason"]) == ("facebook", "partial", OLDER)


def test_recorded_comments_are_read_and_lack_their_authors(fixtures: FindFile) -> None:
    with tarfile.open(fixtures("facebook/python-facebook.tar.xz")) as archive:
        (member,) = [each for each in archive if each.name.endswith("/comments/comment_info.json")]
        comment = orjson.loads(content(archive, member))
    (record,) = parse(orjson.dumps(facebook._kept(comment, "1", "1_5")))
    assert isinstance(record, Unresolved)
    assert record.reason == NOT_SHOWN


def test_a_recorded_list_of_people_gives_a_like_of_each(graph: Platform, tmp_path: Path, fixtures: FindFile) -> None:
    with tarfile.open(fixtures("facebook/python-facebook.tar.xz")) as archive:
        (member,) = [each for each in archive if each.name.endswith("/likes/likes_resp.json")]
        people = orjson.loads(content(archive, member))["data"]
    whole = graph.answer
    graph.answer = lambda path: (
        Reply({"data": people}, headers={"Date": NIGHT}) if "/1_5/reactions" in path else whole(path)
    )
    acts, _ = pulled(opened(graph, tmp_path))
    likes = [act["actor_id"] for act in acts if (act["kind"], act["object_id"]) == ("like", "1_5")]
    assert len(people) == len(likes) > 1
    assert {each["id"] for each in people} == set(likes)
