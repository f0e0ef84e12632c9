"""Baselines on hand cases, and PageRank against networkx."""

from collections.abc import Callable, Sequence

import networkx as nx
import numpy as np
import pytest

from jobs.scratch import scratch
from jobs.validation import baselines
from jobs.validation.baselines import pagerank

# age, src, dst, act_count
ACTS = [
    (0, "x:dee", "x:ana", 1),
    (2, "x:dee", "x:ana", 2),
    (4, "x:cy", "x:ana", 4),
    (1, "x:ana", "x:bo", 1),
    (0, "x:cy", "x:bo", 8),
]


@pytest.fixture
def predicted() -> Callable[..., dict[str, dict[str, float]]]:
    def found(
        acts: Sequence[tuple[int, str, str, int]], scores: dict[str, float], followers: dict[str, int]
    ) -> dict[str, dict[str, float]]:
        with scratch() as db:
            db.execute("create table acts (age int, src text, dst text, act_count bigint)")
            db.execute("create table scored (person_id text, platform text, simulated bool, score_0 double)")
            db.execute("create table followers (person_id text, follower_count bigint)")
            db.executemany("insert into acts values (?, ?, ?, ?)", acts)
            db.executemany("insert into scored values (?, 'x', false, ?)", list(scores.items()))
            db.executemany("insert into followers values (?, ?)", [*followers.items(), ("x:nobody", 1)])
            made = baselines.predicted(db, ["2026.11"])
        people = made.people["person_id"].to_pylist()
        return {name: dict(zip(people, each.tolist(), strict=True)) for name, each in made.values.items()}

    return found


def test_each_baseline_of_a_hand_case(predicted: Callable[..., dict[str, dict[str, float]]]) -> None:
    found = predicted(ACTS, {"x:dee": 0.0, "x:cy": 0.0, "x:bo": 3.5, "x:ana": 7.0}, {"x:ana": 12})
    assert found["2026.11"] == {"x:ana": 7.0, "x:bo": 3.5}  # nobody engaged with dee and cy
    assert found["engagers"] == {"x:ana": 2, "x:bo": 2}
    assert found["acts"] == {"x:ana": 7, "x:bo": 9}
    units = {who: round(value / 2**36, 6) for who, value in found["faded_acts"].items()}
    assert units == {"x:ana": 1 + 2 / 2 + 4 / 4, "x:bo": round(8 + 2**-0.5, 6)}
    assert found["followers"]["x:ana"] == 12
    assert np.isnan(found["followers"]["x:bo"])
    weighted, unweighted = (found[name] for name in ("pagerank", "pagerank_unweighted"))
    assert weighted["x:bo"] > unweighted["x:bo"]  # cy gives bo 8 of 12 acts, and one of two pairs
    assert weighted["x:ana"] < unweighted["x:ana"]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("weighted", [True, False])
def test_pagerank_is_that_of_networkx(seed: int, weighted: bool) -> None:
    drawn = np.random.default_rng(seed)
    pairs = np.unique(drawn.integers(0, 40, (120, 2)), axis=0)
    src, dst = pairs[pairs[:, 0] != pairs[:, 1]].T
    weight = drawn.integers(1, 9, len(src)).astype(float) if weighted else np.ones(len(src))
    graph = nx.DiGraph()
    graph.add_nodes_from(range(40))
    graph.add_weighted_edges_from(zip(src.tolist(), dst.tolist(), weight.tolist(), strict=True))
    expected = nx.pagerank(graph, alpha=0.85, tol=1e-12, max_iter=1000)
    assert pagerank(src, dst, weight, 40) == pytest.approx([40 * expected[n] for n in range(40)], abs=1e-6)


def test_people_whose_places_are_alike_tie() -> None:
    """Seven people, each with the same two engagers in another order: sums of doubles would differ in their last bits."""
    src, dst = np.array([7, 8] * 7), np.repeat(np.arange(7), 2)
    found = pagerank(src, dst, np.tile([0.1, 0.3], 7), 9)
    assert len(set(found[:7].tolist())) == 1
