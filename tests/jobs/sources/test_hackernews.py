"""Hacker News through its real client, against a server on loopback with a small platform of made items."""

import tarfile
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import hackernews
from jobs.sources.hackernews import HackerNewsSource, parse
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.live.source import UNFINISHED, recording
from jobs.sources.page import Account, Act, Author, Ignored, Note, Record, Unresolved
from jobs.sources.spec import parse_specs
from jobs.sources.values import ACTOR_WITHDRAWN
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.fixture_types import FindFile
from tests.jobs.sources.archives import content
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.hackernews_server import DAY, EXPECTED, FIRST_OF_DAY, MIDNIGHT, answer, item
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply


@pytest.fixture
def hn(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    """Has items up to a day after DAY. A page has few of them."""
    monkeypatch.setattr(hackernews, "PAGE_ITEMS", 40)

    platform.answer = answer
    return platform


def opened(hn: Platform, landing: Path, requests: int = 100_000) -> HackerNewsSource:
    ask, limits = {"api": hn.url}, Limits(requests=requests)
    return HackerNewsSource(Settings(id="hn", landing=landing, ask=ask, limits=limits))


def acts(source: HackerNewsSource, first: date = DAY, last: date = DAY) -> list[dict[str, Any]]:
    return [act for page in source.pages(first, last) for act in page.acts.to_pylist()]


def of_day(rows: list[dict[str, Any]]) -> set[int]:
    return {int(row["activity_id"]) for row in rows if MIDNIGHT <= row["occurred_at"] // 1_000_000 < MIDNIGHT + 86_400}


# One item


T = MIDNIGHT * 1_000_000


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ({"type": "story"}, (Act("post", "ana", "ana", T, "7"), Author("7", "ana"), Account("ana", T, handle="ana"))),
        ({"type": "job"}, (Act("post", "ana", "ana", T, "7"), Author("7", "ana"), Account("ana", T, handle="ana"))),
        (
            {"type": "comment", "parent": 5},
            (Act("reply", "ana", None, T, "7", "5"), Author("7", "ana"), Account("ana", T, handle="ana")),
        ),
        ({"type": "pollopt"}, (Ignored(T), Author("7", "ana"), Account("ana", T, handle="ana"))),
        ({"type": "story", "dead": True}, (Ignored(T),)),
        (
            {"type": "comment", "parent": 5, "deleted": True, "by": None},
            (Unresolved(ACTOR_WITHDRAWN, T),),
        ),
    ],
    ids=lambda value: value.get("type") if isinstance(value, dict) else "",
)
def test_what_an_item_becomes(kind: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps({"id": 7, "by": "ana", "time": MIDNIGHT} | kind)) == records


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    survives(parse, [orjson.dumps(item(number)) for number in (5_001, 5_002, 5_003)])


# A day


def test_a_day_is_whole_and_each_item_is_asked_once(hn: Platform, tmp_path: Path) -> None:
    rows = acts(opened(hn, tmp_path))
    assert of_day(rows) == EXPECTED
    asked = Counter(path for path in hn.asked if path.startswith("/item/"))
    twice = {path for path, count in asked.items() if count > 1 and int(path[6:-5]) % 100}
    assert len(twice) < 80  # those that the search looked at, too
    assert len(hn.asked) < 216 + 2 * hackernews.MARGIN + 50 + 200  # the day, the parents outside it, the search


def test_replies_find_their_parents_also_outside_the_day(hn: Platform, tmp_path: Path, warehouse: Warehouse) -> None:
    spec = parse_specs([f"hn:hackernews={hn.url}"])[0]
    (pulled,) = pull_activity.run(
        warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test")
    )
    replies = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    found = {row["activity_id"]: row["target_id"] for row in replies if row["kind"] == "reply"}
    comments = [made for n in EXPECTED if n % 3 and (made := item(n))]
    expected = {
        str(made["id"]): f"u{made['parent'] % 50}" for made in comments if item(made["parent"])
    }  # the parent of some is an empty answer
    assert found == expected
    assert pulled.unresolved_count == len([n for n in EXPECTED if n % 3]) - len(expected)
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["reason"]) == ("hackernews", "complete", None)


def test_no_text_is_recorded(hn: Platform, tmp_path: Path) -> None:
    acts(opened(hn, tmp_path))
    assert not [path for path in recorded(tmp_path) if b"secret" in zstd.decompress(path.read_bytes())]


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(hn: Platform, tmp_path: Path) -> None:
    rows = acts(opened(hn, tmp_path))
    hn.asked.clear()
    assert acts(opened(hn, tmp_path)) == rows
    assert hn.asked == []


