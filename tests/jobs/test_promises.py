"""The promises of the README, as properties of random graphs, and once through the real jobs.

Properties of the graph are shown with engine `memory`; `tests/jobs/engines` shows that the others give the same bits.
Exact means to 1e-8 relative to max(1, influence), and bit for bit where it says so.
"""

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jobs.score.fading import decay_factors
from schemas.kinds import INTERACTIONS
from tests.jobs.equations import (
    NEWCOMER,
    PEOPLE,
    Graph,
    Pair,
    Parts,
    engine,
    fixed,
    graphs,
    shares,
    term,
    tolerance,
    units,
)
from tests.jobs.windows import FIRST, Acts, covered_acts, pairs, window_shares, window_weights
from tests.jobs.world import OFFICIAL

NOTHING = Parts(0.0, 0.0, 0.0)


def points(influence: float) -> float:
    """README's scale, which the jobs' own is compared with in `test_influence.py`."""
    return min(100, 100 * math.log1p(influence / 0.01) / math.log1p(1e7 / 0.01))


def worth(graph: Graph, person: str) -> Parts:
    return graph.parts().get(person, NOTHING)


# P1: being engaged with never costs you


@given(graphs(), st.data())
def test_p1_an_act_directed_at_somebody_never_lowers_them(graph: Graph, data: st.DataObject) -> None:
    """By anyone, newcomers too. A unit of share gained is worth at least 1 - damping."""
    v = data.draw(st.sampled_from(PEOPLE), "engaged with")
    u = data.draw(st.sampled_from([name for name in (*graph.people, NEWCOMER) if name != v]), "engager")
    more = graph.adding({(u, v): data.draw(units, "weight added")})
    before, after = worth(graph, v), worth(more, v)
    gained = (more.shares()[u, v] - graph.shares().get((u, v), 0)) * 2.0**-36
    assert gained >= -tolerance(0)
    assert after.direct >= before.direct - tolerance(before.direct)
    assert after.influence >= before.influence + (1 - graph.damping) * gained - tolerance(before.influence)
    assert points(after.influence) >= points(max(0, before.influence - tolerance(before.influence)))


def test_p1_second_and_third_may_fall_while_the_whole_rises() -> None:
    """Bo engages Ana alone; the fan, who reached Ana through Bo, now engages Ana too: the same attention by a shorter way."""
    before = Graph({("fan", "bo"): fixed(1), ("bo", "ana"): fixed(1)}, {}, damping=1.0, rest=0.0)
    after = before.adding({("fan", "ana"): fixed(1)})
    assert worth(before, "ana") == (1.0, 1.0, 0.0)
    assert worth(after, "ana") == (1.5, 0.5, 0.0)


# P2: your own acts never change your own score


@given(graphs(), st.data())
def test_p2_own_acts_change_nothing_of_ones_own(graph: Graph, data: st.DataObject) -> None:
    """Whatever somebody does, more or nothing at all, and however credible they are."""
    v = data.draw(st.sampled_from(graph.people), "actor")
    others = [name for name in (*PEOPLE, NEWCOMER) if name != v]
    more = graph.adding(
        {
            (v, name): weight
            for name, weight in data.draw(st.dictionaries(st.sampled_from(others), units), "acts").items()
        }
    )
    doubted = replace(more, credibility=graph.credibility | {v: data.draw(st.sampled_from((0.0, 0.25, 1.0)))})
    before = worth(graph, v)
    for changed in (graph.without(v), more, doubted):
        after = worth(changed, v)
        assert after == pytest.approx(before, rel=0, abs=tolerance(before.influence))


# P3: an influential engager counts more


