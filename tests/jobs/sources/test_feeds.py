"""Feeds through the real client, against blogs on loopback: what entries become, and whole days."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from backports import zstd

from jobs.errors import UsageError
from jobs.sources import feeds
from jobs.sources.feeds import FeedsSource, parse
from jobs.sources.page import Account, Act, Author, Note, Record, Unresolved
from jobs.sources.spec import parse_specs
from jobs.sources.values import NO_TIME, derived_id
from tests.jobs.sources.blogs import DAY, MIDNIGHT, OLD, TEXT, Blogs, T, atom, author, entry, opened, pulled
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.platform_server import Platform


@pytest.fixture
def blogs(platform: Platform) -> Blogs:
    return Blogs(platform)


# One entry


ITEM = {"id": "https://example.org/1", "link": None, "at": MIDNIGHT, "account": "https://example.org/", "name": "Org"}
DERIVED = derived_id("https://example.org/", "https://example.org/", T)
KNOWN = (
    Author("https://example.org/1", "https://example.org/"),
    Account("https://example.org/", T, display_name="Org"),
)


@pytest.mark.parametrize(
    ("change", "records"),
    [
        ({}, (Act("post", "https://example.org/", "https://example.org/", T, "https://example.org/1"), *KNOWN)),
        ({"of": "p"}, (Act("reply", "https://example.org/", None, T, "https://example.org/1", "p"), *KNOWN)),
        ({"account": None, "of": "p"}, (Unresolved(feeds.NO_URL, T),)),
        ({"at": None}, (Unresolved(NO_TIME, None), KNOWN[0])),
        (
            {"id": None},
            (
                Act(
                    "post",
                    "https://example.org/",
                    "https://example.org/",
                    T,
                    DERIVED,
                ),
                KNOWN[1],
            ),
        ),
    ],
    ids=["post", "reply", "no URL", "no date", "no id"],
)
def test_what_an_entry_becomes(change: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(ITEM | change)) == records


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    survives(parse, [orjson.dumps(ITEM), orjson.dumps(ITEM | {"of": "p", "link": "https://example.org/"})])


# A day


def test_a_day_holds_the_posts_of_all_feeds_and_no_text(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents |= {
        "/feed": atom(entry("a", 1, author("https://ana.example")), entry("b", 23, author("not a URL")), OLD),
        "/other": atom(author("HTTP://Bo.Example/"), entry("c", 5), entry("d", 24), entry("e", -1)),
    }
    acts, notes = pulled(opened(blogs, tmp_path, "/feed", "/other"))
    own = blogs.url.replace("http", "https") + "/feed"
    assert acts == [
        ("post", own, "b"),
        ("post", "https://ana.example/", "a"),
        ("post", "https://bo.example/", "c"),
    ]
    assert notes == []
    content = b"".join(zstd.decompress(path.read_bytes()) for path in recorded(tmp_path))
    assert TEXT.encode() not in content
    assert b"ana@example.org" not in content


def test_the_same_day_again_asks_nothing_and_gives_the_same_rows(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents["/feed"] = atom(entry("a", 1), OLD)
    first = pulled(opened(blogs, tmp_path))
    blogs.platform.asked.clear()
    assert pulled(opened(blogs, tmp_path)) == first
    assert blogs.platform.asked == []


def test_a_feed_that_did_not_change_is_not_sent_again_and_its_entries_count_on_their_day(
    blogs: Blogs, tmp_path: Path
) -> None:
    """The entry of one o'clock was in the feed when the day before was pulled."""
    blogs.documents["/feed"] = atom(entry("a", 1), entry("b", -3), OLD)
    yesterday, _ = pulled(opened(blogs, tmp_path), DAY - timedelta(1))
    assert [name for *_, name in yesterday] == ["b"]
    acts, notes = pulled(opened(blogs, tmp_path))
    assert [name for *_, name in acts] == ["a"]
    assert (notes, blogs.not_modified) == ([], 1)
    assert pulled(opened(blogs, tmp_path)) == (acts, notes)


