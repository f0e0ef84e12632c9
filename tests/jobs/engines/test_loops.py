"""The loop kernel against every pair of edges, on graphs with hubs, mutual pairs, triangles, and nothing at all."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engines.edge_rows import edge_rows
from jobs.engines.loops import loops
from schemas.fixed_point import UNIT
from tests.jobs.equations import PEOPLE, SCALE, Graph, graphs

HALF, QUARTER = SCALE // 2, SCALE // 4


def kernel(a: dict[tuple[str, str], int], pieces: int | None = None) -> dict[tuple[str, str], int]:
    people = sorted({person for pair in a for person in pair})
    src, dst = (np.array([people.index(edge[end]) for edge in a], np.int32) for end in (0, 1))
    rows = edge_rows(src, dst, np.array(list(a.values()), np.int64), len(people))
    edges = list(a)
    found = {edges[place]: units for place, units in zip(rows.given, loops(rows, pieces).tolist(), strict=True)}
    return {edge: found[edge] for edge in a}


def by_hand(a: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """loop(u,v) = sum over w of a(v,w) a(w,u), each product a whole multiple of 2^-36."""
    people = {person for pair in a for person in pair}
    return {(u, v): sum(round(a.get((v, w), 0) * UNIT * a.get((w, u), 0)) for w in people - {u, v}) for u, v in a}


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        pytest.param({("a", "b"): HALF, ("b", "a"): HALF}, [0, 0], id="a mutual pair is no loop through another"),
        pytest.param(
            {("a", "b"): HALF, ("b", "c"): HALF, ("c", "a"): QUARTER},
            [SCALE // 8, SCALE // 8, SCALE // 4],
            id="a triangle turns one way",
        ),
        pytest.param(
            {("a", "b"): HALF, ("a", "c"): QUARTER, ("b", "c"): HALF}, [0, 0, 0], id="a triangle that does not turn"
        ),
        pytest.param(
            {("a", "b"): HALF, ("b", "c"): HALF, ("c", "a"): 0},
            [0, 0, SCALE // 4],
            id="what passes nothing on is in no loop but its own",
        ),
        pytest.param({("a", "b"): HALF}, [0], id="one edge"),
        pytest.param({}, [], id="no edge"),
    ],
)  # fmt: skip
def test_shapes(a: dict[tuple[str, str], int], expected: list[int]) -> None:
    assert list(kernel(a).values()) == expected


@given(graphs(), st.sets(st.sampled_from(list(permutations(PEOPLE, 2)))))
def test_every_pair_of_edges(graph: Graph, silent: set[tuple[str, str]]) -> None:
    """With some edges of weight nothing among them."""
    a = {pair: 0 if pair in silent else units for pair, units in graph.shares().items()}
    assert kernel(a) == by_hand(a)


@pytest.mark.parametrize("pieces", [None, 7, 1000])
def test_a_hub_among_many(pieces: int | None) -> None:
    """Two hubs whom 300 accounts follow and who answer every third: degrees differ by far more than in small graphs. Threads
    share the accounts out in pieces, of which none, one or many may be empty."""
    rng = np.random.default_rng(1)
    fans = [f"fan{n:03d}" for n in range(300)]
    pairs = [
        pair
        for fan in fans
        for hub in ("hub0", "hub1")
        for pair in ((fan, hub), (hub, fan))[: 1 + (int(fan[3:]) % 3 == 0)]
    ]
    pairs += [("hub0", "hub1"), ("hub1", "hub0")]
    pairs += [(fans[k], fans[j]) for k, j in rng.integers(0, 300, (900, 2)) if k != j]
    a = {pair: int(units) for pair, units in zip(pairs, rng.integers(0, SCALE // 2, len(pairs)), strict=True)}
    found = kernel(a, pieces)
    assert found == by_hand(a)
    assert sum(units > 0 for units in found.values()) > 500  # there was something to find