@given(graphs(), st.data())
def test_p3_of_two_equal_engagers_the_one_who_holds_more_from_others_counts_more(
    graph: Graph, data: st.DataObject
) -> None:
    a = graph.shares()
    v = data.draw(st.sampled_from(graph.people), "engaged with")
    rivals = [name for name in graph.people if name != v]
    assume(len(rivals) >= 2)
    u1, u2 = data.draw(st.permutations(rivals))[:2]
    a = a | dict.fromkeys(((u1, v), (u2, v)), data.draw(st.integers(1, 2**36), "share"))
    messages, _ = engine(a)
    # What reaches each within two steps from others than v: remove v, and count only one step and two.
    _, held = engine({(x, y): share for (x, y), share in a.items() if v not in (x, y)} | {(NEWCOMER, "y"): 0})
    held1, held2 = (held.get(u, NOTHING).direct + held.get(u, NOTHING).second for u in (u1, u2))
    worth1, worth2 = messages[u1, v].influence, messages[u2, v].influence
    if held1 >= held2:
        assert worth1 >= worth2 - tolerance(worth2)
    share = a[u1, v] * 2.0**-36
    assert worth1 - worth2 == pytest.approx(share * (held1 - held2), rel=0, abs=tolerance(worth1))


# P4: every point has a source


@given(graphs())
def test_p4_what_engagers_contribute_sums_to_the_whole(graph: Graph) -> None:
    """To the last bit: doubles of this size hold multiples of 2^-36 exactly."""
    messages, sums = engine(graph.shares())
    for person, parts in sums.items():
        for step, whole in enumerate(parts):
            assert sum(given[step] for (_, v), given in messages.items() if v == person) == whole
        assert parts.direct + parts.second + parts.third == parts.influence


# P5: one human act counts once


@given(st.sampled_from(INTERACTIONS), st.floats(0, 1000), st.floats(0.5, 1))
def test_p5_a_hundred_fans_alike_beat_one_fan_a_hundred_times(kind: str, elsewhere: float, damping: float) -> None:
    """At least fifteen times, whatever kind it is and whatever else they spend."""
    weights = OFFICIAL.kind_weights

    def star(fans: int, acts: int) -> float:
        spent = {(f"fan{n}", "star"): term({kind: acts}, weights, 1.0) for n in range(fans)}
        spent |= {(f"fan{n}", f"friend{n}"): fixed(elsewhere) for n in range(fans)}
        return engine(shares(spent, {}, damping, OFFICIAL.rest_weight))[1]["star"].influence

    assert star(100, 1) > 15 * star(1, 100)


# P6: scores do not deflate


@given(graphs(), graphs())
def test_p6_unconnected_newcomers_change_nobody_bit_for_bit(graph: Graph, other: Graph) -> None:
    """Also among those who know each other: names that sort between and after those who are there."""
    apart = {(f"{u}+", f"{v}+"): weight for (u, v), weight in other.weights.items()}
    joined = replace(graph, weights=apart | graph.weights)
    before, after = graph.parts(), joined.parts()
    assert {person: after[person] for person in before} == before
    assert after.keys() - before.keys() == {name for pair in apart for name in pair}


# What is far away does not matter


@given(graphs(), st.data())
def test_a_changed_edge_moves_only_people_within_three_steps_of_its_actor(graph: Graph, data: st.DataObject) -> None:
    """Bit for bit everybody else, whatever else the actor does."""
    people = [*graph.people, NEWCOMER]
    u = data.draw(st.sampled_from(people), "actor")
    v = data.draw(st.sampled_from([name for name in people if name != u]), "target")
    changed = data.draw(st.sampled_from((graph.without(u), graph.adding({(u, v): data.draw(units)}))))
    pairs = {*graph.weights, *changed.weights}
    near: set[str] = set()
    for _ in range(3):
        near |= {target for source, target in pairs if source in near | {u}}
    before, after = graph.parts(), changed.parts()
    for person in before.keys() - near - {u}:
        assert after.get(person, NOTHING) == before[person]


@given(graphs(), st.data())
def test_how_busy_an_actor_is_does_not_matter_where_nothing_stays_with_nobody(
    graph: Graph, data: st.DataObject
) -> None:
    """rest_weight 0: an actor who does ten times as much of everything changes nobody."""
    actor = data.draw(st.sampled_from(graph.people))
    factor = data.draw(st.integers(2, 1000))
    kept = replace(graph, rest=0.0)
    busier = replace(
        kept, weights={pair: units * (factor if pair[0] == actor else 1) for pair, units in graph.weights.items()}
    )
    before, after = kept.parts(), busier.parts()
    for person, parts in before.items():
        assert after[person] == pytest.approx(parts, rel=0, abs=tolerance(parts.influence))