def test_entries_that_do_not_reach_back_make_the_day_partial_for_good(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents["/feed"] = atom(entry("b", 3), entry("a", 2))
    acts, (note,) = pulled(opened(blogs, tmp_path))
    assert [name for *_, name in acts] == ["a", "b"]
    assert note == Note(f"1 of 1 feeds: {feeds.NOT_BACK}", True, DAY, lasting=True)
    assert pulled(opened(blogs, tmp_path)) == (acts, [note])


def test_a_feed_that_shares_an_entry_with_an_earlier_pull_is_whole(blogs: Blogs, tmp_path: Path) -> None:
    """Also with what it dropped since."""
    blogs.clock = MIDNIGHT + 2 * 3600
    blogs.documents["/feed"] = atom(entry("b", 1.5), entry("a", 1), OLD)
    pulled(opened(blogs, tmp_path), DAY - timedelta(1))
    blogs.clock = MIDNIGHT + 25 * 3600
    blogs.documents["/feed"] = atom(entry("d", 4), entry("c", 3), entry("b", 1.5))
    acts, notes = pulled(opened(blogs, tmp_path))
    assert [name for *_, name in acts] == ["a", "b", "c", "d"]
    assert notes == []


def test_a_feed_that_shares_nothing_with_an_earlier_pull_has_a_gap(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents["/feed"] = atom(entry("a", -3), OLD)
    pulled(opened(blogs, tmp_path), DAY - timedelta(1))
    blogs.documents["/feed"] = atom(entry("d", 4), entry("c", 3))
    _, (note,) = pulled(opened(blogs, tmp_path))
    assert (note.partial, note.lasting) == (True, True)


def test_an_empty_feed_lacks_nothing(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents["/feed"] = atom()
    assert pulled(opened(blogs, tmp_path)) == ([], [])


def test_a_day_that_is_not_over_is_asked_again(blogs: Blogs, tmp_path: Path) -> None:
    blogs.clock = MIDNIGHT + 10 * 3600
    blogs.documents["/feed"] = atom(entry("a", 1), OLD)
    early, (note,) = pulled(opened(blogs, tmp_path))
    assert [name for *_, name in early] == ["a"]
    assert (note.partial, note.absent, note.lasting) == (True, False, False)
    blogs.clock = MIDNIGHT + 25 * 3600
    blogs.documents["/feed"] = atom(entry("b", 20), entry("a", 1), OLD)
    acts, notes = pulled(opened(blogs, tmp_path))
    assert [name for *_, name in acts] == ["a", "b"]
    assert notes == []


def test_entries_without_a_date_are_unresolved(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents["/feed"] = atom(entry("a", None), entry("b", 2), OLD)
    faults = [each for page in opened(blogs, tmp_path).pages(DAY, DAY) for each in page.faults.to_pylist()]
    assert [(fault["outcome"], fault["reason"]) for fault in faults] == [("unresolved", NO_TIME)]


def test_a_population_that_changed_is_reported(blogs: Blogs, tmp_path: Path) -> None:
    blogs.documents |= {path: atom(entry("a", 1), OLD) for path in ("/feed", "/new")}
    pulled(opened(blogs, tmp_path), DAY - timedelta(1))
    _, (note,) = pulled(opened(blogs, tmp_path, "/feed", "/new"))
    assert note.reason == "the population changed since 2026-11-02: 1 new"


def test_feeds_come_from_a_population_or_an_opml_file(tmp_path: Path) -> None:
    population, opml = tmp_path / "blogs.tsv", tmp_path / "blogs.opml"
    population.write_text("https://example.org/feed\t2026-11-01\n")
    opml.write_text('<opml><body><outline><outline xmlUrl="https://example.org/feed"/></outline></body></opml>')
    for path in (population, opml):
        (spec,) = parse_specs([f"blogs:feeds={path}"])
        source = spec.open(tmp_path)
        assert isinstance(source, FeedsSource)
        assert [member.name for member in source.asked()] == ["https://example.org/feed"]
    (spec,) = parse_specs(["blogs:feeds=https://example.org/a"])
    source = spec.open(tmp_path)
    assert isinstance(source, FeedsSource)
    assert [member.name for member in source.asked()] == ["https://example.org/a"]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("a.opml", "<opml>", "expected an OPML file"),
        ("a.opml", "<opml/>", "no outline has an `xmlUrl`"),
        ("a.tsv", "not a URL\n", "expected an address"),
        ("a.tsv", "ftp://example.org/\n", "expected an address"),
    ],
)
def test_what_names_no_feeds_is_refused(tmp_path: Path, name: str, text: str, fault: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=fault):
        parse_specs([f"blogs:feeds={tmp_path / name}"])[0].open(tmp_path)
