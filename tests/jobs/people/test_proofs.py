"""Codes of consent: whose they are, and what their coming and going means."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jobs import codes
from jobs.codes import EVERYWHERE, Seen
from jobs.errors import UsageError
from jobs.people import claims, consent, proofs
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from schemas.consent import CONSENT

ANA, BO = "github:ana", "github:bo"
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(codes.VARIABLE, "7" * 64)


def seen(hours: float, *scopes: str, who: str = ANA, of: str = ANA, **changed: Any) -> Seen:
    """`seen(1, "public")`: an hour after noon, the profile of Ana shows her code of this scope."""
    at = int((NOON + hours * HOUR).timestamp() * 1_000_000)
    made = {proofs.code(of, scope): "bio" for scope in scopes}
    return Seen(who.partition(":")[2], "profile", made, at)._replace(**changed)


def recorded(hours: float, scope: str) -> dict:
    """What an operator recorded."""
    at = NOON + hours * HOUR
    return {"scope": scope, "recorded_at": at, "origin": "operator", "evidence": None}


def scopes(*shown: Seen, history: tuple[dict, ...] = (), person: str = ANA) -> list[tuple[str, str]]:
    return [(row["scope"], row["evidence"]) for row in proofs.said(person, shown, list(history))]


def test_a_code_is_of_one_person_one_scope_and_one_key(monkeypatch: pytest.MonkeyPatch) -> None:
    made = proofs.code(ANA, "public")
    assert codes.within([f"<p>Hello! {made.upper()}.</p>", None, 7]) == [made]
    assert proofs.scope_of(ANA, made) == "public"
    assert proofs.scope_of(BO, made) is None
    assert proofs.scope_of(ANA, made.replace("public", "self")) is None
    monkeypatch.setenv(codes.VARIABLE, "8" * 64 + "," + "7" * 64)
    assert proofs.scope_of(ANA, made) == "public"  # an old key counts as long as it is named
    assert proofs.code(ANA, "public") != made
    monkeypatch.setenv(codes.VARIABLE, "8" * 64)
    assert proofs.scope_of(ANA, made) is None


def test_a_code_of_github_is_the_same_in_any_case() -> None:
    assert proofs.scope_of(ANA, proofs.code("github:Ana", "public")) == "public"
    assert proofs.code("x:Ana", "public") != proofs.code("x:ana", "public")


@pytest.mark.parametrize("text", ["xclout-public-{}", "clout-public-{}0", "clout-all-{}", "clout-public-{:.31}", "{}"])
def test_what_is_no_code(text: str) -> None:
    assert codes.within([text.format("a" * 32)]) == []


def test_without_a_key_or_for_nobody_there_is_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no person_id"):
        proofs.code("ana", "public")
    with pytest.raises(UsageError, match="scope 'yes' is unknown"):
        proofs.code(ANA, "yes")
    monkeypatch.delenv(codes.VARIABLE)
    with pytest.raises(UsageError, match="set CLOUT_CONSENT_KEYS to a secret key first"):
        proofs.code(ANA, "public")


def test_a_code_gives_consent_once_with_its_day_and_where_it_was() -> None:
    (row,) = proofs.said(ANA, [seen(0, "public"), seen(1, "public")], [])
    assert row == {
        "person_id": ANA, "scope": "public", "since": NOON.date(), "until": None, "recorded_at": NOON, "origin": "code",
        "evidence": "profile: bio",
    }  # fmt: skip


def test_the_code_of_a_link_gives_nothing_and_ends_nothing_that_is_there() -> None:
    link = {claims.code(ANA, BO): "bio"}
    assert scopes(seen(0)._replace(codes=link)) == []
    both = {**seen(0, "public").codes, **link}
    assert scopes(seen(0, "public"), seen(1, "public", codes=both)) == [("public", "profile: bio")]


def test_the_code_of_somebody_else_gives_nothing_wherever_it_is() -> None:
    assert scopes(seen(0, "public", of=BO)) == []
    assert scopes(seen(0, "public", of="gitlab:ana")) == []


def test_of_several_codes_the_narrowest_counts() -> None:
    assert scopes(seen(0, "public", "self")) == [("self", "profile: bio")]
    assert scopes(seen(0, "public"), seen(1, "public", "no")) == [("public", "profile: bio"), ("no", "profile: bio")]


def test_whoever_takes_the_code_away_no_longer_agrees_until_it_is_placed_again() -> None:
    assert scopes(seen(0, "public"), seen(1), seen(2), seen(3, "public")) == [
        ("public", "profile: bio"),
        ("no", "profile: removed"),
        ("public", "profile: bio"),
    ]


def test_a_profile_that_was_not_read_whole_ends_nothing() -> None:
    assert scopes(seen(0, "public"), seen(1, is_whole=False)) == [("public", "profile: bio")]


def test_another_place_without_a_code_ends_nothing_but_the_end_of_the_account_does() -> None:
    both = seen(0, "public"), seen(1, "public", place="record")
    assert scopes(*both, seen(2))[2:] == [("no", "profile: removed")]
    assert scopes(*both, seen(2, place="other"))[2:] == []
    assert scopes(*both, seen(2, place=EVERYWHERE), seen(3, place=EVERYWHERE))[2:] == [("no", "account: removed")]


def test_a_word_recorded_later_holds_against_a_code_that_was_there_before() -> None:
    first = proofs.said(ANA, [seen(0, "public")], [])
    refused = (*first, recorded(1, "no"))
    assert scopes(seen(0, "public"), seen(0.5), seen(2, "public"), history=refused) == []
    assert scopes(seen(2), seen(3, "public"), history=refused) == [
        ("no", "profile: removed"),
        ("public", "profile: bio"),
    ]
    assert scopes(seen(2, "public"), history=(recorded(1, "no"),)) == [("public", "profile: bio")]  # a newer word


def test_a_refusal_in_the_profile_always_counts() -> None:
    first = proofs.said(ANA, [seen(0, "no")], [])
    assert scopes(seen(2, "no"), history=tuple(first)) == []
    assert scopes(seen(2, "no"), history=(*first, recorded(1, "public"))) == [("no", "profile: bio")]


def test_what_was_seen_is_recorded_once_and_nothing_of_who_left(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(suppression.VARIABLE, "9" * 64)
    suppression.record(warehouse, [BO], at=NOON, run_id="r")
    shown = [seen(0, "public"), seen(0, "public", who=BO, of=BO), seen(0, who="github:cy")]
    assert proofs.take(warehouse, "github", shown, by="pull of hub", run_id="r") == 1
    assert proofs.take(warehouse, "github", shown, by="pull of hub", run_id="r") == 0
    (row,) = warehouse.read(CONSENT).to_pylist()
    assert (row["person_id"], row["recorded_by"], row["recorded_at"]) == (ANA, "pull of hub", NOON)
    assert consent.of_people(warehouse, [ANA, BO], date(2026, 11, 3)) == {ANA: "public"}
    assert proofs.take(warehouse, "github", [seen(1)], by="pull of hub", run_id="r") == 1
    assert consent.of_people(warehouse, [ANA], date(2026, 11, 3)) == {ANA: "no"}
