"""The promises that are about the graph, through each engine: a hundred random graphs and what became of them, as one frame."""

from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.jobs.equations import NEWCOMER, SCALE, Graph, Parts, enumerated, graphs, summed, units

EXACT = 1e-8
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
