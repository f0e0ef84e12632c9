"""Where a code of consent may be on each platform, and that a recording keeps nothing else of a profile."""

import base64
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs import codes
from jobs.codes import Seen
from jobs.sources import bluesky
from jobs.sources import github as github_source
from jobs.sources.bluesky import BlueskySource
from jobs.sources.live import profiles, web
from jobs.sources.live.settings import Settings
from jobs.sources.live.source import LiveSource
from tests.jobs.sources import mastodon_instance
from tests.jobs.sources.github import made
from tests.jobs.sources.jetstream_server import BEGIN, DAY, LATER, TEXT, Jetstream, event, running
from tests.jobs.sources.killed import recorded
from tests.jobs.sources.mastodon_instance import AFTER, person, status
from tests.jobs.sources.platform_server import Platform, Reply, served

URI = "https://home.example/users/ana"
WORDS = "what I wrote"


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(codes.VARIABLE, "7" * 64)


@pytest.fixture
def page() -> Iterator[Platform]:
    """A person's own site, on loopback."""
    with served() as platform:
        yield platform


def looked(source: LiveSource) -> list[Seen]:
    source.seeks_codes = True
    for _ in source.pages(DAY, DAY):
        pass
    return list(source.profiles(DAY))


def texts(source: LiveSource) -> str:
    return "\n".join(zstd.decompress(page.read_bytes()).decode() for page in recorded(source.folder(DAY)))


# Mastodon


def ana(platform: Platform, tmp_path: Path, **changed: Any) -> LiveSource:
    """A source of Ana's home instance, whose account is changed."""
    account = person(1, "ana", **changed)
    home = mastodon_instance.Instance(
        platform, people=[account], statuses=[status(10, account, mastodon_instance.at(1))]
    )
    return mastodon_instance.opened(home, tmp_path, accounts=["ana"])


CODE = "clout-public-" + "a" * 32


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"note": f"<p>{WORDS} {CODE}</p>"}, "note"),
        ({"fields": [{"name": CODE, "value": WORDS, "verified_at": None}]}, "fields"),
        ({"fields": [{"name": WORDS, "value": f"<b>{CODE}</b>", "verified_at": None}]}, "fields"),
    ],
)
def test_a_code_in_the_note_or_a_field_of_an_account_is_seen_and_no_text_kept(
    platform: Platform, tmp_path: Path, changed: dict[str, Any], where: str
) -> None:
    source = ana(platform, tmp_path, **changed)
    (seen,) = looked(source)
    at = int(AFTER.timestamp() * 1_000_000)
    assert seen == Seen(URI, "profile", {CODE: where}, at, claims=["own fediverse:ana@home.example"])
    assert WORDS not in texts(source)
    assert CODE in texts(source)


