"""The promises that are about the graph, through each engine: a hundred random graphs and what became of them, as one frame."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.kinds import INTERACTIONS
from tests.jobs.equations import NEWCOMER, SCALE, Graph, Parts, enumerated, fixed, graphs, summed, term, units
from tests.jobs.world import OFFICIAL

EXACT = 1e-8
RIVALS = ("p", "q")
NOTHING = Parts(0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def parts(engine, spark):
    """`parts(graphs)`: everybody's parts in each of them, by one run of the engine."""

    def run(given: list[Graph]) -> list[dict[str, Parts]]:
        rows = [
            {"src": f"{number}:{u}", "dst": f"{number}:{v}", "a": a}
            for number, graph in enumerate(given)
            for (u, v), a in graph.shares().items()
        ]
        found = engine.sums(spark.createDataFrame(pa.Table.from_pylist(rows)).cache(), 3)
        everybody: list[dict[str, Parts]] = [{} for _ in given]
        for row in found.toArrow().to_pylist():
            number, _, person = row["id"].partition(":")
            everybody[int(number)][person] = Parts(*(row[step] / SCALE for step in ("one", "two", "three")))
        spark.catalog.clearCache()
        return everybody

    return run


@st.composite
def histories(draw: st.DrawFn) -> tuple[Graph, str, Graph, Graph, Graph]:
    """A graph, one of its people, and three that it might become: somebody acts on the person, the person acts otherwise or
    no more, strangers arrive who know each other alone."""
    graph = draw(graphs())
    v = draw(st.sampled_from(graph.people))
    others = [name for name in (*graph.people, NEWCOMER) if name != v]
    engaged = graph.adding({(draw(st.sampled_from(others)), v): draw(units)})
    acted = draw(st.sampled_from((graph.without(v), graph.adding({(v, draw(st.sampled_from(others))): draw(units)}))))
    apart = {(f"{u}+", f"{v}+"): weight for (u, v), weight in draw(graphs()).weights.items()}
    return graph, v, engaged, acted, replace(graph, weights=apart | graph.weights)


@settings(max_examples=2)
@given(st.lists(histories(), min_size=25, max_size=25))
def test_p1_p2_p6_and_all_simple_paths(parts, told):
    found = parts([graph for graph, _, *became in told for graph in (graph, *became)])
    for number, (graph, v, engaged, _, _) in enumerate(told):
        before, after_engaged, after_acted, joined = found[4 * number : 4 * number + 4]
        mine = before[v]
        tolerance = EXACT * max(1, mine.influence)
        assert after_engaged[v].influence >= mine.influence - tolerance, ("P1", engaged)
        assert after_engaged[v].direct >= mine.direct - tolerance
        assert after_acted.get(v, NOTHING) == pytest.approx(mine, rel=0, abs=tolerance), "P2"
        assert {person: joined[person] for person in before} == before, "P6, bit for bit"
        for person, expected in summed(enumerated(graph.shares())).items():
            assert before[person] == pytest.approx(expected, rel=0, abs=1e-9 * max(1, expected.influence))


@st.composite
def rivalries(draw: st.DrawFn) -> tuple[Graph, str]:
    """A graph and one of its people, on whom two engagers act, both as much and on nobody else; some of the graph's people
    act on the two, perhaps the person as well."""
    graph = draw(graphs())
    v = draw(st.sampled_from(graph.people))
    spent = dict.fromkeys([(rival, v) for rival in RIVALS], draw(units))
    for rival in RIVALS:
        spent |= {(fan, rival): draw(units) for fan in sorted(draw(st.sets(st.sampled_from(graph.people))))}
    return graph.adding(spent), v


@settings(max_examples=2)
@given(st.lists(rivalries(), min_size=25, max_size=25))
def test_p3_of_two_equal_engagers_the_one_who_holds_more_from_others_counts_more(parts, told):
    """What an engager contributes is what is lost without; what one holds from others than the person is what one holds when
    the person does nothing."""
    found = parts([graph if not name else graph.without(name) for graph, v in told for name in ("", *RIVALS, v)])
    for number, (graph, v) in enumerate(told):
        whole, *without_rivals, without_v = found[4 * number : 4 * number + 4]
        worth1, worth2 = (whole[v].influence - without[v].influence for without in without_rivals)
        held1, held2 = (without_v.get(rival, NOTHING).direct + without_v.get(rival, NOTHING).second for rival in RIVALS)
        tolerance = EXACT * max(1, whole[v].influence)
        assert worth1 - worth2 == pytest.approx(
            graph.shares()[RIVALS[0], v] / SCALE * (held1 - held2), rel=0, abs=tolerance
        )
        if held1 >= held2:
            assert worth1 >= worth2 - tolerance
        else:
            assert worth2 >= worth1 - tolerance


def test_p5_a_hundred_fans_alike_beat_one_fan_a_hundred_times(parts):
    """At least fifteen times, whatever kind it is and whatever else they spend."""
    asked = [(kind, elsewhere) for kind in INTERACTIONS for elsewhere in (0, 1000)]

    def star(fans: int, acts: int, kind: str, elsewhere: int) -> Graph:
        spent = {(f"fan{n}", "star"): term({kind: acts}, OFFICIAL.kind_weights, 1.0) for n in range(fans)}
        spent |= {(f"fan{n}", f"friend{n}"): fixed(elsewhere) for n in range(fans)}
        return Graph(spent, {}, OFFICIAL.damping, OFFICIAL.rest_weight)

    found = parts([star(*size, *one) for one in asked for size in ((100, 1), (1, 100))])
    for many, one, told in zip(found[::2], found[1::2], asked, strict=True):
        assert many["star"].influence > 15 * one["star"].influence, told