@pytest.mark.parametrize("requests", [10, 200, 300, 340])
def test_a_pull_out_of_budget_says_what_is_missing_and_the_next_one_goes_on(
    hn: Platform, tmp_path: Path, requests: int
) -> None:
    pages = list(opened(hn, tmp_path, requests).pages(DAY, DAY))
    notes = [note for page in pages for note in page.notes]
    (note,) = notes
    assert note.partial
    assert note.reason.startswith(f"the budget of {requests:,} requests is used up after ")
    assert note.absent is (requests == 10)
    cursor = recording.Recording(recording.day_folder(tmp_path, "hn", DAY), hackernews.ITEMS).cursor.next
    hn.asked.clear()
    assert of_day(acts(opened(hn, tmp_path))) == EXPECTED
    if cursor:
        assert not {f"/item/{number}.json" for number in range(FIRST_OF_DAY, cursor[0])} & set(hn.asked)


def test_a_pull_that_is_killed_between_a_page_and_its_rename_asks_one_page_again(hn: Platform, tmp_path: Path) -> None:
    whole, requests = acts(opened(hn, tmp_path / "whole")), len(hn.asked)
    renames = len(recorded(tmp_path / "whole"))
    assert renames > 5
    hn.asked.clear()
    for number in range(renames):  # each pull after the first adds one page, and dies with the second one
        with killed_at(min(number, 1)):
            acts(opened(hn, tmp_path / "killed"))
        assert len(recorded(tmp_path / "killed")) == number
    assert acts(opened(hn, tmp_path / "killed")) == whole
    assert len(hn.asked) <= 2 * requests + renames  # each pull may ask for the newest item


def test_a_day_that_has_not_ended_goes_on_with_the_next_pull(hn: Platform, tmp_path: Path) -> None:
    whole, newest = hn.answer, FIRST_OF_DAY + 70
    hn.answer = lambda path: Reply(newest) if path == "/maxitem.json" else whole(path)
    pages = list(opened(hn, tmp_path).pages(DAY, DAY))
    early = of_day([act for page in pages for act in page.acts.to_pylist()])
    assert early == {number for number in EXPECTED if number <= newest}
    assert [note for page in pages for note in page.notes] == [Note(UNFINISHED, True, DAY)]
    hn.answer = whole
    hn.asked.clear()
    assert of_day(acts(opened(hn, tmp_path))) == EXPECTED
    assert f"/item/{FIRST_OF_DAY + 1}.json" not in hn.asked


def test_days_of_a_range_are_recorded_each(hn: Platform, tmp_path: Path) -> None:
    assert len(of_day(acts(opened(hn, tmp_path), DAY - timedelta(days=1), DAY))) == len(EXPECTED)
    assert sorted(path.name for path in (tmp_path / "hn").iterdir()) == ["2026-11-02", "2026-11-03"]


def test_a_story_that_is_listed_again_does_not_mislead_the_search(hn: Platform, tmp_path: Path) -> None:
    """Its time is later than its neighbours'."""
    whole = hn.answer

    def answer(path: str) -> Reply:
        reply = whole(path)
        if (
            path.startswith("/item/")
            and reply.value
            and reply.value["id"] < FIRST_OF_DAY
            and reply.value["id"] % 30 == 0
        ):
            return Reply(reply.value | {"time": MIDNIGHT + 50_000})
        return reply

    hn.answer = answer
    assert of_day(acts(opened(hn, tmp_path))) >= EXPECTED


def test_one_odd_item_is_rejected_and_the_others_survive(hn: Platform, tmp_path: Path) -> None:
    whole = hn.answer
    odd = {"id": 5_003, "by": {"no": "name"}, "type": "story", "time": MIDNIGHT + 120}
    hn.answer = lambda path: Reply(odd) if path == "/item/5003.json" else whole(path)
    pages = list(opened(hn, tmp_path).pages(DAY, DAY))
    assert of_day([act for page in pages for act in page.acts.to_pylist()]) == EXPECTED - {5_003}
    assert [fault["reason"] for page in pages for fault in page.faults.to_pylist()] == [
        "actor id is neither a string nor a number"
    ]


def test_answers_about_another_item_count_as_empty(hn: Platform, tmp_path: Path) -> None:
    whole = hn.answer
    hn.answer = lambda path: Reply(item(7_001)) if path == "/item/5003.json" else whole(path)
    assert of_day(acts(opened(hn, tmp_path))) == EXPECTED - {5_003}


def test_a_place_that_is_no_address_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="expected an address"):
        parse_specs(["hn:hackernews=some/file"])[0].open(tmp_path)


# Recorded answers of the real API


def test_recorded_items_are_read(fixtures: FindFile, tmp_path: Path) -> None:
    with tarfile.open(fixtures("hackernews/hackernewsr.tar.xz")) as archive:
        bodies = [content(archive, member) for member in archive if "/item/" in member.name]
    bodies = [body for body in bodies if body.strip() != b"null"]
    assert len(bodies) > 5
    kinds = Counter(type(record).__name__ for body in bodies for record in parse(b" ".join(body.splitlines())))
    assert kinds["Act"] >= 5
