"""The largest paths by which attention reaches a person: x -> w -> u -> v, all accounts distinct."""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jobs.sensitivity import Graph

Path = tuple[float, tuple[int, ...]]  # what it hands on, in accounts' worth; its accounts, the person last


class Largest(NamedTuple):
    """The largest paths of one, two and three steps, each in descending order."""

    direct: list[Path]
    second: list[Path]
    third: list[Path]


def largest(graph: Graph, share: np.ndarray, v: int, rounds: int, count: int) -> Largest:
    """At most `count` paths of each length that hand on anything. `share`: each edge's, as doubles.

    Those of three steps are looked for among the paths of two that could still yield a larger one, from the largest on, so
    that not all are walked.
    """
    direct: list[Path] = [(share[edge], (int(graph.src[edge]), v)) for edge in _into(graph, v)]
    second = list(_second(graph, share, v)) if rounds >= 2 else []
    third = _third(graph, share, second, count) if rounds >= 3 else []
    return Largest(_top(direct, count), _top(second, count), third)


def _into(graph: Graph, account: int) -> np.ndarray:
    return graph.in_edge[graph.in_start[account] : graph.in_start[account + 1]]


def _second(graph: Graph, share: np.ndarray, v: int) -> Iterator[Path]:
    for last in _into(graph, v):
        u = int(graph.src[last])
        for first in _into(graph, u):
            w = int(graph.src[first])
            if w != v:
                yield share[first] * share[last], (w, u, v)


def _third(graph: Graph, share: np.ndarray, second: list[Path], count: int) -> list[Path]:
    strongest = np.zeros(len(graph.start) - 1)
    np.maximum.at(strongest, graph.dst, share)
    found: list[Path] = []
    for worth, path in sorted(second, key=lambda it: (-it[0] * strongest[it[1][0]], it[1])):
        if len(found) == count and worth * strongest[path[0]] < found[-1][0]:
            break
        more = [
            (worth * share[edge], (int(graph.src[edge]), *path))
            for edge in _into(graph, path[0])
            if graph.src[edge] not in path
        ]
        found = _top(found + more, count)
    return found


def _top(paths: list[Path], count: int) -> list[Path]:
    """In an order of their own where they hand on the same, so that equal inputs give equal answers."""
    handing = [path for path in paths if path[0] > 0]
    return heapq.nsmallest(count, handing, key=lambda path: (-path[0], path[1]))
