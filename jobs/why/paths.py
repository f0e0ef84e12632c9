"""The largest paths by which attention reaches a person: x -> w -> u -> v, all accounts distinct.

A hub has millions of paths. So the search extends paths in blocks, those of the highest bound first, and stops when no further
path can be among the largest.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from jobs.why.sensitivity import Graph

Path = tuple[float, tuple[int, ...]]  # (the attention it passes on, in accounts' worth; its accounts, the person last)

BLOCK = 250_000  # paths in memory at once: about 20 MB

# A bound multiplies the same shares in another order than a path does, so the two may differ in the last bits.
ROUNDING = 1 + 1e-12


class Largest(NamedTuple):
    """The largest paths of one, two and three steps, each in descending order."""

    direct: list[Path]
    second: list[Path]
    third: list[Path]


class _Paths(NamedTuple):
    """Paths of one length."""

    worth: np.ndarray  # shape (paths,)
    accounts: (
        np.ndarray
    )  # shape (steps, paths): the first account of each path, the second, ...; the person is left out

    def take(self, chosen: np.ndarray) -> "_Paths":
        return _Paths(self.worth[chosen], self.accounts[:, chosen])

    def listed(self, person: int) -> list[Path]:
        accounts = self.accounts.T.tolist()
        return [(worth, (*path, person)) for worth, path in zip(self.worth.tolist(), accounts, strict=True)]


def largest(graph: Graph, share: np.ndarray, v: int, rounds: int, count: int) -> Largest:
    """The `count` largest paths of each length up to `rounds` (1 to 3) that end at account `v`; fewer if fewer pass on
    attention.

    `share`: each edge's share in accounts' worth, as a double. Equal paths are ordered by their account numbers.
    """
    into = graph.in_edge[graph.in_start[v] : graph.in_start[v + 1]]
    direct = _Paths(share[into], graph.src[into][None, :])
    strongest = _strongest(graph, share)
    return Largest(
        _top(direct, count).listed(v),
        _second(graph, share, v, direct, strongest, count).listed(v) if rounds >= 2 else [],
        _third(graph, share, v, direct, strongest, count).listed(v) if rounds >= 3 else [],
    )


def _second(graph: Graph, share: np.ndarray, v: int, direct: _Paths, strongest: np.ndarray, count: int) -> _Paths:
    best = _none(2)
    for block in _blocks(graph, direct, direct.worth * strongest[direct.accounts[0]]):
        if _beaten(best, count, block.bound[0]):
            break
        best = _top(_joined(best, _longer(graph, share, v, block.paths)), count)
    return best


def _third(graph: Graph, share: np.ndarray, v: int, direct: _Paths, strongest: np.ndarray, count: int) -> _Paths:
    """Skips a path if no extension of it can enter the `count` largest. An extension enters if it is larger than the last of
    them, or equally large with a first account that is not larger."""
    two_steps = _strongest(graph, share * strongest[graph.src])
    earliest = np.full(len(strongest), len(strongest))
    fed = np.diff(graph.in_start) > 0
    earliest[fed] = graph.src[graph.in_edge[graph.in_start[:-1][fed]]]
    best = _none(3)
    for block in _blocks(graph, direct, direct.worth * two_steps[direct.accounts[0]]):
        if _beaten(best, count, block.bound[0]):
            break
        second = _longer(graph, share, v, block.paths)
        bound = second.worth * strongest[second.accounts[0]]
        for promising in _blocks(graph, second.take(bound > 0), bound[bound > 0]):
            paths = promising.paths
            if len(best.worth) == count:
                last, first_account = best.worth[-1], best.accounts[0, -1]
                if promising.bound[0] < last:
                    break
                equal = (promising.bound == last) & (earliest[paths.accounts[0]] <= first_account)
                paths = paths.take((promising.bound > last) | equal)
            best = _top(_joined(best, _longer(graph, share, v, paths)), count)
    return best


class _Block(NamedTuple):
    """Paths to extend, in descending order of `bound`: an upper bound of what an extension of the path passes on."""

    paths: _Paths
    bound: np.ndarray


def _blocks(graph: Graph, paths: _Paths, bound: np.ndarray) -> Iterator[_Block]:
    """Yields the paths in descending order of the bound, in blocks of at most `BLOCK` extensions. A path with more extensions
    is a block of its own."""
    order = np.argsort(-bound, kind="stable")
    heads = paths.accounts[0, order]
    longer = np.cumsum(graph.in_start[heads + 1] - graph.in_start[heads])
    start = 0
    while start < len(order):
        before = longer[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(longer, before + BLOCK, side="right")))
        part = order[start:end]
        yield _Block(paths.take(part), bound[part])
        start = end


def _beaten(best: _Paths, count: int, bound: float) -> bool:
    return len(best.worth) == count and bound * ROUNDING < best.worth[-1]


def _longer(graph: Graph, share: np.ndarray, v: int, paths: _Paths) -> _Paths:
    """All extensions of the paths by one edge at their beginning that visit no account twice."""
    heads = paths.accounts[0]
    counts = graph.in_start[heads + 1] - graph.in_start[heads]
    of = np.repeat(np.arange(len(heads)), counts)
    place = np.arange(len(of)) + np.repeat(graph.in_start[heads] - (np.cumsum(counts) - counts), counts)
    edges = graph.in_edge[place]
    begins = graph.src[edges]
    distinct = begins != v
    for account in paths.accounts:
        distinct &= begins != account[of]
    begins, of, edges = begins[distinct], of[distinct], edges[distinct]
    return _Paths(paths.worth[of] * share[edges], np.vstack([begins[None, :], paths.accounts[:, of]]))


def _strongest(graph: Graph, value: np.ndarray) -> np.ndarray:
    """For each account, the largest `value` of the edges into it; 0 if it has none."""
    largest = np.zeros(len(graph.start) - 1)
    np.maximum.at(largest, graph.dst, value)
    return largest


def _none(steps: int) -> _Paths:
    return _Paths(np.zeros(0), np.zeros((steps, 0), np.int64))


def _joined(one: _Paths, other: _Paths) -> _Paths:
    return _Paths(np.concatenate([one.worth, other.worth]), np.hstack([one.accounts, other.accounts]))


def _top(paths: _Paths, count: int) -> _Paths:
    """The `count` largest paths, in descending order. Equal paths are ordered by their accounts, so the result is
    deterministic.

    Does not sort all paths. For each key it selects the paths that rank before the last place, and compares by the next key
    only those that tie for that place.
    """
    left = np.flatnonzero(paths.worth > 0)
    taken = [left[:0]]
    for key in (-paths.worth, *paths.accounts):
        places = count - sum(map(len, taken))
        if len(left) <= places or not places:
            break
        values = key[left]
        last = np.partition(values, places - 1)[places - 1]
        taken.append(left[values < last])
        left = left[values == last]
    chosen = paths.take(np.concatenate([*taken, left])[:count])
    return chosen.take(np.lexsort((*chosen.accounts[::-1], -chosen.worth)))
