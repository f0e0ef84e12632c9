"""Documents that are feeds, are not, or mean harm."""

import json
import tarfile
from collections import Counter
from pathlib import Path

import orjson
import pytest

from jobs.sources import feed_documents, feeds
from jobs.sources.feeds import parse
from jobs.sources.live.budget import ApiError
from tests.fixture_types import FindFile
from tests.jobs.sources.blogs import ATOM, MIDNIGHT, TEXT, atom, author, entry


def test_rss_names_its_comment_feed_and_their_number() -> None:
    names = 'xmlns:wfw="http://wellformedweb.org/CommentAPI/" xmlns:slash="http://purl.org/rss/1.0/modules/slash/"'
    body = (
        f'<rss version="2.0" {names}><channel><link>https://example.org</link><item><guid isPermaLink="false">7</guid>'
        "<author>ana@example.org (Ana)</author><pubDate>Tue, 03 Nov 2026 01:00:00 +0100</pubDate>"
        "<wfw:commentRss>/7/comments</wfw:commentRss><slash:comments>2</slash:comments></item></channel></rss>"
    ).encode()
    feed = feed_documents.read(body, "https://example.org/feed")
    (found,) = feed.entries
    assert feed.account == "https://example.org/"
    assert (found.at, found.author, found.author_name) == (MIDNIGHT, None, "Ana")
    assert (found.comments, found.comment_count) == ("https://example.org/7/comments", 2)


def test_json_feeds_are_read() -> None:
    items = [
        {"id": 7, "date_published": "2026-11-03T00:00:00Z", "authors": [{"name": "Ana", "url": "https://ana.example"}]},
        {"id": "https://example.org/8", "content_text": TEXT},
        7,
    ]
    body = orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})
    first, second, third = feed_documents.read(body, "https://example.org/feed.json").entries
    assert (first.name, first.at, first.author) == ("https://example.org/7", MIDNIGHT, "https://ana.example/")
    assert (second.name, second.at) == ("https://example.org/8", None)
    assert third.name is None


def test_a_document_that_names_a_file_does_not_open_it(tmp_path: Path) -> None:
    (tmp_path / "feed").write_bytes(atom(entry("secret", 1)))
    with pytest.raises(ApiError, match="no feed"):
        feed_documents.read(str(tmp_path / "feed").encode(), "https://example.org/feed")


def test_entities_that_explode_do_not() -> None:
    bomb = '<!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa">' + "".join(
        f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)
    )
    body = bomb.encode() + b"]>" + atom(entry("&m;", 1))
    assert len(feed_documents.read(body, "https://example.org/feed").entries[0].name or "") < 100


@pytest.mark.parametrize(
    "odd", ["http://[", "http://a:b/", "//", ":", "a b", "\x85", "\u202e", "\ud800", "x" * 3000, "http://ex\u0000", "é"]
)
def test_odd_names_break_nothing_and_reject_nothing(odd: str) -> None:
    text = odd.replace("\ud800", "&#55296;").replace("\x00", "&#0;")
    reply = (
        f'<thr:in-reply-to ref="{text}" href="{text}"/><link rel="replies" type="application/atom+xml" href="{text}"/>'
    )
    of_atom = atom(f"<link href='{text}'/>{author(text, text)}", entry(text, 1, reply), entry("a", 2, author(text)))
    person = {"name": odd, "url": odd}
    item = {"id": odd, "url": odd, "date_published": odd, "authors": [person, odd]}
    of_json = json.dumps(
        {"version": feed_documents.JSON_FEED, "home_page_url": odd, "authors": [person], "items": [item]}
    )
    for body in (of_atom, of_json.encode("utf-8", "surrogatepass")):
        feed = feed_documents.read(body, "https://example.org/feed", ATOM)
        for post in (None, feeds.Post("https://example.org/p", None)):
            for item in feeds._recorded(feed, "https://example.org/feed", post):
                assert parse(orjson.dumps(item))


def test_an_author_without_an_end_is_cut() -> None:
    """A search for an address of e-mail in all of it would take days."""
    body = f"<rss version='2.0'><channel><item><author>{'a.' * 500_000}</author></item></channel></rss>".encode()
    (found,) = feed_documents.read(body, "https://example.org/feed").entries
    assert len(found.author_name or "") == feed_documents.MOST_AUTHOR_LETTERS


def test_every_recorded_feed_is_parsed(fixtures: FindFile) -> None:
    """An uppercase Channel Definition Format of 1997 is no feed any more; the library never fails."""
    found, faults = Counter[str](), Counter[str]()
    with tarfile.open(fixtures("blog/feedparser.tar.xz")) as archive:
        for member in archive:
            if not member.name.endswith((".xml", ".json")):
                continue
            found["documents"] += 1
            file = archive.extractfile(member)
            assert file is not None
            try:
                feed = feed_documents.read(file.read(), "https://example.org/feed")
            except ApiError as error:
                faults[str(error)] += 1
                continue
            for item in feeds._recorded(feed, "https://example.org/feed", None):
                found["entries"] += 1
                found.update(type(record).__name__ for record in parse(orjson.dumps(item)))
    assert faults == {"example.org: answers with a page that is no feed": 16}
    assert found == {"documents": 2_107, "entries": 1_211, "Act": 50, "Unresolved": 1_161, "Account": 50, "Author": 115}
