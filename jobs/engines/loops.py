"""loop(u,v) = sum over w of a(v,w) a(w,u), for every edge u -> v: the attention that u holds from v through one other account.

The search finds each loop of three once, from its account of lowest rank, so that hubs do not multiply the work (Chiba and
Nishizeki, "Arboricity and subgraph listing algorithms", SIAM J. Comput. 14, 1985). It takes at most edges * sqrt(2 * edges)
steps, usually far fewer, because it follows only edges of one direction around the loop. Threads share the accounts. Sums are
integers, so the order of additions does not affect them.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from jobs.engines.edge_rows import DOWN, UP, EdgeRows
from schemas.fixed_point import UNIT

Ints = np.ndarray

PIECE = 1 << 16  # edges; a smaller piece is not worth a task of its own
PIECES_PER_CORE = 8  # so that cores finish together; a running piece needs 4 bytes per account


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def loops(rows: EdgeRows, pieces: int | None = None) -> Ints:
    """loop(u,v) of each edge, in the order of `rows`, as int64 multiples of 2^-36. `pieces`, the number of parts of the search,
    does not affect the result."""
    sums = np.zeros(len(rows.other), np.int64)
    if not len(sums):
        return sums
    pieces = pieces or min(PIECES_PER_CORE * cores(), 1 + len(sums) // PIECE)
    accounts = len(rows.rank)
    cuts = np.searchsorted(rows.starts[::2], np.linspace(0, len(sums), pieces + 1)[1:-1])  # equally many edges in each
    longest = int(np.diff(rows.starts).max())
    with ThreadPoolExecutor(cores()) as pool:
        parts = [
            pool.submit(_search, rows.starts, rows.other, rows.a, sums, way, first, last, longest)
            for first, last in pairwise([0, *cuts.tolist(), accounts])
            for way in (UP, DOWN)
        ]
    for part in parts:
        part.result()  # reraises a thread's exception
    return sums


def _adding(typing: Any, array: Any, position: Any, value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        view = context.make_array(kind)(context, builder, arguments[0])
        element = cgutils.get_item_pointer(context, builder, kind, view, [arguments[1]])
        builder.atomic_rmw("add", element, arguments[2], "monotonic")
        return context.get_dummy_value()

    return types.void(array, types.intp, types.int64), generate


# For kernels: an atomic `array[position] += value`, safe across threads. Numba itself offers that only for GPUs.
_add: Any = intrinsic(_adding)


@njit(cache=True)
def _product(first: int, second: int) -> np.int64:
    return np.int64(np.rint(np.float64(first) * UNIT * np.float64(second)))


@njit(cache=True, nogil=True)
def _search(starts: Ints, other: Ints, a: Ints, sums: Ints, way: int, first: int, last: int, longest_row: int) -> None:
    """Adds the loops whose account of lowest rank, x, is in first..last - 1 to the `sums` of their edges.

    Of the other two accounts, y ranks below z. With `way` UP the loops are x -> y -> z -> x: xy and yz are in rows of edges up,
    zx is in a row of edges down. With `way` DOWN the loops (x <- y <- z <- x) and the rows have the opposite direction.
    """
    closing = np.full(len(starts) // 2, -1, np.int32)  # by z: place of zx in its row, or -1
    gained = np.zeros(longest_row, np.int64)  # by that place: the sum of the loops of zx
    for x in range(first, last):
        xy_begin, xy_end = starts[2 * x + way], starts[2 * x + way + 1]
        zx_begin, zx_end = starts[2 * x + 1 - way], starts[2 * x + 2 - way]
        if xy_begin == xy_end or zx_begin == zx_end:
            continue
        for zx in range(zx_begin, zx_end):
            closing[other[zx]] = zx - zx_begin
        for xy in range(xy_begin, xy_end):
            y = other[xy]
            sum_xy = np.int64(0)
            for yz in range(starts[2 * y + way], starts[2 * y + way + 1]):
                place = closing[other[yz]]
                if place >= 0:
                    zx = zx_begin + place
                    sum_xy += _product(a[yz], a[zx])
                    gained[place] += _product(a[xy], a[yz])
                    _add(sums, yz, _product(a[zx], a[xy]))
            _add(sums, xy, sum_xy)
        for zx in range(zx_begin, zx_end):
            closing[other[zx]] = -1
            _add(sums, zx, gained[zx - zx_begin])
            gained[zx - zx_begin] = 0
