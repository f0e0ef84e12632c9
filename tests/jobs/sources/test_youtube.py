"""YouTube through the real client, against a server on loopback with made channels."""

import tarfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import youtube
from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.page import Account, Act, Author, Ignored, Record, Unresolved
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.sources.values import ACTOR_WITHDRAWN
from jobs.sources.youtube import YouTubeSource, parse
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.youtube_server import DAY, MIDNIGHT, answer, comment

NOON = int((MIDNIGHT + timedelta(hours=12)).timestamp()) * 1_000_000
KEY = "SECRETKEY"
OLDER = "replies to threads from before 2026-11-02 are not seen"


@pytest.fixture
def tube(platform: Platform, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Channels `a` and `b` with threads of many days, two a page."""
    nights = tmp_path_factory.mktemp("nights") / "nights.yaml"
    nights.write_text("landing_days: 20\nkeep_activity_days: 29\n")
    monkeypatch.setenv("CLOUT_NIGHTS", str(nights))
    monkeypatch.setenv("CLOUT_CONNECTION_YT", KEY)

    platform.answer = answer
    return platform


def opened(tube: Platform, landing: Path, requests: int = 1000, channels: tuple[str, ...] = ("a",)) -> YouTubeSource:
    ask = {"api": tube.url, "channels": list(channels)}
    return YouTubeSource(Settings(id="yt", landing=landing, ask=ask, limits=Limits(requests=requests)))


def pulled(source: YouTubeSource) -> tuple[list[dict[str, Any]], list[str]]:
    pages = list(source.pages(DAY, DAY))
    return [act for page in pages for act in page.acts.to_pylist()], [
        note.reason for page in pages for note in page.notes
    ]


@pytest.mark.parametrize(
    ("more", "records"),
    [
        ({}, (Act("reply", "U1", "UC", NOON, "c", "v"), Author("c", "U1"), Account("U1", NOON, handle="@انا"))),
        (
            {"parent": "p"},
            (Act("reply", "U1", None, NOON, "c", "p"), Author("c", "U1"), Account("U1", NOON, handle="@انا")),
        ),
        ({"author": None}, (Unresolved(ACTOR_WITHDRAWN, NOON),)),
    ],
)
def test_what_a_comment_becomes(more: dict[str, Any], records: tuple[Record, ...]) -> None:
    made = comment("c", MIDNIGHT + timedelta(hours=12), **more) | {"channel": "UC"}
    assert parse(orjson.dumps(made)) == records
    assert parse(orjson.dumps(made | {"isPublic": False})) == (Ignored(NOON),)


def test_hostile_comments_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    made = comment("c", MIDNIGHT) | {"channel": "UC"}
    survives(parse, [orjson.dumps(made), orjson.dumps(comment("c", MIDNIGHT, "p"))])


def test_a_day_is_read_back_to_the_days_that_are_visited_again(tube: Platform, tmp_path: Path) -> None:
    acts, notes = pulled(opened(tube, tmp_path))
    assert {act["activity_id"] for act in acts if act["object_id"] == "v"} >= {f"t{n}" for n in range(8)}
    assert {act["activity_id"] for act in acts if act["object_id"] == "t3"} == {f"t3.{n}" for n in range(7)}
    assert notes == [OLDER]
    assert tube.headers["x-goog-api-key"] == KEY
    assert len(tube.asked) == len(set(tube.asked)) == 5 + 2 * 4  # pages of threads; of replies to threads 0, 3, 6, 9
    assert KEY not in " ".join(tube.asked)
    for path in recorded(tmp_path):
        assert not {b"secret", KEY.encode()} & set(zstd.decompress(path.read_bytes()).split(b'"'))


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(tube: Platform, tmp_path: Path) -> None:
    before = pulled(opened(tube, tmp_path))
    tube.asked.clear()
    assert pulled(opened(tube, tmp_path)) == before
    assert tube.asked == []


def test_a_killed_pull_asks_at_most_one_page_again(tube: Platform, tmp_path: Path) -> None:
    whole = pulled(opened(tube, tmp_path / "whole"))
    requests = len(tube.asked)
    for number in range(1, len(recorded(tmp_path / "whole"))):
        tube.asked.clear()
        with killed_at(number):
            pulled(opened(tube, tmp_path / str(number)))
        assert pulled(opened(tube, tmp_path / str(number))) == whole
        assert len(tube.asked) <= requests + 1


def test_a_pull_out_of_budget_says_so_and_the_next_one_resumes(tube: Platform, tmp_path: Path) -> None:
    whole = pulled(opened(tube, tmp_path / "whole", channels=("a", "b")))
    tube.asked.clear()
    notes = pulled(opened(tube, tmp_path / "cut", requests=15, channels=("a", "b")))[1]
    assert notes == [
        "the budget of 15 requests is used up after 1 of 2 channels; the next pull resumes there",
        OLDER,
    ]
    assert pulled(opened(tube, tmp_path / "cut", channels=("a", "b"))) == whole
    assert len(tube.asked) == 2 * (5 + 2 * 4)


def error(status: int, reason: str) -> Reply:
    return Reply({"error": {"code": status, "errors": [{"reason": reason, "message": KEY}]}}, status)


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (
            error(403, "quotaExceeded"),
            "YouTube's quota is used up until midnight Pacific time after 0 of 1 channels; the next pull resumes there",
        ),
        (error(403, "commentsDisabled"), "1 of 1 channels: comments are disabled"),
        (error(404, "channelNotFound"), "1 of 1 channels: not there"),
        (Reply({"items": 7}), "failed, most with: commentThreads: the answer has no list of items; pull again"),
        (Reply({"nextPageToken": "2"}), "the answer has no list of items"),
        (Reply(b"<html>"), "the answer is not JSON, 6 times"),
        (Reply(b'{"items": [{"id"'), "the answer is not JSON, 6 times"),
        (Reply({"items": [], "nextPageToken": "2"}), "the list of pages links back to a page already read"),
    ],
)
def test_what_a_refusal_or_an_odd_answer_means(tube: Platform, tmp_path: Path, reply: Reply, note: str) -> None:
    tube.answer = lambda _: reply
    source = opened(tube, tmp_path)
    source.budget.sleep = lambda _: None
    acts, notes = pulled(source)
    assert acts == []
    assert note in notes[0]
    assert KEY not in str(notes)


@pytest.mark.parametrize("reply", [error(403, "accessNotConfigured"), error(400, "keyInvalid"), Reply(b"<p>", 401)])
def test_a_refused_key_fails_at_once_and_is_never_shown(
    tube: Platform, tmp_path: Path, reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    tube.answer = lambda _: reply
    with pytest.raises(NotAllowedError, match="check connection 'yt'") as raised:
        pulled(opened(tube, tmp_path))
    assert len(tube.asked) == 1
    assert KEY not in str(raised.value) + caplog.text


def test_the_population_changed_between_nights(tube: Platform, tmp_path: Path) -> None:
    pulled(opened(tube, tmp_path))
    later = DAY + timedelta(days=1)
    pages = list(opened(tube, tmp_path, channels=("b", "c")).pages(later, later))
    changed = f"the population changed since {DAY}: 2 new and 1 gone"
    assert changed in [note.reason for page in pages for note in page.notes]


def test_a_day_that_has_not_ended_is_not_recorded_as_done(tube: Platform, tmp_path: Path) -> None:
    whole = tube.answer
    tube.answer = lambda path: whole(path)._replace(headers={"Date": "Tue, 03 Nov 2026 23:59:59 GMT"})
    acts, notes = pulled(opened(tube, tmp_path))
    assert (acts, notes[0]) == ([], "1 of 1 channels failed, most with: the day has not ended; pull again")
    tube.answer = whole
    assert pulled(opened(tube, tmp_path))[1] == [OLDER]


def test_one_odd_thread_does_not_lose_the_others(tube: Platform, tmp_path: Path) -> None:
    whole = tube.answer

    def answer(path: str) -> Reply:
        reply = whole(path)
        return Reply(reply.value | {"items": [7, {"snippet": []}, *reply.value["items"]]})

    tube.answer = answer
    acts, _ = pulled(opened(tube, tmp_path))
    assert {f"t{n}" for n in range(8)} <= {act["activity_id"] for act in acts}


@pytest.mark.parametrize(("setting", "value"), [("landing_days", "30"), ("keep_activity_days", "null")])
def test_data_that_would_be_kept_for_too_long_is_refused(
    tube: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, setting: str, value: str
) -> None:
    path = tmp_path / "nights.yaml"
    path.write_text(f"{ {'landing_days': 7, 'keep_activity_days': 7} | {setting: value} }".replace("'", ""))
    monkeypatch.setenv("CLOUT_NIGHTS", str(path))
    with pytest.raises(UsageError, match=f"kept for 30 days; set `{setting}` in nights.yaml below"):
        opened(tube, tmp_path)


def test_a_pull_into_a_warehouse(tube: Platform, warehouse: Warehouse) -> None:
    options = LiveOptions(ask={"api": tube.url, "channels": ["a"]}, terms="amendment")
    spec = SourceSpec("yt", "youtube", (), None, options)
    (found,) = pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("t"))
    assert found.unresolved_count == 0
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["reason"]) == ("youtube", "partial", OLDER)
    assert coverage["scope"] == "population"


# Recorded answers of the real API


def test_recorded_threads_and_comments_are_read(fixtures: FindFile) -> None:
    counts = {}
    with tarfile.open(fixtures("youtube/python-youtube.tar.xz")) as archive:
        for member in archive:
            if "/apidata/comment" in member.name and "insert" not in member.name and member.name.endswith(".json"):
                items = orjson.loads(content(archive, member))["items"]
                kept = [
                    each
                    for item in items
                    for each in (
                        youtube._of_thread(item, "UC")
                        if "topLevelComment" in item["snippet"]
                        else [youtube._kept(item, "UC")]
                    )
                ]
                records = [record for each in kept for record in parse(orjson.dumps(each))]
                counts[member.name.rpartition("/")[2]] = sum(type(record) is Act for record in records)
                assert len([record for record in records if type(record) is Act]) == len(kept)
    assert len(counts) >= 9
    assert counts["comments_by_parent_paged_1.json"] == 2
    assert counts["comment_threads_by_video_paged_1.json"] == 5
