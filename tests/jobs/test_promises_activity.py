"""From reports of acts to influence: P5, that a further report of an act that counts already never lowers whom the act was
directed at; P1 and P2, what a further act does to whom it is directed at and to who does it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.many_acts import engagement
from schemas.activity import ACTIVITY
from schemas.kinds import INTERACTIONS
from tests.fixture_types import SparkRows
from tests.jobs.equations import NEWCOMER, Pair, Parts, engine, shares, term
from tests.jobs.world import OFFICIAL

DAY = date(2026, 11, 3)
EXACT = 1e-8
PEOPLE = "abcd"
Act = tuple[Pair, str]
Kinds = dict[Pair, dict[str, int]]

some_kind = st.sampled_from(INTERACTIONS)
pairs = st.sampled_from(list(permutations(PEOPLE, 2)))
acts = st.lists(st.tuples(pairs, some_kind), min_size=1, max_size=8)
Continued = tuple[list[Act], int, str, str, Act, Act]
AroundMidnight = tuple[list[tuple[Act, str]], list[tuple[Act, str]], int]


@st.composite
def continued(draw: st.DrawFn) -> Continued:
    """Acts of one day; which of them is reported once more, and as what kind; somebody, and two acts that may come: one by
    somebody else towards the person, one by the person."""
    done, again_as, person = draw(acts), draw(some_kind), draw(st.sampled_from(PEOPLE))
    others = st.sampled_from([name for name in (*PEOPLE, NEWCOMER) if name != person])
    towards, by = ((draw(others), person), draw(some_kind)), ((person, draw(others)), draw(some_kind))
    return done, draw(st.integers(0, len(done) - 1)), again_as, person, towards, by


def counted(rows: SparkRows, worlds: Mapping[str, Sequence[tuple[Act, int]]]) -> dict[str, Kinds]:
    """What each world's acts count as, from reports (act, its number). Each world is a platform of its own and each report of
    another source: all of them counted in one run."""
    records = [
        {"platform": name, "source": f"{place}", "actor_id": u, "target_id": v, "kind": kind, "activity_id": f"{act}"}
        for name, reports in worlds.items()
        for place, (((u, v), kind), act) in enumerate(reports)
    ]
    found: dict[str, Kinds] = {}
    for row in engagement(rows(ACTIVITY, records)).collect():
        pair = (row["src"].partition(":")[2], row["dst"].partition(":")[2])
        found.setdefault(row["platform"], {}).setdefault(pair, {})[row["kind"]] = row["act_count"]
    return found


def parts(world: Kinds, person: str) -> Parts:
    weights = {pair: term(kinds, OFFICIAL.kind_weights, 1.0) for pair, kinds in world.items()}
    return engine(shares(weights, {}, OFFICIAL.damping, OFFICIAL.rest_weight))[1].get(person, Parts(0.0, 0.0, 0.0))


@settings(max_examples=2)  # of which the first is the simplest
@given(st.lists(continued(), min_size=40, max_size=40))
def test_p1_p2_p5_a_further_act_or_report(rows: SparkRows, examples: list[Continued]) -> None:
    """A further act lowers nothing of whom it is directed at and changes nothing of who does it; a further report of an act
    never lowers its target."""
    worlds = {}
    for number, (done, again, again_as, _, towards, by) in enumerate(examples):
        worlds[f"before{number}"] = once = [(act, place) for place, act in enumerate(done)]
        worlds[f"engaged{number}"] = [*once, (towards, len(done))]
        worlds[f"acted{number}"] = [*once, (by, len(done))]
        worlds[f"again{number}"] = [*once, ((done[again][0], again_as), again)]
    found = counted(rows, worlds)
    for number, (done, again, _, person, *_) in enumerate(examples):
        before, engaged, acted, reported = (
            found[f"{name}{number}"] for name in ("before", "engaged", "acted", "again")
        )
        mine = parts(before, person)
        tolerance = EXACT * max(1, mine.influence)
        assert parts(engaged, person).influence >= mine.influence - tolerance, "P1"
        assert parts(engaged, person).direct >= mine.direct - tolerance, "P1"
        assert parts(acted, person) == pytest.approx(mine, rel=0, abs=tolerance), "P2"
        assert act_counts(reported) == act_counts(before), "P5: it is the same act"
        target = done[again][0][1]
        held = parts(before, target).influence
        assert parts(reported, target).influence >= held - EXACT * max(1, held), "P5"


def act_counts(world: Kinds) -> dict[Pair, int]:
    return {pair: sum(kinds.values()) for pair, kinds in world.items()}


@st.composite
def around_midnight(draw: st.DrawFn) -> AroundMidnight:
    """Reports (act, source) of a day and of the day after, which repeats some of them, and which report of the first day
    another source brings once more on the second."""
    report = st.tuples(st.tuples(pairs, some_kind), st.sampled_from("xy"))
    before = draw(st.lists(report, min_size=1, max_size=6, unique_by=lambda report_and_source: report_and_source[0]))
    after = draw(st.lists(report, max_size=4)) + [(act, "y" if source == "x" else "x") for act, source in before[1:3]]
    return before, after, draw(st.integers(0, len(before) - 1))


@settings(max_examples=2)
@given(st.lists(around_midnight(), min_size=30, max_size=30))
def test_p5_an_act_on_either_side_of_midnight_counts_once(rows: SparkRows, examples: list[AroundMidnight]) -> None:
    """What another source reports of the day before adds nothing to the day and takes nothing from it."""
    days = (DAY - timedelta(1), DAY)
    worlds = {}
    for number, (before, after, again) in enumerate(examples):
        act, source = before[again]
        worlds[f"once{number}"] = (before, after)
        worlds[f"again{number}"] = (before, [*after, (act, "y" if source == "x" else "x")])
    frames = [
        rows(ACTIVITY, [
            {"platform": name, "day": days[side], "source": source, "actor_id": u, "target_id": v, "kind": kind,
             "activity_id": f"{u}{v}{kind}"}
            for name, sides in worlds.items() for ((u, v), kind), source in sides[side]
        ])
        for side in (0, 1)
    ]  # fmt: skip
    found: dict[str, dict[tuple[str, str], int]] = {name: {} for name in worlds}
    for row in engagement(frames[1], frames[0]).collect():
        assert row["day"] == DAY
        pair = (row["src"].partition(":")[2], row["dst"].partition(":")[2])
        found[row["platform"]][pair] = found[row["platform"]].get(pair, 0) + row["act_count"]
    for number, (before, after, _) in enumerate(examples):
        sources: dict[Act, set[str]] = {}
        for act, source in [*before, *after]:
            sources.setdefault(act, set()).add(source)
        earlier = {act for act, _ in before}
        left = {act for act, _ in after if act not in earlier or len(sources[act]) == 1}
        assert sum(found[f"once{number}"].values()) == len(left)
        more, once = found[f"again{number}"], found[f"once{number}"]
        assert more.keys() <= once.keys()
        assert all(more.get(pair, 0) <= count for pair, count in once.items())
