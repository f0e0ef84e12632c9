"""Who is one person on a day: which evidence links, what connects, and whose id the person has."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.warehouse import components
from jobs.warehouse.links import People
from jobs.warehouse.storage import rows
from schemas.links import LINKS
from tests.jobs.owners import database

DAY = date(2026, 11, 3)
ACCOUNTS = [f"x:{letter}" for letter in "abcdefg"]


def on(number: int) -> date:
    return DAY + timedelta(number)


def row(
    one: str, other: str, since: int = 0, until: int | None = None, kind: str = "operator", by: str = "", at: int = 0
) -> dict[str, Any]:
    """Evidence between accounts given without their platform; days and `at` count from `DAY`."""
    low, high = sorted((f"x:{one}", f"x:{other}"))
    return {
        "account_a": low,
        "account_b": high,
        "kind": kind,
        "first_seen": on(since),
        "until": None if until is None else on(until),
        "said_by": f"x:{by}" if by else "ops",
        "why": None,
        "recorded_at": datetime(2026, 11, 3, tzinfo=UTC) + timedelta(at),
    }


def resolved(evidence: Iterable[dict], day: int = 0, max_accounts: int = 20) -> People:
    return People(*components.resolved(database(), rows(LINKS, list(evidence)), on(day), max_accounts))


def joined(evidence: Iterable[dict], day: int = 0) -> dict[str, str]:
    """Account -> person, without the platform."""
    return {account[2:]: person[2:] for account, person in resolved(evidence, day).person_of.items()}


# What links


def test_a_word_links_from_its_first_day_until_it_ends() -> None:
    word = [row("a", "b", since=1, until=3)]
    assert [joined(word, day) for day in (0, 1, 2, 3)] == [{}, {"a": "a", "b": "a"}, {"a": "a", "b": "a"}, {}]


@pytest.mark.parametrize("kind", ["rel_me", "domain", "profile"])
def test_a_claim_of_one_account_never_links(kind: str) -> None:
    claims = [row("a", "b", kind=kind, by="a"), row("a", "b", since=-5, kind=kind, by="a", at=1)]
    assert joined(claims) == {}
    assert joined([*claims, row("a", "b", kind=kind, by="c")]) == {}, "nobody else can confirm it"
    assert joined([*claims, row("a", "b", kind=kind, by="b")]) == {"a": "a", "b": "a"}


def test_claims_of_two_kinds_do_not_confirm_each_other() -> None:
    assert joined([row("a", "b", kind="rel_me", by="a"), row("a", "b", kind="profile", by="b")]) == {}


def test_two_claims_link_while_both_hold() -> None:
    both = [row("a", "b", 0, 5, "rel_me", "a"), row("a", "b", 3, None, "rel_me", "b")]
    assert [bool(joined(both, day)) for day in (2, 3, 4, 5)] == [False, True, True, False]


def test_the_row_recorded_last_counts_whoever_recorded_it() -> None:
    word, ended = row("a", "b", by="ann"), row("a", "b", until=2, by="ben", at=1)
    for evidence in ([word, ended], [ended, word]):
        assert joined(evidence, 1) == {"a": "a", "b": "a"}
        assert joined(evidence, 2) == {}


def test_a_link_taken_back_to_its_first_day_never_was() -> None:
    """Not even the id remembers it: else, b would have been linked before a and d."""
    undone = [row("b", "c", -9), row("b", "c", -9, until=-9, at=1)]
    assert joined([*undone, row("a", "b"), row("a", "d")]) == joined([row("a", "b"), row("a", "d")])


def test_a_component_above_the_limit_is_not_joined_and_is_reported() -> None:
    chain = [row(one, other) for one, other in zip("abcd", "bcde", strict=True)]
    found = resolved([*chain, row("x", "y")], max_accounts=4)
    assert found.person_of == {"x:x": "x:x", "x:y": "x:x"}
    assert found.too_large.to_pylist() == [{"person": "x:a", "account_count": 5}]
    assert resolved(chain, max_accounts=5).of("x:a") == [f"x:{name}" for name in "abcde"]


def test_accounts_of_a_person() -> None:
    found = resolved([row("b", "c")])
    assert [found.of(f"x:{name}") for name in "abc"] == [["x:a"], ["x:b", "x:c"], []]


# The id


def test_when_two_people_become_one_the_one_linked_earlier_keeps_the_id() -> None:
    evidence = [row("a", "b", 2), row("c", "d", 1), row("b", "d", 3)]
    assert joined(evidence, 2) == {"a": "a", "b": "a", "c": "c", "d": "c"}
    assert set(joined(evidence, 3).values()) == {"c"}


def test_after_a_split_each_part_takes_its_own_earliest() -> None:
    evidence = [row("a", "d", 1), row("c", "d", 2, until=5), row("c", "b", 3)]
    assert set(joined(evidence, 4).values()) == {"a"}
    assert joined(evidence, 5) == {"a": "a", "d": "a", "b": "c", "c": "c"}


def drawn(pair: tuple[str, str], since: int, length: int | None, kind: str, by: int, at: int) -> dict:
    until = None if length is None else since + length
    return row(*pair, since, until, kind, "" if kind == "operator" else pair[by], at)


evidence = st.lists(
    st.builds(
        drawn,
        st.sampled_from([(one, other) for one in "abcdefg" for other in "abcdefg" if one < other]),
        st.integers(0, 9),
        st.none() | st.integers(0, 9),
        st.sampled_from(("operator", "operator", "person", "rel_me")),
        st.integers(0, 1),
        st.integers(0, 999),
    ),
    max_size=14,
    unique_by=lambda each: each["recorded_at"],
)


def held(history: list[dict], day: int) -> dict[tuple[str, str], set[date]]:
    """Pair -> the days up to this one on which it was linked, day by day."""
    newest: dict[tuple, dict] = {}
    for each in sorted(history, key=lambda each: each["recorded_at"]):
        by = each["said_by"] if each["kind"] == "rel_me" else ""
        newest[each["account_a"], each["account_b"], each["kind"], by, each["first_seen"]] = each
    said: dict[tuple, dict[str, set[date]]] = {}
    for (one, other, kind, by, since), each in newest.items():
        days = {on(n) for n in range(day + 1) if since <= on(n) and (each["until"] is None or on(n) < each["until"])}
        said.setdefault((one, other, kind), {}).setdefault(by, set()).update(days)
    linked: dict[tuple[str, str], set[date]] = {}
    for (one, other, kind), by in said.items():
        days = by.get(one, set()) & by.get(other, set()) if kind == "rel_me" else by.get("", set())
        linked.setdefault((one, other), set()).update(days)
    return linked


@given(evidence, st.integers(0, 12), st.integers(2, 8))
def test_a_history_of_links_day_by_day(history: list[dict[str, Any]], day: int, max_accounts: int) -> None:
    """By another program: networkx and sets of days."""
    linked = held(history, day)
    first = {
        account: min(min(days) for pair, days in linked.items() if days and account in pair)
        for pair, days in linked.items()
        for account in pair
        if days
    }
    expected: dict[str, str] = {}
    large: dict[str, int] = {}
    for component in nx.connected_components(nx.Graph(pair for pair, days in linked.items() if on(day) in days)):
        person = min(component, key=lambda account: (first[account], account))
        if len(component) <= max_accounts:
            expected |= dict.fromkeys(component, person)
        else:
            large[person] = len(component)
    found = resolved(history, day, max_accounts)
    assert found.person_of == expected
    assert {each["person"]: each["account_count"] for each in found.too_large.to_pylist()} == large


@given(evidence, st.integers(0, 12))
def test_a_day_depends_on_nothing_that_came_after_it(history: list[dict[str, Any]], day: int) -> None:
    """And on no order of rows."""
    known = [each for each in history if each["first_seen"] <= on(day)]
    all_of_it, reversed_part = resolved(history, day), resolved(reversed(known), day)
    assert all_of_it.accounts.equals(reversed_part.accounts)
    assert all_of_it.digest == reversed_part.digest


@given(evidence, st.sampled_from("abcdefg"), st.sampled_from("hijk"))
def test_an_id_stays_when_the_person_gains_an_account(
    history: list[dict[str, Any]], account: str, newcomer: str
) -> None:
    before = resolved(history, 12).person_of
    after = resolved([*history, row(account, newcomer, 12, at=1000)], 12).person_of
    assert {each: after[each] for each in before} == before


@given(evidence, st.sampled_from("abcdefg"))
def test_an_id_stays_when_the_person_loses_another_account(history: list[dict[str, Any]], account: str) -> None:
    """Whoever is still linked with the account of the id has this id."""
    left = f"x:{account}"
    ended = [
        row(
            each["account_a"][2:],
            each["account_b"][2:],
            (each["first_seen"] - DAY).days,
            11,
            each["kind"],
            by,
            1000 + n,
        )
        for n, each in enumerate(history)
        for by in ["" if each["said_by"] == "ops" else each["said_by"][2:]]
        if left in (each["account_a"], each["account_b"]) and not (each["until"] and each["until"] <= on(11))
    ]
    before, after = resolved(history, 10).person_of, resolved([*history, *ended], 12).person_of
    for each, person in after.items():
        if before.get(each) == person != left and each != left:
            assert after[person] == person


# Components


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=60))
def test_components_are_those_of_networkx(pairs: list[tuple[int, int]]) -> None:
    expected = np.arange(31)
    for component in nx.connected_components(nx.Graph(pairs)):
        expected[list(component)] = min(component)
    assert components.joined(pairs, 31).to_pylist() == expected.tolist()


def test_a_long_chain_in_any_order() -> None:
    path = np.random.default_rng(3).permutation(20_000).tolist()
    assert set(components.joined(pairwise(path), len(path)).to_pylist()) == {0}


def test_components_are_those_of_graphframes(spark: SparkSession) -> None:
    graphframes = pytest.importorskip("graphframes")
    from jobs.engines.graphframes import require
    from jobs.errors import UsageError

    try:
        require()
    except UsageError as missing:
        pytest.skip(str(missing))
    pairs = np.random.default_rng(1).integers(0, 300, (200, 2))
    graph = graphframes.GraphFrame(
        spark.createDataFrame([(n,) for n in range(300)], "id long"),
        spark.createDataFrame(pairs.tolist(), "src long, dst long"),
    )
    found = {row.id: row.component for row in graph.connectedComponents(algorithm="graphx").collect()}
    label = components.joined(pairs.tolist(), 300).to_pylist()
    assert (
        len(set(zip(label, (found[n] for n in range(300)), strict=True))) == len(set(label)) == len(set(found.values()))
    )
