"""RSS, Atom or JSON Feed -> who published what, when, and where its comments are; without titles and texts.

`feedparser` reads the first two, also malformed ones (https://feedparser.readthedocs.io). It gets the bytes as a file: given
bytes alone, it would first try to open a file of that name. JSON Feed is https://www.jsonfeed.org/version/1.1.
"""

import io
import re
from calendar import timegm
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urljoin

import feedparser
from feedparser.mixin import _FeedParserMixin

from jobs.sources import urls
from jobs.sources.live.budget import ApiError
from jobs.sources.live.web import ROBOT, forbid_links
from jobs.sources.page import Rejected
from jobs.sources.values import EARLIEST, LATEST, from_iso, json_object, shown, within

KINDS = (
    "xml",
    "rss",
    "atom",
    "json",
    "text/plain",
    "octet-stream",
)  # parts of the media types that feeds are sent with
JSON_FEED = "https://jsonfeed.org/version/"
MOST_AUTHOR_LETTERS = 500

# Half of a surrogate pair as a character reference, which some blogs write for emoji; the library fails on it.
_HALF_PAIR = re.compile(
    rb"&#(x0*d[89a-f][0-9a-f]{2}|0*(5529[6-9]|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));", re.I
)

_find_email = _FeedParserMixin._sync_author_detail


def _find_email_in_time(parser: Any, key: str = "author") -> None:
    """Shortens the author's text before the library searches it for an e-mail address, because the time of that search grows
    with the square of the length."""
    context = parser._get_context()
    if isinstance(context.get(key), str):
        context[key] = context[key][:MOST_AUTHOR_LETTERS]
    _find_email(parser, key)


_FeedParserMixin._sync_author_detail = _find_email_in_time


class Entry(NamedTuple):
    """One entry. `at`: seconds since 1970 by the feed's clock. `author`: the account of its own author. `of`: the name of the
    entry that it replies to. `comments`: the URL of its comment feed. `comment_count`: the number of its comments."""

    name: str | None
    at: int | None
    link: str | None = None
    author: str | None = None
    author_name: str | None = None
    of: str | None = None
    comments: str | None = None
    comment_count: int | None = None


class Feed(NamedTuple):
    """A feed. `account`: that of its author, else its home page on the same host, else its own URL."""

    account: str
    author_name: str | None
    entries: list[Entry]


