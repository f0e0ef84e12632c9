"""Linking accounts by hand, and what is listed of them."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.codes import Seen
from jobs.people import claims
from jobs.warehouse import links
from jobs.warehouse.storage import Warehouse
from tests.jobs.cli.conftest import DAY
from tests.jobs.cli.result import RunClout

ANA, BO = "twitter:1", "toot.example:ana"
KNOWN = ("--why", "each names the other", "--by", "ops")


def test_two_accounts_are_linked_shown_and_unlinked(clout: RunClout, warehouse: Warehouse) -> None:
    linked = clout("link", BO, ANA, *KNOWN, "--since", str(DAY))
    assert (linked.code, linked.err) == (0, "")
    assert linked.out.startswith(f"{BO}, {ANA}: one person, {BO}, from 2026-11-03 on\n")
    for person in (ANA, BO):
        shown = clout("links", person, "--day", str(DAY))
        assert shown.out.startswith(f"{BO} on 2026-11-03: {BO}, {ANA}\n")
        assert "operator" in shown.out
        assert json.loads(clout("links", person, "--day", str(DAY), "--json").out) == {
            "person_id": BO,
            "day": "2026-11-03",
            "accounts": [BO, ANA],
            "evidence": [
                {"account_a": BO, "account_b": ANA, "kind": "operator", "first_seen": "2026-11-03", "until": None,
                 "said_by": "ops", "why": "each names the other"}
            ],
            "too_large": [],
        }  # fmt: skip
    ended = clout("link", "end", ANA, BO, *KNOWN, "--from", str(DAY))
    assert ended.out.startswith(f"{ANA} and {BO}: not linked with each other from 2026-11-03 on\n")
    assert links.at_end_of(DAY, warehouse).person_of == {}
    again = clout("link", "end", ANA, BO, *KNOWN, "--from", str(DAY))
    assert (again.code, again.err) == (
        2,
        f"clout: {BO} and {ANA} are not linked on 2026-11-03; `clout links` lists the links\n",
    )


def test_an_upheld_objection_to_a_link_parts_the_accounts_or_says_what_still_joins_them(
    clout: RunClout, warehouse: Warehouse
) -> None:
    for account, other in ((ANA, BO), (BO, "x:c"), ("x:c", ANA)):
        clout("link", account, other, *KNOWN)
    uphold = ("person", "answer", "open", "--uphold", "--answer", "we agree")
    clout("person", "object", ANA, "--link", BO, "--why", "not mine")
    answered = clout(*uphold)
    assert answered.out.splitlines()[1:] == [
        f"{BO}, {ANA}, x:c: still one person by other links; `clout links {ANA}` lists them",
        "published days that this changes: `clout stale`",
    ]
    clout("person", "object", ANA, "--link", "x:c", "--why", "not mine")
    assert clout(*uphold).out.splitlines()[1:] == ["published days that this changes: `clout stale`"]
    assert links.at_end_of(datetime.now(UTC).date(), warehouse).person_of == {BO: BO, "x:c": BO}
    again = clout("link", ANA, BO, *KNOWN)
    assert (again.code, again.out) == (2, "")
    assert "an objection to their link was upheld, so it would not count" in again.err


def test_the_list_names_only_people_who_may_be_named(clout: RunClout) -> None:
    clout("link", "add", ANA, BO, *KNOWN)
    clout("link", "twitter:3", "twitter:4", *KNOWN)
    clout("consent", "set", "twitter:3", "no")
    listed = clout("links")
    assert listed.out.startswith("2 people with several accounts on ")
    assert f"{BO}, {ANA}" in listed.out
    assert "1 of them may not be named" in listed.out
    assert "twitter:3" not in listed.out
    assert json.loads(clout("links", "--json").out)["listed"] == [{"person_id": BO, "accounts": [BO, ANA]}]


def test_too_many_accounts_are_recorded_and_not_joined(
    clout: RunClout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "nights.yaml"
    settings.write_text("max_accounts: 2\n")
    monkeypatch.setenv("CLOUT_NIGHTS", str(settings))
    clout("link", "x:a", "x:b", *KNOWN)
    large = clout("link", "x:b", "x:c", *KNOWN)
    assert large.out.startswith("recorded, but not joined: 3 accounts would be one person (max_accounts)\n")
    for listed in (clout("links"), clout("links", "x:b")):
        assert listed.out.endswith("not joined: 3 accounts around x:a (max_accounts)\n")


def test_a_domain_of_too_many_accounts_is_reported(
    clout: RunClout, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = tmp_path / "nights.yaml"
    settings.write_text("max_accounts: 2\n")
    monkeypatch.setenv("CLOUT_NIGHTS", str(settings))
    at = int(datetime(2026, 11, 3, 12, tzinfo=UTC).timestamp() * 1e6)
    for domain, names in (("firm.example", "abc"), ("ana.example", "de")):
        shown = [Seen(name, "profile", {}, at, claims=[f"domain {domain}"]) for name in names]
        claims.take(warehouse, "bluesky", shown, run_id="r")
    assert clout("links").out.endswith("not joined: 3 accounts that share firm.example (max_accounts)\n")
    listed = json.loads(clout("links", "--json").out)
    assert listed["crowded_domains"] == [{"domain": "firm.example", "account_count": 3}]
    assert listed["too_large"] == []
    settings.write_text("max_accounts: 3\n")
    assert json.loads(clout("links", "--json").out)["crowded_domains"] == []
