"""How a person's influence answers to each edge: its derivative, averaged over the way from one day's shares to another's.

    influence(v) = sum over paths to v of products of at most three shares

is a polynomial of degree three, so along the straight line from old to new shares its derivative by each share is one of
degree two, which two points of Gauss and Legendre integrate exactly. Thus

    change of influence(v) = sum over edges of response(edge) * change of share(edge)

holds exactly, and every product is split evenly among its factors, in no order (for products of two and three this is the
value of Shapley, and that of Aumann and Shapley: "Values of Non-Atomic Games", Princeton 1974).
"""

from typing import NamedTuple

import numpy as np
from numba import njit

Array = np.ndarray

# Both points weigh one half.
POINTS = (0.5 - 0.5 / np.sqrt(3), 0.5 + 0.5 / np.sqrt(3))


class Graph(NamedTuple):
    """Edges in order of (src, dst), and the ways to find them. `start` and `in_start` have one entry more than accounts."""

    src: Array  # account number
    dst: Array
    start: Array  # account -> its first edge out
    in_edge: Array  # edges in order of (dst, src)
    in_start: Array  # account -> its first place in `in_edge`
    back: Array  # edge -> the edge that goes back, or -1


class Scratch(NamedTuple):
    """Room for one person at a time; zero, and left so."""

    marked: Array  # edge: has a response
    response: Array  # edge
    edges: Array  # the marked ones
    seen: Array  # account: two steps before the person
    before: Array  # the seen ones
    one: Array  # account: its share of the person
    two: Array  # account: what reaches the person from it in two steps
    answered: Array  # account: the person's share of it


def graph(src: Array, dst: Array, accounts: int) -> Graph:
    """`src`, `dst`: account numbers below `accounts`, sorted by (src, dst), none twice, none to itself."""
    numbers = np.arange(accounts + 1)
    in_edge = np.lexsort((src, dst))
    key = src.astype(np.int64) * accounts + dst
    reverse = dst.astype(np.int64) * accounts + src
    place = np.minimum(np.searchsorted(key, reverse), max(len(key) - 1, 0))
    back = np.where(key[place] == reverse, place, -1) if len(key) else place
    return Graph(src, dst, np.searchsorted(src, numbers), in_edge, np.searchsorted(dst[in_edge], numbers), back)


def scratch(accounts: int, edges: int) -> Scratch:
    return Scratch(
        np.zeros(edges, np.bool_),
        np.zeros(edges),
        np.zeros(edges, np.int64),
        np.zeros(accounts, np.bool_),
        np.zeros(accounts, np.int64),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts),
    )


def on_the_way(g: Graph, old: Array, new: Array) -> tuple[Array, Array]:
    """Shares at both points, and what they bring each account in one step: shapes (2, edges) and (2, accounts)."""
    shares = np.stack([old + point * (new - old) for point in POINTS])
    arrived = np.stack([np.bincount(g.dst, share, len(g.start) - 1) for share in shares])
    return shares, arrived


@njit(cache=True)
def responses(v: int, g: Graph, shares: Array, arrived: Array, rounds: int, room: Scratch) -> int:
    """Writes the edges that influence on `v` comes by to `room.edges`, ascending, and what they answer with to
    `room.response` in their order; returns how many. `forget` makes the room zero again for the next person."""
    count = 0
    for point in range(len(shares)):
        count = _add(v, g, shares[point], arrived[point], rounds, room, 0.5, count)
    room.edges[:count].sort()
    return count


@njit(cache=True)
def forget(room: Scratch, count: int) -> None:
    for k in range(count):
        room.marked[room.edges[k]] = False
        room.response[room.edges[k]] = 0.0


@njit(cache=True)
def _give(edge: int, value: float, room: Scratch, count: int) -> int:
    if not room.marked[edge]:
        room.marked[edge] = True
        room.edges[count] = edge
        count += 1
    room.response[edge] += value
    return count


@njit(cache=True)
def _add(v: int, g: Graph, share: Array, arrived: Array, rounds: int, room: Scratch, part: float, count: int) -> int:
    """Adds `part` of the derivative at these shares. Paths are x -> w -> u -> v, all accounts distinct."""
    for e in range(g.start[v], g.start[v + 1]):
        room.answered[g.dst[e]] = share[e]
    for k in range(g.in_start[v], g.in_start[v + 1]):
        room.one[g.src[g.in_edge[k]]] = share[g.in_edge[k]]
    seen = 0
    for k in range(g.in_start[v], g.in_start[v + 1]):
        uv = g.in_edge[k]
        u = g.src[uv]
        reaches_u = 1.0
        for j in range(g.in_start[u], g.in_start[u + 1]):
            wu = g.in_edge[j]
            w = g.src[wu]
            if rounds >= 2 and w != v:
                uw = g.back[wu]
                reaches_w = 1.0
                if rounds >= 3:
                    reaches_w += arrived[w] - room.answered[w] - (share[uw] if uw >= 0 else 0.0)
                reaches_u += share[wu] * reaches_w
                count = _give(wu, part * reaches_w * share[uv], room, count)
                room.two[w] += share[wu] * share[uv]
                if not room.seen[w]:
                    room.seen[w] = True
                    room.before[seen] = w
                    seen += 1
        count = _give(uv, part * reaches_u, room, count)
    for k in range(seen):
        w = room.before[k]
        for j in range(g.in_start[w], g.in_start[w + 1]):
            xw = g.in_edge[j]
            x = g.src[xw]
            if rounds >= 3 and x != v:
                wx = g.back[xw]
                onward = room.two[w] - (share[wx] * room.one[x] if wx >= 0 else 0.0)
                count = _give(xw, part * onward, room, count)
        room.two[w] = 0.0
        room.seen[w] = False
    for e in range(g.start[v], g.start[v + 1]):
        room.answered[g.dst[e]] = 0.0
    for k in range(g.in_start[v], g.in_start[v + 1]):
        room.one[g.src[g.in_edge[k]]] = 0.0
    return count