def read(body: bytes, url: str, kind: str = "") -> Feed:
    """The feed in a document from this URL with this media type. Raises `ApiError` if it is none, such as an HTML page. Leaves
    out comment feeds if the feed asks robots not to follow links."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
        return _of_json(body, url)
    headers = {"content-location": url} | ({"content-type": kind} if kind else {})
    file = io.BytesIO(_HALF_PAIR.sub(b"&#65533;", body))
    try:
        parsed = feedparser.parse(file, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
        if not parsed.get("version"):
            raise ApiError(f"{urls.host(url)}: answers with a page that is no feed")
        feed = _feed(url, _author(parsed.feed), parsed.feed.get("link"), [_entry(each, url) for each in parsed.entries])
        return without_comments(feed) if _forbids_links(parsed.feed) else feed
    except ApiError:
        raise
    except Exception as error:  # the library raises errors of many types on malformed feeds
        raise ApiError(f"{urls.host(url)}: its feed cannot be read ({type(error).__name__})") from None


def without_comments(feed: Feed) -> Feed:
    """The feed without the URLs of its comment feeds."""
    return feed._replace(entries=[entry._replace(comments=None, comment_count=None) for entry in feed.entries])


def _forbids_links(of: Any) -> bool:
    """Whether the XHTML `meta` of a feed or an entry asks robots not to follow its links."""
    meta = of.get("xhtml_meta")
    is_for_robots = isinstance(meta, dict) and str(meta.get("name")).lower() in ("robots", ROBOT)
    return is_for_robots and forbid_links([str(meta.get("content"))])


def _feed(url: str, author: tuple[str | None, str | None], home: Any, entries: list[Entry]) -> Feed:
    own = urls.account(home) if urls.host(home) == urls.host(url) else None
    account = author[0] or own or urls.account(url)
    assert account is not None
    return Feed(account, author[1], entries)


def _author(of: Any) -> tuple[str | None, str | None]:
    """Account and name of the first author that names a URL, else the name of the first author."""
    people = [each for each in of.get("authors") or () if each] or [of.get("author_detail") or {}]
    known = next((each for each in people if urls.account(each.get("href"))), people[0])
    return urls.account(known.get("href")), _person_name(known.get("name"))


def _person_name(value: Any) -> str | None:
    """A name of a person, without addresses of e-mail."""
    name = shown(value.strip()) if isinstance(value, str) else None
    return name if name and "@" not in name else None


def _entry(entry: Any, url: str) -> Entry:
    author, name = _author(entry)
    time = entry.get("published_parsed") or entry.get("created_parsed") or entry.get("updated_parsed")
    link, ref = _text(entry.get("link")), entry.get("thr_in-reply-to")
    of = _text(within(dict(ref), "ref") or within(dict(ref), "href")) if isinstance(ref, dict) else None
    comments, count = next(_comments(entry), (None, None))
    return Entry(
        _text(entry.get("id")) or link,
        _seconds(time),
        link,
        author,
        name,
        _joined(url, of),
        _joined(url, comments),
        _number(count) if comments else None,
    )


def _comments(entry: Any) -> Iterator[tuple[str, Any]]:
    """URL and size of the comment feeds of an entry that may be followed. Atom names them by RFC 4685, RSS by the modules wfw
    and slash."""
    if _forbids_links(entry):
        return
    for link in entry.get("links") or ():
        relations = str(link.get("rel")).split()
        is_feed = any(each in str(link.get("type")) for each in ("xml", "rss", "atom"))
        if "replies" in relations and "nofollow" not in relations and is_feed and _text(link.get("href")):
            yield link["href"], link.get("thr:count") or entry.get("thr_total")
    if url := _text(entry.get("wfw_commentrss")):
        yield url, entry.get("slash_comments")


def _of_json(body: bytes, url: str) -> Feed:
    try:
        feed = json_object(body.lstrip(b"\xef\xbb\xbf"))
    except Rejected:
        feed = {}
    items = feed.get("items")
    if not str(feed.get("version")).startswith(JSON_FEED) or not isinstance(items, list):
        raise ApiError(f"{urls.host(url)}: answers with JSON that is no feed")
    return _feed(url, _json_author(feed), feed.get("home_page_url"), [_json_entry(each, url) for each in items])


def _json_author(of: Any) -> tuple[str | None, str | None]:
    authors = within(of, "authors")
    people = [*(authors if isinstance(authors, list) else ()), within(of, "author")]
    person = next((each for each in people if urls.account(within(each, "url"))), people[0])
    return urls.account(within(person, "url")), _person_name(within(person, "name"))


def _json_entry(item: Any, url: str) -> Entry:
    link, name = _text(within(item, "url")), within(item, "id")
    name = str(name) if isinstance(name, int | float) else _text(name)
    name = name or link
    try:
        at = from_iso(within(item, "date_published") or within(item, "date_modified")) // 1_000_000
    except Rejected:
        at = None
    return Entry(_joined(url, name), at, link, *_json_author(item))


def _text(value: Any) -> str | None:
    """A name or an address that an id can hold, else None: a pull must not fail because of one blog's malformed text."""
    text = shown(value.strip()) if isinstance(value, str) else None
    return text if text and len(text) <= urls.MOST_LETTERS else None


def _joined(url: str, reference: str | None) -> str | None:
    """The reference, relative to the URL of its document; None if there is none or it is malformed."""
    try:
        return _text(urljoin(url, reference)) if reference else None
    except ValueError:
        return None


def _seconds(time: Any) -> int | None:
    """Seconds since 1970 of a parsed time, None if there is none or it is out of range."""
    seconds = timegm(time) if time else None
    return seconds if seconds is not None and EARLIEST <= seconds < LATEST else None


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
