"""One person, several accounts: the promises hold for people, and nobody else notices a link."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.backends import Backend
from jobs.score import linked
from tests.jobs.equations import NEWCOMER, PEOPLE, SCALE, Graph, Parts, engine, fixed, graphs, tolerance, units
from tests.jobs.owners import of_accounts, of_each, of_people, of_people_each, owners, table, walked

NOTHING = Parts(0.0, 0.0, 0.0)


@st.composite
def owned(draw: st.DrawFn) -> tuple[Graph, dict[str, str], str]:
    """A graph, who owns its accounts, and one of the owners."""
    graph = draw(graphs())
    owner = draw(owners(list(graph.people)).filter(bool))
    return graph, owner, draw(st.sampled_from(sorted(set(owner.values()))))


def close(found: Parts, expected: Parts) -> None:
    assert found == pytest.approx(expected, rel=0, abs=tolerance(expected.influence))


@given(owned())
def test_every_account_gets_what_all_paths_from_others_bring(case: tuple[Graph, dict[str, str], str]) -> None:
    graph, owner, person = case
    mine = {account for account in owner if owner[account] == person}
    found = of_accounts(graph.shares(), owner)
    for account, expected in walked(graph.shares(), mine).items():
        close(Parts(*(step / SCALE for step in found[account])), expected)


@given(graphs(), st.integers(1, 3))
def test_of_one_account_the_equations_are_the_engines_bit_for_bit(graph: Graph, rounds: int) -> None:
    _, sums = engine(graph.shares(), rounds)
    found = of_accounts(graph.shares(), {account: account for account in graph.people}, rounds)
    assert {account: Parts(*(step / SCALE for step in parts)) for account, parts in found.items()} == sums


@given(owned())
def test_a_link_changes_nobody_else_bit_for_bit_and_can_be_undone(case: tuple[Graph, dict[str, str], str]) -> None:
    graph, owner, person = case
    without = {account: theirs for account, theirs in owner.items() if theirs != person}
    linked_, apart = of_people(graph, owner), of_people(graph, without)
    assert {who: parts for who, parts in linked_.items() if who != person} == {
        who: parts for who, parts in apart.items() if owner.get(who) != person
    }


@given(owned())
def test_linking_takes_from_a_person_only_what_ran_through_their_own_accounts(
    case: tuple[Graph, dict[str, str], str],
) -> None:
    """It adds nothing. What it takes are the paths that visit one of the person's accounts before their end."""
    graph, owner, person = case
    mine = {account for account in owner if owner[account] == person}
    alone = walked_alone(graph, mine)
    own = {
        account: whole.influence - walked(graph.shares(), mine)[account].influence for account, whole in alone.items()
    }
    found = of_accounts(graph.shares(), owner)
    for account, lost in own.items():
        assert lost >= -tolerance(alone[account].influence)
        expected = graph.parts()[account].influence - lost
        assert sum(found[account]) / SCALE == pytest.approx(expected, rel=0, abs=tolerance(expected))


def walked_alone(graph: Graph, accounts: set[str]) -> dict[str, Parts]:
    return {account: walked(graph.shares(), {account})[account] for account in accounts}


@given(owned(), st.data())
def test_p1_an_act_directed_at_any_account_never_lowers_the_person(
    case: tuple[Graph, dict[str, str], str], data: st.DataObject
) -> None:
    """By anyone else, at any of their accounts. A unit of share gained is worth at least 1 - damping."""
    graph, owner, person = case
    mine = sorted(account for account in owner if owner[account] == person)
    v = data.draw(st.sampled_from(mine), "engaged with")
    u = data.draw(st.sampled_from([name for name in (*graph.people, NEWCOMER) if name not in mine] or [NEWCOMER]))
    more = graph.adding({(u, v): data.draw(units, "weight added")})
    before, after = (found[person] for found in of_people_each([graph, more], owner))
    gained = sum(
        more.shares()[u, account] - graph.shares().get((u, account), 0)
        for account in mine
        if (u, account) in more.shares()
    )
    assert after.direct >= before.direct - tolerance(before.direct)
    least = before.influence + (1 - graph.damping) * gained / SCALE
    assert after.influence >= least - tolerance(before.influence)