# P10: missing data is not a low score


@given(covered_acts(), st.integers(1, 31), st.integers(5, 60), st.sampled_from((1, 2)))
def test_p10_days_without_coverage_change_nothing_but_what_leaves_the_window(
    world: tuple[dict[tuple[date, str, tuple[str, str]], int], dict[str, Any]],
    gap: int,
    lookback_days: int,
    equations: Literal[1, 2],
) -> None:
    """A day, or a month: bit for bit what the acts that stay would have given on the last covered day."""
    acts, covered = world
    last = max(day for there in covered.values() for day in there)
    after = last + timedelta(gap)
    stay = {place: count for place, count in acts.items() if place[0] > after - timedelta(lookback_days)}
    assert window_shares(acts, covered, after, lookback_days, equations) == window_shares(
        stay, covered, last, lookback_days + gap, equations
    )
    if gap < lookback_days - 20:
        assert len(stay) == len(acts)


@given(covered_acts(), st.integers(1, 31))
def test_p10_while_one_platform_is_silent_the_other_ages_alone(
    world: tuple[dict[tuple[date, str, tuple[str, str]], int], dict[str, Any]], gap: int
) -> None:
    acts, covered = world
    last = max(day for there in covered.values() for day in there)
    after = last + timedelta(gap)
    went_on = covered | {"x": covered["x"] | {last + timedelta(n + 1) for n in range(gap)}}
    window = [FIRST + timedelta(n) for n in range(60)]
    before = {(day, p): factor for day, p, factor in decay_factors(window, covered, last, OFFICIAL)}
    later = {(day, p): factor for day, p, factor in decay_factors(window, went_on, after, OFFICIAL)}
    for (day, platform), factor in before.items():
        faded = factor * 2 ** (-gap / OFFICIAL.half_life_days) if platform == "x" else factor
        assert later[day, platform] == (pytest.approx(faded, rel=1e-12) if platform == "x" else factor)
    silent = {place: count for place, count in acts.items() if place[1] == "y"}
    assert window_shares(silent, went_on, after, 120) == window_shares(silent, covered, last, 120)


# P1, P2 and P6 once more, with weights that are added up by month


@given(covered_acts(), st.data())
def test_p1_p2_p6_when_weights_are_added_up_by_month(
    world: tuple[dict[tuple[date, str, tuple[str, str]], int], dict[str, Any]], data: st.DataObject
) -> None:
    """A further act of any covered day never lowers its target and never changes its actor; strangers change nobody."""
    acts, covered = world
    day = FIRST + timedelta(60)

    def influence(acts: Acts) -> tuple[dict[Pair, int], dict[str, Parts]]:
        weights = window_weights(acts, covered, day, 90, 2)
        return weights, engine(shares(weights, {}, OFFICIAL.damping, OFFICIAL.rest_weight))[1]

    platform = data.draw(st.sampled_from(sorted(covered)), "platform")
    on = data.draw(st.sampled_from(sorted(covered[platform])), "day")
    actor, target = pair = data.draw(pairs, "pair")
    place = (on, platform, pair)
    (weights, before), (grown, after) = (
        influence(each) for each in (acts, {**acts, place: acts.get(place, 0) + data.draw(st.integers(1, 50))})
    )
    assert grown[pair] >= weights.get(pair, 0)
    assert {other: weight for other, weight in grown.items() if other != pair} == {
        other: weight for other, weight in weights.items() if other != pair
    }
    mine, own = before.get(target, NOTHING), before.get(actor, NOTHING)
    assert after[target].influence >= mine.influence - tolerance(mine.influence)
    assert after[actor] == pytest.approx(own, rel=0, abs=tolerance(own.influence))
    strangers = {(on, platform, (f"{u}+", f"{v}+")): count for (on, platform, (u, v)), count in acts.items()}
    _, joined = influence({**acts, **strangers})
    assert {person: joined[person] for person in before} == before
