"""Each actor's part in each person's change: the parts sum, and a new act towards somebody is never reported as a loss."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.backends import duck
from jobs.warehouse import counted
from jobs.warehouse.basis import Basis
from jobs.warehouse.links import NOBODY, People
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import covered_days
from jobs.why import reasons, sensitivity
from jobs.why.persons import of_accounts
from jobs.why.reasons import Changes
from jobs.why.sensitivity import CODES, Change
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import Methodology, load
from tests.fixture_types import ArrowRows
from tests.jobs.equations import NEWCOMER, SCALE, Graph, graphs, units
from tests.jobs.owners import database, of_people, owners, table
from tests.jobs.world import OFFICIAL


def between(
    old: Graph, new: Graph, fresh: dict | None = None, restored: dict | None = None, missing: dict | None = None
) -> Changes:
    """As the tables of a warehouse would hold it. The last three are weights by pair, as multiples of 2^-36."""
    pairs = sorted({*old.weights, *new.weights})
    people = sorted({person for pair in pairs for person in pair})
    number = {person: place for place, person in enumerate(people)}
    src, dst = (np.array([number[pair[end]] for pair in pairs], np.int32) for end in (0, 1))

    def column(values: dict) -> np.ndarray:
        return np.array([values.get(pair, 0) for pair in pairs]) / SCALE

    def of_actor(graph: Graph, values: np.ndarray) -> np.ndarray:
        return np.bincount(src, values, len(people))[src]

    spent = [graph.rest + of_actor(graph, column(graph.weights)) for graph in (old, new)]
    (old_free, free), crowding = reasons.room_left(*spent)
    old_credibility, credibility = (np.array([graph.credibility.get(u, 1.0) for u, _ in pairs]) for graph in (old, new))
    gained, lost = column(restored or {}), column(missing or {})
    change = Change(
        column(old.shares()), column(new.shares()), column(old.weights), column(new.weights), column(fresh or {}),
        gained, lost, old_free, free, crowding, old_credibility, credibility, of_actor(old, gained), of_actor(old, lost),
    )  # fmt: skip
    return Changes(pa.array(people), sensitivity.graph(src, dst, len(people)), change, old.damping, 3)


def everybody(changes: Changes, people: People = NOBODY) -> np.ndarray:
    return reasons.of_everybody(changes, of_accounts(changes.accounts, people))


def worth_by_reason(changes: Changes) -> dict[str, dict[str, float]]:
    """person -> reason -> worth, what moved nothing left out."""
    return {
        person: {code: part for code, part in zip(CODES, row, strict=True) if abs(part) > 1e-15}
        for person, row in zip(changes.accounts.to_pylist(), everybody(changes), strict=True)
    }


@given(graphs(), graphs())
def test_reasons_sum_to_the_change(old: Graph, other: Graph) -> None:
    new = replace(other, damping=old.damping, rest=old.rest)
    changes = between(old, new)
    influence = [graph.parts() for graph in (old, new)]
    for person, row in zip(changes.accounts.to_pylist(), everybody(changes), strict=True):
        before, after = (parts[person].influence if person in parts else 0.0 for parts in influence)
        assert row.sum() == pytest.approx(after - before, rel=0, abs=1e-9 * max(1, before, after))


@given(graphs(), graphs(), st.data())
def test_reasons_of_people_with_several_accounts_sum_to_the_change(
    old: Graph, other: Graph, data: st.DataObject
) -> None:
    """Everybody's actors too, none of whom is an account of theirs."""
    new = replace(other, damping=old.damping, rest=old.rest)
    owner = data.draw(owners(sorted({*old.people, *new.people})))
    changes, people = between(old, new), replace(NOBODY, accounts=table(owner))
    persons = of_accounts(changes.accounts, people)
    influence = [of_people(graph, owner) for graph in (old, new)]
    for n, (person, row) in enumerate(zip(persons.names.to_pylist(), everybody(changes, people), strict=True)):
        before, after = (parts[person].influence if person in parts else 0.0 for parts in influence)
        assert row.sum() == pytest.approx(after - before, rel=0, abs=1e-9 * max(1, before, after))
        members = persons.members[persons.start[n] : persons.start[n + 1]]
        actors, parts = reasons.of_person(changes, members)
        assert not {*actors} & {*members}
        assert parts.sum(axis=0) == pytest.approx(row, rel=1e-12, abs=1e-15)
    held = dict(zip(persons.names.to_pylist(), reasons.held_before(database(), changes, persons), strict=True))
    for person, worth in held.items():
        before = influence[0][person].influence if person in influence[0] else 0.0
        assert worth == pytest.approx(before, rel=0, abs=1e-9 * max(1, before))


@given(graphs(), graphs())
def test_actors_sum_to_the_change_of_everybody(old: Graph, other: Graph) -> None:
    changes = between(old, replace(other, damping=old.damping, rest=old.rest))
    whole = everybody(changes)
    for v in range(len(changes.accounts)):
        actors, parts = reasons.of_person(changes, np.array([v]))
        assert len(set(actors)) == len(actors)
        assert v not in actors  # one's own acts never change one's score
        assert parts.sum(axis=0) == pytest.approx(whole[v], rel=1e-12, abs=1e-15)


