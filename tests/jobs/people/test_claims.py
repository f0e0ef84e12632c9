"""Claims in profiles: how they are recorded, and which of them link two accounts."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from jobs import claims as texts
from jobs import codes
from jobs import links as job
from jobs.codes import EVERYWHERE, Seen
from jobs.people import claims
from jobs.sources import suppressed_recordings
from jobs.sources.live.profiles import Profile
from jobs.warehouse import links, suppression
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.suppression import Suppressed
from schemas.claims import CLAIMS
from schemas.links import LINKS

URI = "https://home.example/users/ana"
TOOT, HUB, SKY = f"fediverse:{URI}", "github:ana", "bluesky:did:plc:ana"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
DAY = NOON.date()
OWN, NAMED = "own fediverse:ana@home.example", "profile fediverse:ana@home.example"


def on(number: int) -> date:
    return DAY + timedelta(number)


def seen(account: str, number: float, *claimed: str, place: str = "profile", **changed: Any) -> Seen:
    """`seen(HUB, 1, "profile ...")`: a day after noon, the profile makes these claims."""
    at = int((NOON + timedelta(number)).timestamp() * 1_000_000)
    return Seen(account.partition(":")[2], place, {}, at, claims=list(claimed))._replace(**changed)


@pytest.fixture
def take(warehouse: Warehouse) -> Callable[..., int]:
    """`take(HUB, 1, ...)`: a pull sees the account's claims."""

    def taken(account: str, number: float, *claimed: str, **changed: Any) -> int:
        shown = [seen(account, number, *claimed, **changed)]
        platform = account.partition(":")[0]
        return claims.take(warehouse, platform, claims.telling(warehouse, platform, shown), run_id="r")

    return taken


def linked(warehouse: Warehouse, number: int) -> set[str]:
    """The accounts of people with several, a number of days after November 3."""
    return set(links.at_end_of(on(number), warehouse).person_of)


# What an address names


@pytest.mark.parametrize(
    ("url", "account", "domain"),
    [
        ("https://github.com/Ana", "github:ana", None),
        ("https://www.github.com/ana/", "github:ana", None),
        ("https://github.com/ana/tool", None, None),
        ("https://bsky.app/profile/did:plc:ana", SKY, None),
        ("https://home.example/@Ana", "fediverse:ana@home.example", None),
        (URI, "fediverse:ana@home.example", None),
        ("https://home.example/@ana/123", None, None),
        ("http://www.ana.example", None, "ana.example"),
        ("https://ana.example/?q=1", None, None),
        ("https://ana.example/about", None, None),
        ("https://me@ana.example/", None, None),
        ("https://[", None, None),
        ("https://ana.example/" + "a" * 300, None, None),
        (7, None, None),
    ],
)
def test_what_a_url_names(url: Any, account: str | None, domain: str | None) -> None:
    assert (texts.account_at(url), texts.domain_of(url)) == (account, domain)


def test_an_account_has_only_addresses_on_its_own_host() -> None:
    assert texts.own(URI, [URI, "https://home.example/@ana"]) == {OWN}
    assert texts.own(URI, ["https://other.example/@ana", "https://github.com/ana"]) == set()


# What is recorded


def said(*shown: Seen, recorded: list[dict] | None = None, left: Any = None) -> list[tuple]:
    rows = claims.said(HUB, shown, recorded or [], left or Suppressed())
    return [(row["value"], row["first_seen"], row["until"]) for row in rows]


def test_a_claim_is_recorded_once_until_it_is_gone_and_anew_when_it_is_back() -> None:
    shown = [seen(HUB, 0, "profile x:a"), seen(HUB, 1, "profile x:a", "profile x:b"), seen(HUB, 2, "profile x:b")]
    assert said(*shown, seen(HUB, 3, "profile x:b", "profile x:a")) == [
        ("x:a", on(0), None), ("x:b", on(1), None), ("x:a", on(0), on(2)), ("x:a", on(3), None),
    ]  # fmt: skip


