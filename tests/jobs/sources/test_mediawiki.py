"""A MediaWiki site: what its items become, its own errors, and which list gives its talk."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from jobs.errors import UsageError
from jobs.sources.live.budget import Budget
from jobs.sources.live.settings import Settings
from jobs.sources.mediawiki import MediaWikiSource, parse
from jobs.sources.page import Account, Act, Ignored, Record, Rejected, Unresolved
from jobs.sources.spec import parse_specs
from jobs.sources.values import ACTOR_WITHDRAWN, NO_TARGET
from tests.jobs.sources.conftest import Survives
from tests.jobs.sources.mediawiki_server import SITE, answer, error, iso
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import DAY, MIDNIGHT, RIGHT_TO_LEFT, Clock, pulled, query_of

T = MIDNIGHT * 1_000_000
KNOWN = Account("Ana", T, handle="Ana")
THANKS = {"logid": 1, "ns": 2, "title": "User:Bo", "user": "Ana", "timestamp": iso(MIDNIGHT)}
EDIT = {"revid": 5, "ns": 3, "title": "User talk:Bo", "user": "Ana", "timestamp": iso(MIDNIGHT)}


@pytest.fixture
def wiki(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Platform:
    SITE.serve(platform, monkeypatch)
    return platform


# One item


@pytest.mark.parametrize(
    ("item", "records"),
    [
        (THANKS, (Act("like", "Ana", "Bo", T, "log-1"), KNOWN)),
        (THANKS | {"title": "Benutzerin:Bo: D/E"}, (Act("like", "Ana", "Bo: D", T, "log-1"), KNOWN)),
        (EDIT, (Act("mention", "Ana", "Bo", T, "revision-5"), KNOWN)),
        (EDIT | {"title": "User talk:Bo/Archive/1"}, (Act("mention", "Ana", "Bo", T, "revision-5"), KNOWN)),
        (EDIT | {"bot": True}, (Act("mention", "Ana", "Bo", T, "revision-5"), KNOWN._replace(is_bot=True))),
        (EDIT | {"title": "User talk:Ana"}, (Ignored(T), KNOWN)),
        (EDIT | {"title": "User talk:192.0.2.7"}, (Ignored(T), KNOWN)),
        (EDIT | {"title": "User talk:2001:DB8:0:0:0:0:0:7"}, (Ignored(T), KNOWN)),
        (EDIT | {"title": "User talk:~2026-12345-6"}, (Ignored(T), KNOWN)),
        (EDIT | {"user": "192.0.2.7", "anon": True}, (Ignored(T),)),
        (EDIT | {"user": "2001:DB8:0:0:0:0:0:7"}, (Ignored(T),)),
        (EDIT | {"user": "~2026-12345-6", "temp": True}, (Ignored(T),)),
        (EDIT | {"user": "~2026-12345-6"}, (Ignored(T),)),
        (EDIT | {"user": None}, (Unresolved(ACTOR_WITHDRAWN, T),)),
        (THANKS | {"title": None}, (Unresolved(NO_TARGET, T), KNOWN)),
    ],
)
def test_what_an_item_becomes(item: dict[str, Any], records: tuple[Record, ...]) -> None:
    assert parse(orjson.dumps(item)) == records


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (EDIT | {"title": "Main Page"}, "page belongs to no user"),
        (EDIT | {"ns": 0}, "page belongs to no user"),
        (EDIT | {"ns": [3]}, "page belongs to no user"),
        (EDIT | {"title": "User talk:"}, "target is missing"),
        (EDIT | {"revid": None}, "revision is missing"),
        (EDIT | {"user": {"name": "Ana"}}, "actor id is neither a string nor a number"),
        (EDIT | {"timestamp": "yesterday"}, "time is not an RFC 3339 time"),
        ({}, "time is not a text"),
    ],
)
def test_what_is_rejected(item: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected, match=f"^{reason}$"):
        parse(orjson.dumps(item))


def test_hostile_items_are_rejected_and_nothing_breaks(survives: Survives) -> None:
    survives(parse, [orjson.dumps(item) for item in (THANKS, EDIT, EDIT | {"bot": True, "anon": False})])


# A day


def test_days_older_than_the_recent_changes_come_from_all_revisions(wiki: Platform, tmp_path: Path) -> None:
    wiki.answer = lambda path: answer(path, keeps=False)
    assert pulled(SITE.opened(wiki, tmp_path)) == (SITE.expected, [])
    lists = [query_of(path)[1]["list"] for path in wiki.asked]
    assert lists == ["logevents"] * 4 + ["recentchanges"] + ["allrevisions"] * 3


def test_a_pull_resumed_after_the_recent_changes_were_forgotten_begins_the_talk_anew(
    wiki: Platform, tmp_path: Path
) -> None:
    pulled(SITE.opened(wiki, tmp_path, requests=6))  # thanks, how far changes reach back, a page of them
    wiki.answer = lambda path: answer(path, keeps=False)
    wiki.asked.clear()
    assert pulled(SITE.opened(wiki, tmp_path)) == (SITE.expected, [])
    assert [query_of(path)[1]["list"] for path in wiki.asked] == ["recentchanges"] + ["allrevisions"] * 3


@pytest.mark.parametrize(
    ("ask", "kinds"),
    [
        ({"thanks": False}, {"mention"}),
        ({"user_talk": False}, {"like"}),
        ({"thanks": False, "user_talk": False}, set()),
    ],
)
def test_only_the_lists_asked_for_are_asked(
    wiki: Platform, tmp_path: Path, ask: dict[str, bool], kinds: set[str]
) -> None:
    source = MediaWikiSource(Settings(id="wiki", landing=tmp_path, ask={"site": wiki.url, **ask}))
    acts, notes = pulled(source)
    assert ({kind for kind, _, _ in acts.values()}, notes) == (kinds, [])


def test_odd_items_are_rejected_and_the_others_survive(wiki: Platform, tmp_path: Path) -> None:
    def odd(path: str) -> Reply:
        value: dict[str, Any] = orjson.loads(answer(path).body)
        for items in value["query"].values():
            items += ["odd", None, EDIT | {"title": 7}, EDIT | {"user": RIGHT_TO_LEFT, "revid": 2**64 - 1}]
        return Reply(value)

    wiki.answer = odd
    acts, notes = pulled(SITE.opened(wiki, tmp_path))
    hostile = {f"revision-{2**64 - 1}": ("mention", RIGHT_TO_LEFT, "Bo")}
    assert (acts, notes) == (SITE.expected | hostile, [])


def test_a_continuation_that_never_ends_ends(wiki: Platform, tmp_path: Path) -> None:
    def endless(path: str) -> Reply:
        name = "lecontinue" if "logevents" in path else "rccontinue"
        return Reply(answer(path).value | {"continue": {name: "20261103|7"}})

    wiki.answer = endless
    acts, (note,) = pulled(SITE.opened(wiki, tmp_path))
    assert "leads back to a page already read" in note.reason
    assert note.partial
    assert set(acts) <= set(SITE.expected)
    assert len(wiki.asked) == 5


# Its errors


@pytest.mark.parametrize("code", ["maxlag", "ratelimited", "readonly", "internal_api_error_DBQueryError"])
def test_an_error_that_passes_is_waited_for_as_the_site_asks(wiki: Platform, tmp_path: Path, code: str) -> None:
    lagging, clock = [error(code, {"Retry-After": "5"})] * 2, Clock()
    wiki.answer = lambda path: lagging.pop() if lagging else answer(path)
    assert pulled(SITE.opened(wiki, tmp_path, clock=clock)) == (SITE.expected, [])
    assert clock.waits == [6, 6]


def test_a_site_that_lags_for_long_ends_the_pull(wiki: Platform, tmp_path: Path) -> None:
    wiki.answer = lambda _: error("maxlag", {"Retry-After": "7200"})
    _, (note,) = pulled(SITE.opened(wiki, tmp_path))
    assert note.reason == "the platform asks to wait 7,201 s after 0 of 2 lists; the next pull resumes there"


def test_a_site_without_thanks_says_so_for_good(wiki: Platform, tmp_path: Path) -> None:
    wiki.answer = lambda path: error("badvalue") if "thanks" in path else answer(path)
    acts, (note,) = pulled(SITE.opened(wiki, tmp_path))
    assert {kind for kind, _, _ in acts.values()} == {"mention"}
    assert (note.reason, note.lasting) == ("1 of 2 lists: not there", True)


@pytest.mark.parametrize("code", ["readapidenied", "permissiondenied"])
def test_a_site_that_is_not_public_fails_at_once(wiki: Platform, tmp_path: Path, code: str) -> None:
    wiki.answer = lambda _: error(code)
    with pytest.raises(UsageError, match=f"api.php: the site answers {code}; it is not public"):
        pulled(SITE.opened(wiki, tmp_path))
    assert len(wiki.asked) == 1


@pytest.mark.parametrize("code", ["oddity", None, 7, "\x1b[31m"])
def test_any_other_error_is_a_note(wiki: Platform, tmp_path: Path, code: str | int | None) -> None:
    wiki.answer = lambda _: error(code)
    _, (note,) = pulled(SITE.opened(wiki, tmp_path))
    assert (note.partial, note.absent) == (True, True)
    assert note.reason.isprintable()


def test_without_a_contact_nothing_is_asked(wiki: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLOUT_CONTACT")
    with pytest.raises(UsageError, match="set CLOUT_CONTACT"):
        parse_specs([f"wiki:mediawiki={wiki.url}"])[0].open(tmp_path)
    assert wiki.asked == []


def test_the_contact_is_sent(wiki: Platform, tmp_path: Path) -> None:
    source = MediaWikiSource(Settings(id="wiki", landing=tmp_path, ask={"site": wiki.url}, budget=Budget))
    assert list(source.pages(DAY, DAY))
    assert wiki.headers["user-agent"].endswith("(ops@example.org)")
