"""Webmentions through the real client, against a webmention.io on loopback."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources import webmentions
from jobs.sources.live.budget import Budget
from jobs.sources.live.http import NotAllowedError
from jobs.sources.live.settings import Limits, Settings
from jobs.sources.page import Account, Act, Author, Ignored, Note, Record, Rejected, Unresolved
from jobs.sources.spec import LiveOptions, SourceSpec, parse_specs
from jobs.sources.webmentions import WebmentionsSource, parse
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.webmentions_server import BEGIN, DAY, SECRET, TEXT, Service, mention

T = int(BEGIN.timestamp()) * 1_000_000


EXPECTED = set(range(100, 148))
ACTS = {number for number in EXPECTED if number % 6 != 5}


@pytest.fixture
def service(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Service:
    monkeypatch.setattr(webmentions, "PAGE_MENTIONS", 10)
    monkeypatch.setenv("CLOUT_CONNECTION_WM", SECRET)
    return Service(platform)


def opened(service: Service, landing: Path, requests: int = 100, **ask: Any) -> WebmentionsSource:
    return WebmentionsSource(
        Settings(
            id="wm",
            landing=landing,
            ask={"api": f"{service.platform.url}/api"} | ask,
            limits=Limits(requests=requests),
            budget=lambda requests, minutes: Budget(requests, minutes, sleep=lambda _: None),
        )
    )


def pulled(source: WebmentionsSource, day: date = DAY) -> tuple[set[int], list[Note]]:
    pages = list(source.pages(day, day))
    acts = [act for page in pages for act in page.acts.to_pylist()]
    assert len({act["activity_id"] for act in acts}) == len(acts)
    return {int(act["activity_id"].removeprefix("webmention.io:")) for act in acts}, [
        note for page in pages for note in page.notes
    ]


# One mention


PAGE, SITE, ANA = "https://Blog1.example/p/1", "https://blog1.example/", "https://u1.example/"
KNOWN = (Author(PAGE, SITE), Account(ANA, T, display_name="Ana"))


@pytest.mark.parametrize(
    ("named", "kind"),
    [
        ("in-reply-to", "reply"),
        ("like-of", "like"),
        ("bookmark-of", "like"),
        ("repost-of", "reshare"),
        ("mention-of", "mention"),
    ],
)
def test_what_a_mention_becomes(named: str, kind: str) -> None:
    line = orjson.dumps(mention(1, BEGIN, **{"wm-property": named}))
    assert parse(line) == (Act(kind, ANA, SITE, T, "webmention.io:1", PAGE), *KNOWN)


@pytest.mark.parametrize(
    ("change", "record"),
    [
        ({"wm-property": "rsvp"}, Ignored(T)),
        ({"wm-private": True}, Ignored(T)),
        ({"author": {"name": "Ana", "url": None}}, Unresolved(webmentions.NO_AUTHOR, T)),
        ({"author": "Ana"}, Unresolved(webmentions.NO_AUTHOR, T)),
    ],
    ids=["rsvp", "private", "no URL", "no author"],
)
def test_mentions_that_are_no_acts(change: dict[str, Any], record: Record) -> None:
    assert parse(orjson.dumps(mention(1, BEGIN, **change))) == (record,)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"wm-property": "poke-of"}, "wm-property is none of in-reply-to"),
        ({"wm-property": ["like-of"]}, "wm-property is none of in-reply-to"),
        ({"wm-target": "about:blank"}, "wm-target is no URL"),
        ({"wm-id": None}, "wm-id is missing"),
        ({"wm-received": None}, "time is not a text"),
    ],
)
def test_odd_mentions_are_rejected(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        parse(orjson.dumps(mention(1, BEGIN, **change)))


def test_a_handle_from_right_to_left_is_a_name_only() -> None:
    author = {"name": "\u202eana", "url": "https://u1.example/\u202e"}
    assert parse(orjson.dumps(mention(1, BEGIN, author=author))) == (Unresolved(webmentions.NO_AUTHOR, T),)


def test_hostile_mentions_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    survives(parse, [orjson.dumps(mention(number, BEGIN)) for number in range(3)])


# A day


def test_a_day_is_whole_page_after_page_and_no_text_is_recorded(service: Service, tmp_path: Path) -> None:
    assert pulled(opened(service, tmp_path)) == (ACTS, [])
    assert len(service.asked) == 5
    assert service.asked[0]["since"] == "2026-11-02T23:59:59Z"
    content = b"".join(zstd.decompress(path.read_bytes()) for path in recorded(tmp_path))
    for word in (TEXT, SECRET, "photo", "published"):
        assert word.encode() not in content


def test_a_pull_writes_the_day(service: Service, warehouse: Warehouse) -> None:
    ask = {"api": f"{service.platform.url}/api", "domain": "blog0.example"}
    spec = SourceSpec("wm", "webmentions", (), None, LiveOptions(ask=ask))
    pull_activity.run(warehouse, pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    assert len(rows) == len(ACTS)
    assert {row["target_id"] for row in rows} == {"https://blog0.example/", "https://blog1.example/"}
    assert {row["platform"] for row in rows} == {"web"}
    assert service.asked[0]["domain"] == "blog0.example"
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["status"], coverage["reason"], coverage["scope"]) == ("complete", None, "population")


def test_the_same_day_again_asks_nothing_and_needs_no_secret(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = pulled(opened(service, tmp_path))
    service.asked.clear()
    monkeypatch.delenv("CLOUT_CONNECTION_WM")
    assert pulled(opened(service, tmp_path)) == first
    assert service.asked == []


def test_a_pull_that_is_killed_asks_one_page_again(service: Service, tmp_path: Path) -> None:
    whole = pulled(opened(service, tmp_path / "whole"))
    renames, once = len(recorded(tmp_path / "whole")), len(service.asked)
    assert renames == 5
    for number in range(renames):
        landing = tmp_path / str(number)
        service.asked.clear()
        with killed_at(number):
            pulled(opened(service, landing))
        assert pulled(opened(service, landing)) == whole
        assert len(service.asked) == once + 1


def test_a_pull_out_of_budget_resumes(service: Service, tmp_path: Path) -> None:
    _, (note,) = pulled(opened(service, tmp_path, requests=2))
    assert note.reason == "the budget of 2 requests is used up after 20 mentions; the next pull resumes there"
    assert (note.partial, note.absent) == (True, False)
    service.asked.clear()
    assert pulled(opened(service, tmp_path)) == (ACTS, [])
    assert [asked["since_id"] for asked in service.asked] == ["119", "129", "139"]


def test_a_day_that_is_not_over_goes_on_with_the_next_pull(service: Service, tmp_path: Path) -> None:
    service.clock = BEGIN + timedelta(hours=6)
    early, (note,) = pulled(opened(service, tmp_path))
    assert early == {number for number in ACTS if number <= 112}
    assert note == Note("the day had not ended by the service's clock", True, DAY)
    service.clock = BEGIN + timedelta(hours=24)
    assert pulled(opened(service, tmp_path)) == (ACTS, [])


def test_one_odd_mention_is_rejected_and_the_others_survive(service: Service, tmp_path: Path) -> None:
    service.mentions[60]["author"] = 7
    service.mentions[61]["wm-property"] = {"a": 1}
    whole = service.answer
    service.platform.answer = lambda path: (
        reply._replace(value={"children": [None, *reply.value["children"]]})
        if (reply := whole(path)).status == 200
        else reply
    )
    acts, notes = pulled(opened(service, tmp_path))
    assert (ACTS - acts, notes) == ({120, 121}, [])


# What goes wrong


def test_a_refused_key_fails_at_once_and_is_not_shown(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_CONNECTION_WM", "wr0ng")
    with pytest.raises(NotAllowedError, match=r"not allowed \(401\); check connection 'wm'$") as raised:
        pulled(opened(service, tmp_path))
    assert "wr0ng" not in str(raised.value)
    assert len(service.platform.asked) == 1
    assert "wr0ng" not in service.platform.asked[0]


def test_a_missing_key_is_named(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUT_CONNECTION_WM")
    with pytest.raises(UsageError, match="CLOUT_CONNECTION_WM"):
        pulled(opened(service, tmp_path))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(b"<html>"), "the answer is not JSON, 6 times"),
        (Reply(b""), "the answer is not JSON, 6 times"),
        (Reply([]), "the answer is no list of mentions"),
        (Reply({"children": [mention(n, BEGIN) for n in range(1, 11)]}), "a page repeats mentions already listed"),
        (Reply(b"", 429, {"Retry-After": "3600"}), "the platform asks to wait 3,601 s"),
        (Reply(b"", 404), "not there (404)"),
    ],
    ids=["HTML", "empty", "no list", "repeated", "429", "404"],
)
def test_a_service_that_fails_leaves_the_day_partial(
    service: Service, tmp_path: Path, reply: Reply, reason: str
) -> None:
    service.platform.answer = lambda _: reply
    _, (note,) = pulled(opened(service, tmp_path))
    assert reason in note.reason
    assert note.partial
    assert not note.lasting


def test_a_place_is_a_domain(tmp_path: Path) -> None:
    for domain in ("example.org", ""):
        (spec,) = parse_specs([f"wm:webmentions={domain}"])
        source = spec.open(tmp_path)
        assert isinstance(source, WebmentionsSource)
        assert source.ask.domain == domain
