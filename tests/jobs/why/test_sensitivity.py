"""The derivative of influence by each share, against differences of enumerated paths."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.why import sensitivity
from tests.jobs.equations import SCALE, Graph, Parts, enumerated, graphs, summed


def answered(
    pairs: Sequence[tuple[str, str]], old: np.ndarray, new: np.ndarray, people: list[str], rounds: int = 3
) -> list[dict]:
    """For each person, pair -> response."""
    number = {person: place for place, person in enumerate(people)}
    src, dst = (np.array([number[pair[end]] for pair in pairs], np.int32) for end in (0, 1))
    graph = sensitivity.graph(src, dst, len(people))
    shares, arrived = sensitivity.on_the_way(graph, old, new)
    room = sensitivity.buffers(len(people), len(pairs))
    found = []
    for v in range(len(people)):
        count = sensitivity.responses(np.array([v]), graph, shares, arrived, rounds, room)
        edges = room.edges[:count].copy()
        assert np.all(np.diff(edges) > 0)
        found.append({pairs[edge]: room.response[edge] for edge in edges})
        sensitivity.forget(np.array([v]), room, count)
    left = (room.marked, room.response, room.seen, room.inside, room.one, room.two, room.answered)
    assert not any(part.any() for part in left)
    return found


@given(graphs(), graphs(), st.integers(1, 3))
def test_responses_times_changes_are_the_change(one: Graph, other: Graph, rounds: int) -> None:
    """Exactly, between any two sets of shares over the same people."""
    people = sorted({*one.people, *other.people})
    old, new = one.shares(), other.shares()
    pairs = sorted({*old, *new})
    before, after = (np.array([shares.get(pair, 0) for pair in pairs]) / SCALE for shares in (old, new))
    influence = [
        {person: math.fsum(parts[:rounds]) for person, parts in summed(enumerated(shares)).items()}
        for shares in (old, new)
    ]
    found = answered(pairs, before, after, people, rounds)
    for person, response in zip(people, found, strict=True):
        expected = influence[1].get(person, 0.0) - influence[0].get(person, 0.0)
        moved = sum(response.get(pair, 0.0) * (after[k] - before[k]) for k, pair in enumerate(pairs))
        assert moved == pytest.approx(
            expected, rel=0, abs=1e-9 * max(1, *(side.get(person, 0.0) for side in influence))
        )


def test_products_are_split_evenly() -> None:
    """x -> w -> u -> v appears at once: each of its three edges made a third of what it hands on."""
    pairs = [("u", "v"), ("w", "u"), ("x", "w")]
    new = np.array([0.5, 0.4, 0.2])
    found = answered(pairs, np.zeros(3), new, ["u", "v", "w", "x"])[1]
    share = Parts(0.5, 0.4 * 0.5, 0.2 * 0.4 * 0.5)
    assert {pair: response * new[k] for k, (pair, response) in enumerate(zip(pairs, found.values(), strict=True))} == {
        ("u", "v"): pytest.approx(share.direct + share.second / 2 + share.third / 3),
        ("w", "u"): pytest.approx(share.second / 2 + share.third / 3),
        ("x", "w"): pytest.approx(share.third / 3),
    }
