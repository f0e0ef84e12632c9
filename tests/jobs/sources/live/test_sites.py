"""What all sources of sites do, through their real clients, against small sites on loopback."""

import logging
from email.utils import formatdate
from pathlib import Path

import pytest
from backports import zstd

from jobs import pull_activity
from jobs.errors import UsageError
from jobs.sources.live import sites
from jobs.sources.live.budget import ApiError
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.live.roster import MOST_FAILURES
from jobs.sources.live.sites import Part, SiteAsk
from jobs.sources.spec import LiveOptions, SourceSpec
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.sources import discourse_server, mediawiki_server, stackexchange_server
from tests.jobs.sources.killed import killed_at, recorded
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import DAY, TEXT, TOMORROW, Clock, Site, pulled

SITES = (stackexchange_server.SITE, mediawiki_server.SITE, discourse_server.SITE)


@pytest.fixture(params=SITES, ids=lambda site: site.type)
def site(request: pytest.FixtureRequest, platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Site:
    request.param.serve(platform, monkeypatch)
    return request.param


def test_a_day_is_whole_and_no_page_is_asked_twice(site: Site, platform: Platform, tmp_path: Path) -> None:
    assert pulled(site.opened(platform, tmp_path)) == (site.expected, [])
    assert len(platform.asked) - len(set(platform.asked)) <= site.twice


def test_no_text_is_recorded(site: Site, platform: Platform, tmp_path: Path) -> None:
    pulled(site.opened(platform, tmp_path))
    assert TEXT.encode() in b"".join(site.answer(path).body for path in platform.asked)
    assert not [path for path in recorded(tmp_path) if TEXT.encode() in zstd.decompress(path.read_bytes())]


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(
    site: Site, platform: Platform, tmp_path: Path
) -> None:
    whole = pulled(site.opened(platform, tmp_path))
    platform.asked.clear()
    assert pulled(site.opened(platform, tmp_path)) == whole
    assert platform.asked == []


def test_a_pull_that_is_killed_before_a_rename_asks_at_most_one_page_again(
    site: Site, platform: Platform, tmp_path: Path
) -> None:
    whole = pulled(site.opened(platform, tmp_path / "whole"))
    once, pages = len(platform.asked), len(recorded(tmp_path / "whole"))
    assert pages > 5
    for number in range(pages):
        landing = tmp_path / str(number)
        platform.asked.clear()
        with killed_at(number):
            pulled(site.opened(platform, landing))
        assert pulled(site.opened(platform, landing)) == whole
        assert len(platform.asked) <= once + site.again


def test_a_pull_out_of_budget_says_where_and_the_next_one_resumes(
    site: Site, platform: Platform, tmp_path: Path
) -> None:
    pulled(site.opened(platform, tmp_path / "whole"))
    once = len(platform.asked)
    for requests in range(site.first, once, 3):
        platform.asked.clear()
        acts, notes = pulled(site.opened(platform, tmp_path / str(requests), requests))
        assert len(notes) == 1
        assert notes[0].reason.startswith(f"the budget of {requests:,} requests is used up after ")
        assert (notes[0].partial, notes[0].lasting, notes[0].absent) == (True, False, False)
        assert pulled(site.opened(platform, tmp_path / str(requests))) == (site.expected, [])
        assert len(platform.asked) <= once + site.again
        assert set(acts) <= set(site.expected)


@pytest.mark.parametrize(
    "reply",
    [Reply(b"<html>log in</html>"), Reply(b'{"items": [1, 2'), Reply(b""), Reply(b"", 502)],
    ids=["HTML", "truncated JSON", "empty", "502"],
)
def test_a_site_that_fails_has_no_data_of_the_day(site: Site, platform: Platform, tmp_path: Path, reply: Reply) -> None:
    platform.answer = lambda _: reply
    acts, (note, *_) = pulled(site.opened(platform, tmp_path))
    assert (acts, note.partial, note.absent) == ({}, True, True)
    assert "log in" not in note.reason


@pytest.mark.parametrize("value", [None, [], {}, {"items": 7}, {"query": []}, {"latest_posts": {}}, "text", 7])
def test_json_of_another_shape_is_no_data(site: Site, platform: Platform, tmp_path: Path, value: object) -> None:
    platform.answer = lambda _: Reply(value)
    acts, notes = pulled(site.opened(platform, tmp_path))
    assert acts == {}
    assert notes[0].partial


def test_a_rate_limit_is_waited_for(site: Site, platform: Platform, tmp_path: Path) -> None:
    limited, clock = [Reply(None, 429, {"Retry-After": "12"})], Clock()
    platform.answer = lambda path: limited.pop() if limited else site.answer(path)
    assert pulled(site.opened(platform, tmp_path, clock=clock)) == (site.expected, [])
    assert clock.waits == [13]


@pytest.mark.parametrize(("status", "most"), [(401, 1), (403, MOST_FAILURES)])
def test_a_site_that_denies_access_fails_at_once(
    site: Site, platform: Platform, tmp_path: Path, status: int, most: int
) -> None:
    platform.answer = lambda _: Reply(None, status)
    with pytest.raises(UsageError, match="not allowed"):
        pulled(site.opened(platform, tmp_path))
    assert len(platform.asked) <= most


def test_a_day_that_has_not_ended_by_the_platforms_clock_is_not_recorded(
    site: Site, platform: Platform, tmp_path: Path
) -> None:
    def at(seconds: int) -> None:
        platform.answer = lambda path: site.answer(path)._replace(headers={"Date": formatdate(seconds, usegmt=True)})

    at(TOMORROW - 1)
    acts, (note,) = pulled(site.opened(platform, tmp_path))
    assert (acts, note.partial, note.absent) == ({}, True, True)
    assert "the day has not ended" in note.reason
    at(TOMORROW)
    assert pulled(site.opened(platform, tmp_path)) == (site.expected, [])


def test_every_log_line_hides_queries(
    site: Site, platform: Platform, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "jobs")  # as the command line does
    pulled(site.opened(platform, tmp_path))
    assert "?" not in caplog.text


def test_a_pull_writes_activity_and_coverage(site: Site, platform: Platform, warehouse: Warehouse) -> None:
    spec = SourceSpec("site", site.type, (), options=LiveOptions(ask=site.ask(platform.url)))
    params = pull_activity.Params(source=spec, first_day=DAY, last_day=DAY)
    (done,) = pull_activity.run(warehouse, params, Batch("test"))
    rows = warehouse.read(ACTIVITY, {"day": DAY}).to_pylist()
    name = site.ask(platform.url)["site"].rpartition("/")[2].partition(":")[0]
    known = {act: found for act, found in site.expected.items() if found[2] is not None}
    assert {row["activity_id"]: (row["kind"], row["actor_id"], row["target_id"]) for row in rows} == known
    (coverage,) = warehouse.read(COVERAGE).to_pylist()
    assert (coverage["platform"], coverage["status"], coverage["reason"]) == (name, "complete", None)
    assert coverage["scope"] == "everyone"
    assert done.unresolved_count == len(site.expected) - len(known)


# The shared parts


def test_a_list_ends_with_what_it_lacks(tmp_path: Path) -> None:
    parts = {None: Part([1], 5), 5: Part([2], None, "too old")}
    sites.record(Recording(tmp_path, "list"), parts.__getitem__)
    assert Recording(tmp_path, "list").cursor == Cursor(None, True, "too old")


@pytest.mark.parametrize("begin", [None, 1])
def test_a_list_that_leads_back_is_no_list(tmp_path: Path, begin: int | None) -> None:
    """Also if the pull resumes inside the circle."""
    recording = Recording(tmp_path, "list")
    recording.add([], Cursor(begin))
    parts = {None: Part(["a"], 1), 1: Part(["b"], 2), 2: Part(["c"], 1)}
    with pytest.raises(ApiError, match="leads back"):
        sites.record(recording, parts.__getitem__)
    assert not recording.cursor.done


@pytest.mark.parametrize(
    ("site", "host"),
    [
        ("https://Forum.example.org/", "forum.example.org"),
        ("dba.stackexchange.com", "dba.stackexchange.com"),
        ("https://m\u00fcnchen.example/wiki", "xn--mnchen-3ya.example"),
        ("http://127.0.0.1:8080", "127.0.0.1"),
    ],
)
def test_the_platform_is_the_sites_host(site: str, host: str) -> None:
    assert SiteAsk(**SiteAsk.of_places([site])).host == host


@pytest.mark.parametrize(
    "places", [[""], ["ftp://example.org"], ["https://"], ["a b"], ["https://u:s3cr3t@example.org"], ["https://[::1]/"],
               ["https://example.org/?key=s3cr3t"], ["a.example", "b.example"]],
)  # fmt: skip
def test_a_place_that_is_no_site_is_refused_and_not_quoted(places: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        SiteAsk.of_places(places)
    assert "s3cr3t" not in str(raised.value)