@given(owned(), st.data())
def test_p2_what_any_of_ones_accounts_does_changes_nothing_of_ones_own(
    case: tuple[Graph, dict[str, str], str], data: st.DataObject
) -> None:
    """Acts on one's other accounts too: they are acts on oneself."""
    graph, owner, person = case
    mine = sorted(account for account in owner if owner[account] == person)
    v = data.draw(st.sampled_from(mine), "actor")
    others = [name for name in (*PEOPLE, NEWCOMER) if name != v]
    acts = data.draw(st.dictionaries(st.sampled_from(others), units), "acts")
    more = graph.adding({(v, name): weight for name, weight in acts.items()})
    doubted = replace(more, credibility=graph.credibility | {v: data.draw(st.sampled_from((0.0, 0.25, 1.0)))})
    before, *after = of_people_each([graph, graph.without(v), more, doubted], owner)
    for changed in after:
        close(changed.get(person, NOTHING), before[person])


@given(owned(), st.data())
def test_p3_of_two_equal_engagers_the_one_who_holds_more_from_others_counts_more(
    case: tuple[Graph, dict[str, str], str], data: st.DataObject
) -> None:
    """Others are all who are not the person: an engager whom the person's own accounts feed gains nothing by it."""
    graph, owner, person = case
    mine = {account for account in owner if owner[account] == person}
    v = min(mine)
    share = data.draw(st.integers(1, 2**36), "share")
    a = {pair: units for pair, units in graph.shares().items() if pair[1] not in mine}
    rivals = [name for name in graph.people if name not in mine]
    _, held = engine({pair: units for pair, units in a.items() if not mine & set(pair)} | {(NEWCOMER, "y"): 0})
    for u, found in zip(rivals, of_each([a | {(u, v): share} for u in rivals], owner), strict=True):
        alone = found[v]
        of_others = held.get(u, NOTHING)
        expected = share / SCALE * (1 + of_others.direct + of_others.second)
        assert sum(alone) / SCALE == pytest.approx(expected, rel=0, abs=tolerance(expected))


@given(owned(), graphs())
def test_p6_unconnected_newcomers_change_nobody_bit_for_bit(
    case: tuple[Graph, dict[str, str], str], other: Graph
) -> None:
    """Whoever owns the newcomers."""
    graph, owner, _ = case
    apart = {(f"{u}+", f"{v}+"): weight for (u, v), weight in other.weights.items()}
    theirs = owner | {f"{account}+": "a+" for account in other.people}
    before, after = of_people(graph, owner), of_people(replace(graph, weights=apart | graph.weights), theirs)
    assert {person: after[person] for person in before} == before


def test_by_hand_a_fan_of_both_accounts_counts_once_and_ones_own_praise_never() -> None:
    """A fan spends a quarter on each of Ana's accounts; Ana's second account praises the first."""
    a = {
        ("fan", "ana"): fixed(0.25),
        ("fan", "ana2"): fixed(0.25),
        ("ana2", "ana"): fixed(0.5),
        ("x", "fan"): fixed(0.5),
    }
    assert of_accounts(a, {"ana": "ana", "ana2": "ana"}) == {
        "ana": (fixed(0.25), fixed(0.125), 0),
        "ana2": (fixed(0.25), fixed(0.125), 0),
    }
    assert of_accounts(a, {"ana": "ana"})["ana"] == (fixed(0.75), fixed(0.125 + 0.125), fixed(0.0625))


def test_both_backends_give_these_bits(backend: Backend[Any]) -> None:
    pairs = [(u, v) for u in PEOPLE for v in PEOPLE if u != v]
    graph = Graph({pair: fixed(0.3 + n) for n, pair in enumerate(pairs)}, {"c": 0.25}, damping=0.85, rest=1.0)
    owner = {"a": "a", "b": "a", "d": "d", "e": "d", "f": "d"}
    shares = graph.shares()
    src, dst = zip(*shares, strict=True)
    spread = backend.local(pa.table({"src": src, "dst": dst, "a": list(shares.values())}))
    names, parts = zip(*graph.parts().items(), strict=True)
    units = zip(*([round(part * SCALE) for part in of] for of in parts), strict=True)
    sums = backend.local(pa.table({"id": names, **dict(zip(("one", "two", "three"), units, strict=True))}))
    accounts = backend.local(table(owner))
    kept = backend.kept(backend.query(linked.of_accounts_sql(3), spread=spread, sums=sums, linked=accounts))
    found = {row["id"]: (row["one"], row["two"], row["three"]) for row in backend.arrow(kept).to_pylist()}
    assert found == of_accounts(shares, owner)
    people = backend.query(linked.of_people_sql(), sums=sums, parts=kept, linked=accounts)
    assert {row["id"]: row["one"] + row["two"] + row["three"] for row in backend.arrow(people).to_pylist()} == {
        who: round(parts.influence * SCALE) for who, parts in of_people(graph, owner).items()
    }
