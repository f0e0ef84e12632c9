"""loop(u,v) = sum over w of a(v,w) a(w,u): what u holds from v through one other, for every edge u -> v.

Each closed triangle is found once, from its account of lowest degree, so a hub costs nothing (Chiba and Nishizeki,
"Arboricity and subgraph listing algorithms", SIAM J. Comput. 14, 1985). Only the cyclic core is looked at: edges whose
source has an edge in and whose target has an edge out, applied until few fall away.
"""

import numpy as np
from numba import njit

from schemas.fixed_point import UNIT

Ints = np.ndarray

# Trimming stops when a round drops less than this share of the edges: what is left is cheaper to search than to trim.
FEW = 0.01


def loops(u: Ints, v: Ints, a: Ints, accounts: int) -> Ints:
    """Edges sorted by (u, v), `a` as multiples of 2^-36 -> loop of each edge, in their order, as multiples of 2^-36."""
    found = np.zeros(len(u), np.int64)
    core = cyclic_core(u, v, a, accounts)
    if len(core):
        low, high, up, down = _pairs(u, v, core)
        starts, other, up, down = _oriented(low, high, up, down, accounts)
        _close(starts, other, up, down, a, found)
    return found


def cyclic_core(u: Ints, v: Ints, a: Ints, accounts: int) -> Ints:
    """Positions of the edges that may lie on a loop; those that pass nothing on do not."""
    core = np.flatnonzero(a)
    while len(core):
        entered = np.zeros(accounts, np.bool_)
        left = np.zeros(accounts, np.bool_)
        entered[v[core]] = True
        left[u[core]] = True
        kept = core[entered[u[core]] & left[v[core]]]
        few = len(core) - len(kept) <= FEW * len(core)
        core = kept
        if few:
            break
    return core


def _pairs(u: Ints, v: Ints, core: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Edges as unordered pairs low < high, with the positions of low -> high and of high -> low, -1 where there is none."""
    low, high = np.minimum(u[core], v[core]), np.maximum(u[core], v[core])
    order = np.lexsort((high, low))
    low, high, position = low[order], high[order], core[order]
    first = np.empty(len(low), np.bool_)
    first[0] = True
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    pair = np.cumsum(first) - 1
    up = np.full(pair[-1] + 1, -1, np.int64)
    down = up.copy()
    rises = u[position] == low
    up[pair[rises]] = position[rises]
    down[pair[~rises]] = position[~rises]
    return low[first], high[first], up, down


def _oriented(low: Ints, high: Ints, up: Ints, down: Ints, accounts: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Pairs pointing from lower to higher (degree, number), in order of their origin: where each account's start, the other
    end, and the positions of the edge out and the edge back."""
    degree = np.bincount(low, minlength=accounts) + np.bincount(high, minlength=accounts)
    swap = degree[low] > degree[high]
    origin, other = np.where(swap, high, low), np.where(swap, low, high)
    out, back = np.where(swap, down, up), np.where(swap, up, down)
    order = np.argsort(origin, kind="stable")
    starts = np.zeros(accounts + 1, np.int64)
    np.cumsum(np.bincount(origin, minlength=accounts), out=starts[1:])
    return starts, other[order], out[order], back[order]


@njit(cache=True)
def _product(a: Ints, first: int, second: int) -> np.int64:
    return np.int64(np.rint(np.float64(a[first]) * UNIT * np.float64(a[second])))


@njit(cache=True)
def _turn(a: Ints, found: Ints, xy: int, yz: int, zx: int) -> None:
    """The loop x -> y -> z -> x, given the positions of its edges; an edge that is not there closes nothing."""
    if xy >= 0 and yz >= 0 and zx >= 0:
        found[xy] += _product(a, yz, zx)
        found[yz] += _product(a, zx, xy)
        found[zx] += _product(a, xy, yz)


@njit(cache=True)
def _close(starts: Ints, other: Ints, out: Ints, back: Ints, a: Ints, found: Ints) -> None:
    """Finds every triangle x, y, z once and gives both of its turns to their edges."""
    mark = np.full(len(starts) - 1, -1, np.int64)
    for x in range(len(starts) - 1):
        for xz in range(starts[x], starts[x + 1]):
            mark[other[xz]] = xz
        for xy in range(starts[x], starts[x + 1]):
            y = other[xy]
            for yz in range(starts[y], starts[y + 1]):
                xz = mark[other[yz]]
                if xz >= 0:
                    _turn(a, found, out[xy], out[yz], back[xz])
                    _turn(a, found, out[xz], back[yz], back[xy])
        for xz in range(starts[x], starts[x + 1]):
            mark[other[xz]] = -1
