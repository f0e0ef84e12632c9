"""Engine `memory`: edges as NumPy arrays in one process. For graphs that fit.

    m1(u->v) = a(u,v)
    m2(u->v) = a(u,v) * (one(u) - m1(v->u))
    m3(u->v) = a(u,v) * max(0, two(u) - m2(v->u) - loop(u,v))

Everything is a multiple of 2^-36 in 64-bit integers; a difference becomes a double once, before it is multiplied.
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit
from pyspark.sql import functions as F

from jobs.engines import loops
from jobs.engines.budget import budget_bytes
from jobs.errors import CloutError
from schemas.fixed_point import UNIT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Ints = np.ndarray

# From above: 190 bytes were measured on 16 million pairs, with 425 million triangles, less the names.
BYTES_A_PAIR = 300
COPIES_OF_NAMES = 3


class Influence(NamedTuple):
    """Messages per edge, in the order of the edges given, and their sums per account; multiples of 2^-36."""

    messages: tuple[Ints, Ints, Ints]
    sums: tuple[Ints, Ints, Ints]


def influence(src: Ints, dst: Ints, a: Ints, accounts: int, rounds: int = 3) -> Influence:
    """`src`, `dst`: int32 account numbers below `accounts`; `a`: int64. Edges in any order, none twice, none to itself.
    Rounds above `rounds` are zero."""
    order = edge_order(src, dst, accounts)
    u, v, share = src[order], dst[order], a[order]
    starts = _starts(u, accounts)
    back = _reverse(u, v, starts)
    none = np.zeros(len(u), np.int64)
    m1 = share
    one = _sum(v, m1, accounts)
    m2 = _second(u, share, one, m1, back) if rounds >= 2 else none
    two = _sum(v, m2, accounts)
    m3 = _third(u, share, two, m2, back, loops.loops(u, v, share, accounts)) if rounds >= 3 else none
    three = _sum(v, m3, accounts)
    given = np.empty_like(order)
    given[order] = np.arange(len(order), dtype=order.dtype)
    return Influence((m1[given], m2[given], m3[given]), (one, two, three))


def edge_order(src: Ints, dst: Ints, accounts: int) -> Ints:
    """Positions that put edges in order of (src, dst)."""
    by_dst = _counting_order(dst, np.arange(len(dst)), accounts)
    return _counting_order(src, by_dst, accounts)


@njit(cache=True)
def _counting_order(key: Ints, order: Ints, accounts: int) -> Ints:
    """`order`, stably sorted by `key`."""
    place = np.zeros(accounts + 1, np.int64)
    for k in key:
        place[k + 1] += 1
    for k in range(accounts):
        place[k + 1] += place[k]
    found = np.empty(len(order), np.int64)
    for e in order:
        k = key[e]
        found[place[k]] = e
        place[k] += 1
    return found


@njit(cache=True)
def _starts(u: Ints, accounts: int) -> Ints:
    """Where each account's edges start among edges sorted by source; one more entry closes the last."""
    starts = np.zeros(accounts + 1, np.int64)
    for k in u:
        starts[k + 1] += 1
    for k in range(accounts):
        starts[k + 1] += starts[k]
    return starts


@njit(cache=True)
def _reverse(u: Ints, v: Ints, starts: Ints) -> Ints:
    """For each edge, the position of the edge that goes back, or -1."""
    back = np.full(len(u), -1, np.int64)
    for e in range(len(u)):
        if back[e] >= 0:
            continue
        low, high = starts[v[e]], starts[v[e] + 1]
        while low < high:
            middle = (low + high) // 2
            if v[middle] < u[e]:
                low = middle + 1
            else:
                high = middle
        if low < starts[v[e] + 1] and v[low] == u[e]:
            back[e] = low
            back[low] = e
    return back


@njit(cache=True)
def _sum(v: Ints, message: Ints, accounts: int) -> Ints:
    total = np.zeros(accounts, np.int64)
    for e in range(len(v)):
        total[v[e]] += message[e]
    return total


@njit(cache=True)
def _passed_on(a: int, arrived: int) -> np.int64:
    return np.int64(np.rint(np.float64(a) * UNIT * np.float64(arrived)))


@njit(cache=True)
def _second(u: Ints, a: Ints, one: Ints, m1: Ints, back: Ints) -> Ints:
    m2 = np.empty(len(u), np.int64)
    for e in range(len(u)):
        m2[e] = _passed_on(a[e], one[u[e]] - (m1[back[e]] if back[e] >= 0 else 0))
    return m2


@njit(cache=True)
def _third(u: Ints, a: Ints, two: Ints, m2: Ints, back: Ints, loop: Ints) -> Ints:
    m3 = np.empty(len(u), np.int64)
    for e in range(len(u)):
        arrived = two[u[e]] - (m2[back[e]] if back[e] >= 0 else 0) - loop[e]
        m3[e] = _passed_on(a[e], max(0, arrived))
    return m3


class Need(NamedTuple):
    """What a frame of edges asks of engine `memory`."""

    pairs: int
    name_bytes: int  # of both ends of every pair, UTF-8
    needed_bytes: int


def need(edges: "DataFrame") -> Need:
    """Measures edges (src, dst, a) by one aggregate; nothing is pulled."""
    lengths = F.sum(F.octet_length("src") + F.octet_length("dst"))
    (found,) = edges.agg(F.count("*"), F.coalesce(lengths, F.lit(0))).collect()
    pairs, name_bytes = found
    return Need(pairs, name_bytes, BYTES_A_PAIR * pairs + COPIES_OF_NAMES * name_bytes)


class MemoryEngine:
    """Pulls the edges to this process and adds there."""

    name = "memory"

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """Raises `CloutError` where the edges need more than the budget (`jobs.engines.budget`)."""
        asked, budget = need(edges), budget_bytes()
        if asked.needed_bytes > budget:
            raise CloutError(
                f"engine memory: {asked.pairs:,} pairs need {asked.needed_bytes / 1e9:.2f} GB and {budget / 1e9:.2f} GB may be"
                " taken; use --engine spark or graphframes, which spill what does not fit, or raise CLOUT_MEMORY_GB"
            )
        pulled = edges.select("src", "dst", "a").toArrow()
        people, src, dst = numbered(pulled["src"], pulled["dst"])
        a = pulled["a"].to_numpy()
        found = influence(src, dst, a, len(people), rounds)
        columns = dict(zip(("one", "two", "three"), map(pa.array, found.sums), strict=True))
        return edges.sparkSession.createDataFrame(pa.table({"id": people, **columns}))


def numbered(src: pa.ChunkedArray, dst: pa.ChunkedArray) -> tuple[pa.Array, Ints, Ints]:
    """Account names in UTF-8 byte order, and each edge's ends as their ranks."""
    names = pa.chunked_array([*src.chunks, *dst.chunks], type=pa.string()).unique()
    people = names.take(pc.sort_indices(names))
    return people, *(
        pc.index_in(column, value_set=people).to_numpy().astype(np.int32, copy=False) for column in (src, dst)
    )