@given(graphs(), graphs(), st.data())
def test_a_new_act_is_never_a_loss(old: Graph, other: Graph, data: st.DataObject) -> None:
    """Whatever else changed meanwhile: the sum of all that an act towards somebody moved is never below zero for them."""
    before = replace(other, damping=old.damping, rest=old.rest)
    actor = data.draw(st.sampled_from(before.people))
    targets = data.draw(st.lists(st.sampled_from([p for p in before.people if p != actor]), min_size=1, unique=True))
    fresh = {(actor, target): data.draw(units) for target in targets}
    changes = between(old, before.adding(fresh), fresh=fresh)
    for row in everybody(changes):
        assert row[sensitivity.NEW_ENGAGEMENT] >= 0
        assert row[sensitivity.ENGAGER_ARRIVED] >= 0


def graph(**weights: float) -> Graph:
    return Graph({(pair[0], pair[1]): round(weight * SCALE) for pair, weight in weights.items()}, {}, 0.5, 1.0)


def test_somebody_small_answers() -> None:
    """b engaged with a before and now has one act for c too: c gains, for a, attention moved."""
    found = worth_by_reason(between(graph(ba=1), graph(ba=1, bc=1), fresh={("b", "c"): SCALE}))
    assert found["c"] == {"engager_arrived": pytest.approx(0.5 / 3)}
    assert found["a"] == {"attention_moved": pytest.approx(0.5 / 3 - 0.25)}
    assert found["b"] == {}


def test_an_engager_rises() -> None:
    """d now engages with b, who engages with a: b hands on more to a."""
    found = worth_by_reason(between(graph(ba=1), graph(ba=1, db=1), fresh={("d", "b"): SCALE}))
    assert found["b"] == {"engager_arrived": pytest.approx(0.25)}
    assert found["a"] == {"engagers_attention": pytest.approx(0.25 * 0.25)}


def test_time_passes() -> None:
    """Half of an act's weight has faded, another is gone."""
    found = worth_by_reason(between(graph(ba=2, ca=1), graph(ba=1)))
    assert found["a"] == {
        "faded_engagement": pytest.approx(0.5 * (1 / 2 - 2 / 3)),
        "engager_left": pytest.approx(-0.25),
    }


def test_late_acts_are_not_new() -> None:
    found = worth_by_reason(between(graph(ba=1), graph(ba=2), restored={("b", "a"): SCALE}))
    assert found["a"] == {"coverage_restored": pytest.approx(0.5 * (2 / 3 - 1 / 2))}
    found = worth_by_reason(between(graph(ba=2), graph(ba=1), missing={("b", "a"): -SCALE}))
    assert found["a"] == {"coverage_missing": pytest.approx(0.5 * (1 / 2 - 2 / 3))}


def test_late_acts_elsewhere() -> None:
    found = worth_by_reason(between(graph(ba=1, bc=1), graph(ba=1, bc=2), restored={("b", "c"): SCALE}))
    assert found["a"] == {"coverage_restored": pytest.approx(0.5 * (1 / 4 - 1 / 3))}


def test_an_engager_turns_out_to_be_a_bot() -> None:
    before = graph(ba=1)
    found = worth_by_reason(between(before, replace(before, credibility={"b": 0.0})))
    assert found["a"] == {"credibility": pytest.approx(-0.25)}


def test_one_act_with_everything_that_it_moved() -> None:
    """b, who engages with c, who engages with a, now engages with a too: a gains, and what came by c is less. One sum."""
    old, new = graph(bc=1, ca=1), graph(bc=1, ca=1, ba=1)
    found = worth_by_reason(between(old, new, fresh={("b", "a"): SCALE}))
    direct, by_c_before, by_c = 0.5 / 3, 0.25 * 0.25, 0.5 / 3 * 0.25
    assert found["a"] == {"engager_arrived": pytest.approx(direct + by_c - by_c_before)}


def test_an_actor_who_had_spent_nothing_and_keeps_nothing() -> None:
    """rest 0, so that nobody's share is defined before the first act: all of it is the act's."""
    old, new = (replace(g, rest=0.0) for g in (graph(ca=1), graph(ca=1, ba=1)))
    assert worth_by_reason(between(old, new, fresh={("b", "a"): SCALE}))["a"] == {"engager_arrived": pytest.approx(0.5)}


def test_much_more_of_what_moves_nothing() -> None:
    """All that a gives was b's already: a hundred thousand times as much is the same, and by no bit less."""
    act = {("a", "b"): 100 * SCALE}
    old = replace(graph(ab=0.001, bc=1, cd=1, da=1), rest=0.0)
    new = replace(graph(ab=1), rest=0.0).adding(act)
    changes = between(old, new, fresh=act)
    row = everybody(changes)[changes.accounts.index("b").as_py()]
    assert row[sensitivity.NEW_ENGAGEMENT] == 0