def linking(page: Platform, verified: str | None) -> dict:
    value = f'<a href="{page.url}/me?a=1&amp;b=2" rel="me">{WORDS}</a>'
    return {"fields": [{"name": "site", "value": value, "verified_at": verified}]}


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loopback counts as the internet."""
    monkeypatch.setattr(web, "PublicTransport", lambda exempt: None)


def test_a_page_that_a_verified_field_links_to_is_read(
    platform: Platform, page: Platform, public: None, tmp_path: Path
) -> None:
    page.answer = lambda path: Reply(f"<html>{WORDS} {CODE}".encode(), 404 if path == "/robots.txt" else 200)
    source = ana(platform, tmp_path, **linking(page, "2026-11-01T00:00:00Z"))
    (seen,) = looked(source)
    assert (dict(seen.codes), seen.is_whole) == ({CODE: f"{page.url}/me?a=1&b=2"}, True)
    assert WORDS not in texts(source)


def test_a_page_of_a_field_that_is_not_verified_is_never_asked(
    platform: Platform, page: Platform, public: None, tmp_path: Path
) -> None:
    page.answer = lambda _: Reply(CODE.encode())
    assert [dict(one.codes) for one in looked(ana(platform, tmp_path, **linking(page, None)))] == [{}]
    assert page.asked == []


@pytest.mark.parametrize(
    ("reply", "is_whole"),
    [
        (Reply(b"", 500), False),
        (Reply(b"", 403), False),
        (Reply(b"", 404), True),  # gone, and what was on it
        (Reply(b"x", headers={"Content-Type": "image/png"}), False),
    ],
)
def test_a_profile_is_whole_only_if_its_pages_were_read(
    platform: Platform, page: Platform, public: None, tmp_path: Path, reply: Reply, is_whole: bool
) -> None:
    page.answer = lambda path: Reply(b"", 404) if path == "/robots.txt" else reply
    (seen,) = looked(ana(platform, tmp_path, **linking(page, "2026-11-01T00:00:00Z")))
    assert (dict(seen.codes), seen.is_whole) == ({}, is_whole)


def test_a_page_inside_the_operators_network_is_never_asked(platform: Platform, page: Platform, tmp_path: Path) -> None:
    page.answer = lambda _: Reply(CODE.encode())
    (seen,) = looked(ana(platform, tmp_path, **linking(page, "2026-11-01T00:00:00Z")))
    assert (page.asked, dict(seen.codes), seen.is_whole) == ([], {}, False)


def test_the_home_pages_of_domains_that_may_name_an_author_are_read(
    monkeypatch: pytest.MonkeyPatch, platform: Platform, tmp_path: Path
) -> None:
    asked = []
    monkeypatch.setattr(profiles.Profile, "follow", lambda _, __, urls: asked.extend(urls))
    looked(ana(platform, tmp_path, attribution_domains=["paper.example", "evil/../x", 7, "paper.example"]))
    assert asked == ["https://paper.example/"]


def test_without_a_key_no_profile_is_recorded(platform: Platform, tmp_path: Path) -> None:
    source = ana(platform, tmp_path, note=CODE)
    for _ in source.pages(DAY, DAY):
        pass
    assert list(source.profiles(DAY)) == []
    assert CODE not in texts(source)


def test_a_code_in_a_status_is_nobodys_word(platform: Platform, tmp_path: Path) -> None:
    account = person(1, "ana")
    posts = [status(10, account, mastodon_instance.at(1), content=CODE, spoiler_text=CODE)]
    home = mastodon_instance.Instance(platform, people=[account], statuses=posts)
    source = mastodon_instance.opened(home, tmp_path, accounts=["ana"])
    assert [dict(one.codes) for one in looked(source)] == [{}]
    assert CODE not in texts(source)


def field(url: str, verified: str | None = "2026-11-01T00:00:00Z") -> dict:
    return {"name": WORDS, "value": f'<a href="{url}" rel="me">{WORDS}</a>', "verified_at": verified}


def test_what_an_account_claims_are_its_own_addresses_and_verified_fields(
    monkeypatch: pytest.MonkeyPatch, platform: Platform, tmp_path: Path
) -> None:
    monkeypatch.setattr(profiles.Profile, "follow", lambda *_: None)
    urls = ["https://github.com/Ana", "https://other.example/@ana", "https://ana.example/", "https://news.example/ana"]
    fields = [*map(field, urls), field("https://github.com/bo", None)]
    source = ana(platform, tmp_path, fields=fields)
    (seen,) = looked(source)
    assert seen.claims == [
        "domain ana.example", "own fediverse:ana@home.example", "profile github:ana", "rel_me fediverse:ana@other.example",
    ]  # fmt: skip
    assert not any(text in texts(source) for text in (WORDS, "news.example", "github:bo"))


# GitHub


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"/users/ana": {"bio": f"{WORDS} {CODE}"}}, "bio"),
        ({"/repos/ana/ana/readme": {"content": base64.encodebytes(f"{WORDS}\n{CODE}".encode()).decode()}}, "README"),
        ({"/users/ana/gists": [{"description": f"{WORDS} {CODE}", "files": {}}]}, "gist"),
        ({"/users/ana/gists": [{"description": None, "files": {CODE: {"filename": CODE}}}]}, "gist"),
    ],
)
def test_a_code_in_the_bio_the_readme_or_a_gist_of_a_user_is_seen(
    monkeypatch: pytest.MonkeyPatch, platform: Platform, tmp_path: Path, changed: dict[str, Any], where: str
) -> None:
    monkeypatch.setattr(github_source, "_now", lambda: made.NEXT_NOON)
    hub = made.GitHub(platform)
    values = {"/users/ana": {"bio": None}, "/users/ana/gists": [], "/users/ana/events/public": []} | changed
    absent = Reply({"message": "Not Found"}, 404)
    platform.answer = lambda path: Reply(values[at]) if (at := path.partition("?")[0]) in values else absent
    source = made.opened(hub, tmp_path, users=["Ana"])
    (seen,) = looked(source)
    assert (seen.account, seen.place, dict(seen.codes), seen.is_whole) == ("ana", "profile", {CODE: where}, True)
    assert WORDS not in texts(source)
    assert seen.claims == []
    count = len(platform.asked)
    assert looked(source) == [seen]  # from the recording
    assert len(platform.asked) == count


def test_what_a_user_claims_are_social_accounts_and_a_website(
    monkeypatch: pytest.MonkeyPatch, platform: Platform, tmp_path: Path
) -> None:
    monkeypatch.setattr(github_source, "_now", lambda: made.NEXT_NOON)
    social = [{"provider": "mastodon", "url": "https://home.example/@ana"}, {"provider": "generic", "url": WORDS}, 7]
    about = {"bio": WORDS, "blog": "https://bsky.app/profile/ana.example", "company": "@acme"}
    values: dict[str, Any] = {"/users/ana": about, "/users/ana/gists": [], "/users/ana/events/public": []}
    values["/users/ana/social_accounts"] = social
    hub = made.GitHub(platform)
    platform.answer = lambda path: (
        Reply(values[at]) if (at := path.partition("?")[0]) in values else Reply({"message": "Not Found"}, 404)
    )
    source = made.opened(hub, tmp_path, users=["Ana"])
    (seen,) = looked(source)
    assert seen.claims == ["profile bluesky:ana.example", "profile fediverse:ana@home.example"]
    assert WORDS not in texts(source)


# Bluesky


def record(hours: float, collection: str = "app.bsky.actor.profile", **commit: Any) -> dict:
    record = {"description": f"{WORDS} {CODE}", "code": CODE, "displayName": "Ana", "website": "https://github.com/Ana"}
    made = {"operation": "update", "collection": collection, "rkey": "self", "record": record} | commit
    return {"did": "did:plc:ana", "time_us": BEGIN + int(hours * 3_600_000_000), "kind": "commit", "commit": made}


CONSENT = "community.clout.consent"


class Network(Jetstream):
    """Sends the made events, and those in `more`."""

    more: Sequence[dict] = ()

    def messages(self, cursor: int) -> Iterator[str]:
        events = sorted([*(event(n) for n in range(-50, 600)), *self.more], key=lambda each: each["time_us"])
        yield from (json.dumps(each) for each in events if each["time_us"] >= cursor)


def test_a_code_in_the_profile_or_a_record_of_its_own_is_seen_and_its_end_too(tmp_path: Path) -> None:
    server = Network()
    server.clock = LATER + 86_400
    server.more = [
        record(1),
        record(2, record={"displayName": "Ana", "description": WORDS}),
        record(3, CONSENT, operation="create"),
        record(4, CONSENT, rkey="other"),
        record(5, CONSENT, operation="delete", record=None),
        record(6, "app.bsky.feed.post", rkey="k", operation="create"),  # a post says nothing of consent
        record(7, "app.bsky.graph.list", operation="create"),
    ]
    with running(server):
        source = BlueskySource(Settings(id="bsky", landing=tmp_path, ask={"host": server.url, "only": "all"}))
        seen = sorted(looked(source), key=lambda one: one.at)
    assert [(one.account, one.place, list(one.codes)) for one in seen] == [
        ("did:plc:ana", "profile", [CODE]),
        ("did:plc:ana", "profile", []),
        ("did:plc:ana", "record", [CODE]),
        ("did:plc:ana", "record", []),
    ]
    assert [one.claims for one in seen] == [["profile github:ana"], [], None, None]
    assert seen[0].codes[CODE] == "at://did:plc:ana/app.bsky.actor.profile/self"
    assert not any(words in texts(source) for words in (WORDS, TEXT))
    assert texts(source).count(CODE) == 3
    assert CONSENT in server.queries[0]["wantedCollections"]
    assert bluesky.COLLECTIONS[-1] == CONSENT
