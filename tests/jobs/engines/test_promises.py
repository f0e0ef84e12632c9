"""The promises that are about the graph, through each engine on Spark: random graphs and what became of them, as one frame.

One run of an engine takes seconds whatever is in it, so that it gets all graphs at once. Engine `memory` has thousands of them
in `tests/jobs/test_promises.py`.
"""

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
Sums = dict[str, Parts]


@pytest.fixture(scope="module")
def parts(distributed, spark):
    """`parts(graphs)`: everybody's parts in each of them, by one run of the engine."""

    def run(given: list[Graph]) -> list[Sums]:
        rows = [
            {"src": f"{number}:{u}", "dst": f"{number}:{v}", "a": a}
            for number, graph in enumerate(given)
            for (u, v), a in graph.shares().items()
        ]
        found = distributed.sums(spark.createDataFrame(pa.Table.from_pylist(rows)).cache(), 3)
        everybody: list[Sums] = [{} for _ in given]
        for row in found.toArrow().to_pylist():
            number, _, person = row["id"].partition(":")
            everybody[int(number)][person] = Parts(*(row[step] / SCALE for step in ("one", "two", "three")))
        spark.catalog.clearCache()
        return everybody

    return run


@st.composite
def histories(draw: st.DrawFn) -> tuple[Graph, str, Graph, Graph, Graph]:
    """A graph, one of its people, and three that it might become: somebody acts on the person, the person acts in another way
    or no more, strangers arrive who know each other alone."""
    graph = draw(graphs())
    v = draw(st.sampled_from(graph.people))
    others = [name for name in (*graph.people, NEWCOMER) if name != v]
    engaged = graph.adding({(draw(st.sampled_from(others)), v): draw(units)})
    acted = draw(st.sampled_from((graph.without(v), graph.adding({(v, draw(st.sampled_from(others))): draw(units)}))))
    apart = {(f"{u}+", f"{v}+"): weight for (u, v), weight in draw(graphs()).weights.items()}
    return graph, v, engaged, acted, replace(graph, weights=apart | graph.weights)


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


def star(fans: int, acts: int, kind: str, elsewhere: int) -> Graph:
    """`fans` accounts engage with the star equally often, and spend as much elsewhere."""
    spent = {(f"fan{n}", "star"): term({kind: acts}, OFFICIAL.kind_weights, 1.0) for n in range(fans)}
    spent |= {(f"fan{n}", f"friend{n}"): fixed(elsewhere) for n in range(fans)}
    return Graph(spent, {}, OFFICIAL.damping, OFFICIAL.rest_weight)


STARS = [(kind, elsewhere) for kind in INTERACTIONS for elsewhere in (0, 1000)]


def p1_p2_p6(v: str, before: Sums, engaged: Sums, acted: Sums, joined: Sums) -> None:
    mine = before[v]
    tolerance = EXACT * max(1, mine.influence)
    assert engaged[v].influence >= mine.influence - tolerance, "P1"
    assert engaged[v].direct >= mine.direct - tolerance, "P1"
    assert acted.get(v, NOTHING) == pytest.approx(mine, rel=0, abs=tolerance), "P2"
    assert {person: joined[person] for person in before} == before, "P6, bit for bit"


def p3(share: float, v: str, whole: Sums, without1: Sums, without2: Sums, without_v: Sums) -> None:
    """What an engager contributes is what is lost without; what one holds from others than the person is what one holds when
    the person does nothing."""
    worth1, worth2 = (whole[v].influence - without[v].influence for without in (without1, without2))
    held1, held2 = (without_v.get(rival, NOTHING).direct + without_v.get(rival, NOTHING).second for rival in RIVALS)
    tolerance = EXACT * max(1, whole[v].influence)
    assert worth1 - worth2 == pytest.approx(share * (held1 - held2), rel=0, abs=tolerance), "P3"
    if held1 >= held2:
        assert worth1 >= worth2 - tolerance, "P3"
    else:
        assert worth2 >= worth1 - tolerance, "P3"


@settings(max_examples=2)  # of which the first is the simplest
@given(st.lists(histories(), min_size=25, max_size=25))
def test_p1_p2_p5_p6_and_all_simple_paths(parts, examples):
    stars = [star(*size, *one) for one in STARS for size in ((100, 1), (1, 100))]
    found = parts([*(graph for graph, _, *became in examples for graph in (graph, *became)), *stars])
    for number, (graph, v, *_) in enumerate(examples):
        before, *became = found[4 * number : 4 * number + 4]
        p1_p2_p6(v, before, *became)
        for person, expected in summed(enumerated(graph.shares())).items():
            assert before[person] == pytest.approx(expected, rel=0, abs=1e-9 * max(1, expected.influence))
    stars_found = found[4 * len(examples) :]
    for many, one, case in zip(stars_found[::2], stars_found[1::2], STARS, strict=True):
        assert many["star"].influence > 15 * one["star"].influence, ("P5", case)


@settings(max_examples=2)
@given(st.lists(rivalries(), min_size=25, max_size=25))
def test_p3_of_two_equal_engagers_the_one_who_holds_more_from_others_counts_more(parts, examples):
    found = parts([graph if not name else graph.without(name) for graph, v in examples for name in ("", *RIVALS, v)])
    for number, (graph, v) in enumerate(examples):
        p3(graph.shares()[RIVALS[0], v] / SCALE, v, *found[4 * number : 4 * number + 4])
