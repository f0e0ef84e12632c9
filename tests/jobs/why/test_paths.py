"""The largest paths, against all paths walked one by one."""

import heapq
from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest

from jobs.why import paths, sensitivity

COUNTS = (1, 3, 11)


def graph_of(rng: np.random.Generator, accounts: int, edges: int) -> sensitivity.Graph:
    pairs = sorted({(a, b) for a, b in rng.integers(0, accounts, (edges, 2)).tolist() if a != b})
    src, dst = np.array(pairs, np.int32).reshape(-1, 2).T
    return sensitivity.graph(src, dst, accounts)


def walked(graph: sensitivity.Graph, share: np.ndarray, v: int, count: int) -> paths.Largest:
    """All of them, and then the largest: of equal ones those whose accounts come first."""
    edges = {(int(a), int(b)): float(worth) for a, b, worth in zip(graph.src, graph.dst, share, strict=True)}
    accounts = range(len(graph.start) - 1)
    found = []
    for steps in (1, 2, 3):
        every = []
        for begins in product(accounts, repeat=steps):
            path = (*begins, v)
            if len({*path}) == len(path) and all(pair in edges for pair in pairwise(path)):
                worth = 1.0
                for pair in reversed([*pairwise(path)]):
                    worth *= edges[pair]
                every.append((worth, path))
        handing = [path for path in every if path[0] > 0]
        found.append(heapq.nsmallest(count, handing, key=lambda path: (-path[0], path[1])))
    return paths.Largest(*found)


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("block", [1, 7, paths.BLOCK])
def test_they_are_the_largest_of_all_paths_in_the_same_order(
    seed: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every other graph has many equal shares, and shares of nothing."""
    monkeypatch.setattr(paths, "BLOCK", block)
    rng = np.random.default_rng(seed)
    graph = graph_of(rng, accounts=int(rng.integers(3, 10)), edges=int(rng.integers(4, 60)))
    share = rng.choice([0, 0.25, 0.5, 1.0], len(graph.src)) if seed % 2 else rng.random(len(graph.src))
    for v, count in product(range(3), COUNTS):
        assert paths.largest(graph, share, v, 3, count) == walked(graph, share, v, count)


def test_only_as_many_steps_as_there_are_rounds() -> None:
    graph = sensitivity.graph(np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32), 4)
    found = [paths.largest(graph, np.full(3, 0.5), 3, rounds, 5) for rounds in (1, 2, 3)]
    assert [[len(length) for length in largest] for largest in found] == [[1, 0, 0], [1, 1, 0], [1, 1, 1]]


def test_a_person_without_engagers_has_no_path() -> None:
    graph = sensitivity.graph(np.array([0], np.int32), np.array([1], np.int32), 2)
    assert paths.largest(graph, np.ones(1), 0, 3, 5) == paths.Largest([], [], [])


@pytest.mark.parametrize("equal", [True, False])
def test_a_hub_is_walked_in_blocks_and_not_whole(equal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """40,000 paths of two steps, 800,000 of three: no more than a block of them is ever in memory, and few are looked at."""
    made = []
    longer = paths._longer

    def measured(*asked: Any) -> Any:
        found = longer(*asked)
        made.append(len(found.worth))
        return found

    monkeypatch.setattr(paths, "BLOCK", 5_000)
    monkeypatch.setattr(paths, "_longer", measured)
    rng = np.random.default_rng(1)
    fans, others = np.arange(1, 201), np.arange(201, 4_201)
    crowd = np.column_stack([rng.choice(others, 80_000), rng.choice(others, 80_000)])
    to_the_hub, to_fans = (
        np.column_stack([fans, 0 * fans]),
        np.column_stack([np.repeat(others, 10), np.tile(fans, 200)]),
    )
    edges = np.unique(np.vstack([to_the_hub, to_fans, crowd]), axis=0)
    src, dst = edges[edges[:, 0] != edges[:, 1]].T
    graph = sensitivity.graph(src.astype(np.int32), dst.astype(np.int32), 4_201)
    share = np.full(len(src), 0.5) if equal else rng.random(len(src))
    found = paths.largest(graph, share, 0, 3, 11)
    assert [len(length) for length in found] == [11, 11, 11]
    assert max(made) <= 5_000
    assert sum(made) < 200_000