def test_only_a_place_whose_claims_are_known_ends_them_or_the_end_of_the_account() -> None:
    first = seen(HUB, 0, "profile x:a")
    assert said(first, seen(HUB, 1, claims=None), seen(HUB, 1, place="domain")) == [("x:a", on(0), None)]
    gone = seen(HUB, 1, place=EVERYWHERE, claims=None)
    assert said(first, gone, gone) == [("x:a", on(0), None), ("x:a", on(0), on(1))]


def test_an_older_recording_changes_nothing() -> None:
    newer = [seen(HUB, 0, "profile x:a"), seen(HUB, 2, "profile x:c")]
    recorded = claims.said(HUB, newer, [], Suppressed())[1:]
    older = (seen(HUB, 0, "profile x:a"), seen(HUB, 1, "profile x:b"), seen(HUB, 1, place=EVERYWHERE, claims=None))
    assert said(*older, recorded=recorded) == []


def test_nothing_is_recorded_of_people_who_left_nor_of_claims_that_name_them(
    warehouse: Warehouse, take: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(suppression.VARIABLE, "9" * 64)
    gone = [HUB, "fediverse:Bo@home.example", "bluesky:cy.example"]
    suppression.record(warehouse, gone, at=NOON, run_id="r")
    named = [f"profile {HUB}", "rel_me fediverse:bo@home.example", "domain cy.example"]
    assert take(TOOT, 0, *named, OWN) == 1
    assert take(HUB, 0, NAMED) == 0
    assert warehouse.read(CLAIMS)["value"].to_pylist() == [OWN.partition(" ")[2]]

    profile = Profile(URI)
    profile.claims = {*named, OWN}
    folder = tmp_path / "recorded"
    profile.keep(folder, "ana", 0)
    left = suppression.current(warehouse)
    assert suppressed_recordings.rewrite(folder, "fediverse", left) == 1
    (page,) = folder.iterdir()
    text = zstd.decompress(page.read_bytes()).decode()
    assert f'"claims":["{OWN}"]' in text
    assert suppressed_recordings.rewrite(folder, "fediverse", left) == 0


# What links


def test_two_profiles_that_name_each_other_are_one_person_until_one_stops(
    warehouse: Warehouse, take: Callable[..., int]
) -> None:
    assert take(TOOT, 0, OWN, f"profile {HUB}") == 2
    assert linked(warehouse, 9) == set()
    assert warehouse.row_count(LINKS, {}) == 0
    take(HUB, 2, NAMED)
    assert [linked(warehouse, day) for day in (1, 2)] == [set(), {TOOT, HUB}]
    evidence = {row["said_by"]: row for row in warehouse.read(LINKS).to_pylist()}
    assert {(who, row["kind"], row["first_seen"]) for who, row in evidence.items()} == {
        (TOOT, "profile", on(0)),
        (HUB, "profile", on(2)),
    }
    for day in (3, 4):
        take(TOOT, day, OWN, f"profile {HUB}")
        take(HUB, day, NAMED)
    assert warehouse.row_count(LINKS, {}) == 2, "a claim that is still there adds nothing"
    take(TOOT, 5, OWN)
    assert [linked(warehouse, day) for day in (4, 5)] == [{TOOT, HUB}, set()]
    take(TOOT, 7, OWN, f"profile {HUB}")
    assert [linked(warehouse, day) for day in (6, 7)] == [set(), {TOOT, HUB}]


def test_one_side_never_links_whatever_it_claims(warehouse: Warehouse, take: Callable[..., int]) -> None:
    take(TOOT, 0, OWN, f"profile {HUB}", "domain ana.example", "rel_me fediverse:bo@home.example")
    take(HUB, 0, "profile fediverse:other@home.example", "profile github:ana")
    take("fediverse:https://home.example/users/bo", 0, "own fediverse:bo@home.example", NAMED)  # of another kind
    assert (linked(warehouse, 9), warehouse.row_count(LINKS, {})) == (set(), 0)


def test_the_same_verified_domain_links_until_one_account_no_longer_has_it(
    warehouse: Warehouse, take: Callable[..., int]
) -> None:
    take(SKY, 0, "own bluesky:ana.example", "domain ana.example", place="domain")
    take(TOOT, 1, OWN, "domain ana.example")
    assert linked(warehouse, 1) == {SKY, TOOT}
    assert set(warehouse.read(LINKS)["kind"].to_pylist()) == {"domain"}
    take(SKY, 2, "own bluesky:ana.bsky.social", place="domain")
    assert linked(warehouse, 2) == set()


def test_a_domain_of_many_accounts_is_nobodys_own(
    warehouse: Warehouse, take: Callable[..., int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "nights.yaml"
    settings.write_text("max_accounts: 2\n")
    monkeypatch.setenv("CLOUT_NIGHTS", str(settings))
    shown = [seen(f"fediverse:https://home.example/users/{name}", 0, "domain firm.example") for name in "abc"]
    claims.take(warehouse, "fediverse", shown[:2], run_id="r")
    today = datetime.now(UTC).date()
    assert len(links.at_end_of(today, warehouse).person_of) == 2
    claims.take(warehouse, "fediverse", shown[1:], run_id="r")
    assert links.at_end_of(today, warehouse).person_of == {}


def test_a_code_links_the_two_accounts_it_was_made_for_while_both_carry_it(
    warehouse: Warehouse, take: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(codes.VARIABLE, "7" * 64)
    made = claims.code(HUB, TOOT)
    assert claims.code(TOOT, HUB) == made
    assert codes.within([f"<p>{made.upper()}.</p>"]) == [made]
    carrying: dict[str, Any] = {"codes": {made: "note"}, "claims": None}
    take(SKY, 0, **carrying)  # it was made for others
    take(HUB, 0, **carrying)
    assert (linked(warehouse, 9), warehouse.row_count(LINKS, {})) == (set(), 0)
    take(TOOT, 1, **carrying)
    assert linked(warehouse, 1) == {TOOT, HUB}
    assert set(warehouse.read(LINKS)["kind"].to_pylist()) == {"code"}
    take(HUB, 2, claims=[], is_whole=False)
    assert linked(warehouse, 2) == {TOOT, HUB}, "the place was not read whole"
    take(HUB, 3)
    assert linked(warehouse, 3) == set()


def test_a_code_of_a_key_that_no_longer_counts_links_nothing(
    warehouse: Warehouse, take: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(codes.VARIABLE, "7" * 64)
    carrying: dict[str, Any] = {"codes": {claims.code(HUB, TOOT): "note"}}
    monkeypatch.setenv(codes.VARIABLE, "8" * 64)
    take(TOOT, 0, **carrying)
    take(HUB, 0, **carrying)
    assert linked(warehouse, 0) == set()
    monkeypatch.setenv(codes.VARIABLE, "8" * 64 + "," + "7" * 64)
    take(HUB, 0, **carrying)
    assert linked(warehouse, 0) == {TOOT, HUB}
    monkeypatch.setenv(codes.VARIABLE, "8" * 64)
    take(HUB, 1, **carrying)
    assert links.at_end_of(datetime.now(UTC).date(), warehouse).person_of == {}


def test_a_link_that_somebody_ended_comes_back_only_with_a_new_claim(
    warehouse: Warehouse, take: Callable[..., int]
) -> None:
    for day in (0, 1):
        take(TOOT, day, OWN, f"profile {HUB}")
        take(HUB, day, NAMED)
        if day == 0:
            ended = job.Params(at=datetime.now(UTC), by="ops", day=on(0), why="another person")
            assert job.end(warehouse, ended, TOOT, HUB, Batch("test")) == 2
    assert linked(warehouse, 1) == set()


def test_a_claim_that_is_back_on_the_same_day_links_again(warehouse: Warehouse, take: Callable[..., int]) -> None:
    take(TOOT, 0, OWN, f"profile {HUB}")
    for hour, claimed in enumerate(((NAMED,), (), (NAMED,), ())):
        take(HUB, hour / 24, *claimed)
        assert bool(linked(warehouse, 0)) is bool(claimed)


def test_a_pull_that_died_before_it_linked_is_completed_by_the_next(
    warehouse: Warehouse, take: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    take(TOOT, 0, OWN, f"profile {HUB}")
    with monkeypatch.context() as dying:
        dying.setattr(claims, "_link", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            take(HUB, 0, NAMED)
    assert linked(warehouse, 0) == set()
    assert take(HUB, 0, NAMED) == 0
    assert linked(warehouse, 0) == {TOOT, HUB}
