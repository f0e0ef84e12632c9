"""P5 from reports to influence: a further report of an act that counts already never lowers whom the act was directed at."""

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.engagement import engagement
from schemas.activity import ACTIVITY
from schemas.kinds import INTERACTIONS
from tests.jobs.equations import Pair, engine, shares, term
from tests.jobs.world import OFFICIAL

EXACT = 1e-8
pairs = st.sampled_from(list(permutations("abcd", 2)))
acts = st.lists(st.tuples(pairs, st.sampled_from(INTERACTIONS)), min_size=1, max_size=8)


@st.composite
def reported(draw: st.DrawFn) -> tuple[list[tuple[Pair, str]], int, str]:
    """Acts of one day, and which of them is reported once more, as what kind."""
    done = draw(acts)
    return done, draw(st.integers(0, len(done) - 1)), draw(st.sampled_from(INTERACTIONS))


@settings(max_examples=3)
@given(st.lists(reported(), min_size=50, max_size=50))
def test_p5_a_further_report_never_lowers_its_target(rows, worlds):
    """Each world is a platform of its own, and once more with the further report: all of them counted in one run."""
    records = []
    for number, (done, again, kind) in enumerate(worlds):
        for name in (f"once{number}", f"again{number}"):
            reports = [(*act, f"{place}") for place, act in enumerate(done)]
            if name.startswith("again"):
                reports.append((done[again][0], kind, f"{again}"))
            records += [
                {
                    "platform": name,
                    "source": f"{place}",
                    "actor_id": u,
                    "target_id": v,
                    "kind": told,
                    "activity_id": act,
                }
                for place, ((u, v), told, act) in enumerate(reports)
            ]
    counted: dict[str, dict[Pair, dict[str, int]]] = {}
    for row in engagement(rows(ACTIVITY, records)).collect():
        pair = (row["src"].partition(":")[2], row["dst"].partition(":")[2])
        counted.setdefault(row["platform"], {}).setdefault(pair, {})[row["kind"]] = row["act_count"]
    for number, (done, again, _) in enumerate(worlds):
        once, more = counted[f"once{number}"], counted[f"again{number}"]
        assert {pair: sum(kinds.values()) for pair, kinds in more.items()} == {
            pair: sum(kinds.values()) for pair, kinds in once.items()
        }  # it is the same act
        target = done[again][0][1]
        before, after = (influence(world, target) for world in (once, more))
        assert after >= before - EXACT * max(1, before)


def influence(world: dict[Pair, dict[str, int]], person: str) -> float:
    weights = {pair: term(kinds, OFFICIAL.kind_weights, 1.0) for pair, kinds in world.items()}
    return engine(shares(weights, {}, OFFICIAL.damping, OFFICIAL.rest_weight))[1][person].influence