def test_newcomers_do_not_matter() -> None:
    """An unconnected account moves nobody."""
    assert NEWCOMER not in "ab"
    old = graph(ba=1)
    new = old.adding({(NEWCOMER, "y"): SCALE})
    assert worth_by_reason(between(old, new, fresh={(NEWCOMER, "y"): SCALE}))["a"] == {}


# From the tables of both days

DAY = date(2026, 10, 30)  # the days after it lie in two months


def days(*numbers: int) -> list[date]:
    return [DAY + timedelta(number) for number in numbers]


class Days:
    """What is recorded of the days after `DAY`, as scores of these days stood on it."""

    def __init__(self, warehouse: Warehouse, arrow_rows: ArrowRows, methodology: Methodology) -> None:
        self.warehouse, self.arrow_rows, self.methodology = warehouse, arrow_rows, methodology

    def act(self, day: date, src: str, dst: str, count: int = 1) -> None:
        row = {"day": day, "src": src, "dst": dst, "platform": "demo", "kind": "like", "act_count": count}
        self.warehouse.replace(ENGAGEMENT, self.arrow_rows(ENGAGEMENT, [row]), {"day": day}, run_id="test", job="test")

    def cover(self, days: Iterable[date], rows: int = 1) -> None:
        for day in days:
            partition = {"day": day, "platform": "demo", "source": "test"}
            table = self.arrow_rows(COVERAGE, [{"day": day, "platform": "demo"}] * rows)
            self.warehouse.replace(COVERAGE, table, partition, run_id="test", job="test")

    def basis(self, day: date) -> Basis:
        covered = covered_days(self.warehouse, self.methodology.first_day(day), day)
        return Basis(day=day, methodology=self.methodology, covered=covered, now=counted.snapshot(self.warehouse))

    def changed(self, since: Basis, now: Basis) -> dict[str, float]:
        """Reason -> worth, of ana."""
        with duck.database() as db:
            reasons.prepare_change(db, self.warehouse, since, now)
            changes = reasons.pulled(db, now)
        return worth_by_reason(changes)["ana"]


@pytest.fixture(params=["2026.11", "2026.12.1"])  # weights are added up at once, or by month
def world(warehouse: Warehouse, arrow_rows: ArrowRows, request: pytest.FixtureRequest) -> Days:
    return Days(warehouse, arrow_rows, load(request.param))


def aged(days: int) -> float:
    """What one like is worth of an actor who did nothing else."""
    weight = 2 ** (-days / OFFICIAL.half_life_days)
    return OFFICIAL.damping * weight / (OFFICIAL.rest_weight + weight)


def test_older_acts_age_by_a_day_that_is_covered_late(world: Days) -> None:
    """A day that had been missing was pulled, and nobody did anything on it: nothing is gone, and the acts before are older."""
    world.act(DAY, "bo", "ana")
    world.cover(days(0, 2))
    since = world.basis(DAY + timedelta(2))
    world.cover(days(1, 3))
    found = world.changed(since, world.basis(DAY + timedelta(3)))
    assert found.keys() == {"faded_engagement", "coverage_restored"}
    assert found["coverage_restored"] < 0
    assert sum(found.values()) == pytest.approx(aged(3) - aged(1), abs=1e-10)


def test_older_acts_age_less_by_a_day_that_is_not_covered_any_more(world: Days) -> None:
    world.act(DAY, "bo", "ana")
    world.cover(days(0, 1, 2))
    since = world.basis(DAY + timedelta(2))
    world.cover(days(1), rows=0)
    found = world.changed(since, world.basis(DAY + timedelta(2)))
    assert found == {"coverage_missing": pytest.approx(aged(1) - aged(2), abs=1e-10)}
    assert found["coverage_missing"] > 0


def test_what_arrived_and_what_it_made_older(world: Days) -> None:
    """A day is covered late, on which cy liked ana: both are what came of it."""
    world.act(DAY, "bo", "ana")
    world.cover(days(0, 2))
    since = world.basis(DAY + timedelta(2))
    world.act(DAY + timedelta(1), "cy", "ana")
    world.cover(days(1))
    found = world.changed(since, world.basis(DAY + timedelta(2)))
    assert found == {"coverage_restored": pytest.approx(aged(1) + aged(2) - aged(1), abs=1e-10)}


def test_one_day_is_restored_and_another_is_gone(world: Days) -> None:
    world.act(DAY, "bo", "ana")
    world.act(DAY + timedelta(1), "cy", "ana")
    world.cover(days(0, 2))
    since = world.basis(DAY + timedelta(2))
    world.cover(days(1))
    world.cover(days(0), rows=0)
    found = world.changed(since, world.basis(DAY + timedelta(2)))
    assert found == {
        "coverage_restored": pytest.approx(aged(1), abs=1e-10),
        "coverage_missing": pytest.approx(-aged(1), abs=1e-10),
    }
