"""An index of edges by rows, which `jobs.engines.memory` and `jobs.engines.loops` share.

Accounts are ranked by degree (edges in and out; ties by number), the lowest degree first. Each edge belongs to its end of lower
rank, `low`, which has two rows: row 2 * low holds edges up (low -> other), row 2 * low + 1 edges down (other -> low). So an
edge and its reverse are in adjacent rows, and no row is longer than sqrt(2 * edges), whatever the degree of a hub.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

Ints = np.ndarray

MAX_EDGES = 2**31 - 1  # positions are 32-bit integers
MAX_ACCOUNTS = 2**30  # row numbers, two per account, are 32-bit integers
UP, DOWN = 0, 1


class EdgeRows(NamedTuple):
    """`rank` has one entry per account, `starts` two per account and a final one, each other array one per edge, in row
    order."""

    rank: Ints  # int32: by account number
    starts: Ints  # int32: start of each row; an extra entry ends the last
    row: Ints  # int32
    other: Ints  # int32: rank of the end of higher rank
    a: Ints  # int64
    twin: Ints  # int32: position of the reverse edge, or -1
    given: Ints  # int32: index of the edge in the input


def edge_rows(src: Ints, dst: Ints, a: Ints, accounts: int, *, with_given: bool = True) -> EdgeRows:
    """Builds the index of at most `MAX_EDGES` edges, in any order, without duplicates or self-loops. Checks none of these
    limits. `given` is empty unless `with_given`.

    `src`, `dst`: int32 account numbers below `accounts`, which is at most `MAX_ACCOUNTS`. `a`: int64, multiples of 2^-36.
    """
    # The kernels are compiled for writable arrays, and arrays from Arrow may be read-only.
    src, dst, a = (np.require(column, requirements="W") for column in (src, dst, a))
    rank = np.empty(accounts, np.int32)
    rank[np.argsort(_degrees(src, dst, accounts), kind="stable")] = np.arange(accounts, dtype=np.int32)
    row, other = _homes(src, dst, rank)
    starts = _starts(row, 2 * accounts)
    given = np.empty(len(row) if with_given else 0, np.int32)
    other, a = _placed(row, other, a, starts, given)
    row = np.repeat(np.arange(2 * accounts, dtype=np.int32), np.diff(starts))
    return EdgeRows(rank, starts, row, other, a, _twins(starts, other), given)


@njit(cache=True)
def _degrees(src: Ints, dst: Ints, accounts: int) -> Ints:
    degree = np.zeros(accounts, np.int32)
    for e in range(len(src)):
        degree[src[e]] += 1
        degree[dst[e]] += 1
    return degree


@njit(cache=True)
def _homes(src: Ints, dst: Ints, rank: Ints) -> tuple[Ints, Ints]:
    """For each edge, its row and the rank of its higher end."""
    row, other = np.empty(len(src), np.int32), np.empty(len(src), np.int32)
    for e in range(len(src)):
        u, v = rank[src[e]], rank[dst[e]]
        row[e], other[e] = (2 * u + UP, v) if u < v else (2 * v + DOWN, u)
    return row, other


@njit(cache=True)
def _starts(row: Ints, rows: int) -> Ints:
    starts = np.zeros(rows + 1, np.int32)
    for r in row:
        starts[r + 1] += 1
    for r in range(rows):
        starts[r + 1] += starts[r]
    return starts


@njit(cache=True)
def _placed(row: Ints, other: Ints, a: Ints, starts: Ints, given: Ints) -> tuple[Ints, Ints]:
    """The higher end and `a` of each edge, in row order. Fills `given`, unless it is empty, with the edges' indices in the
    input."""
    others, shares = np.empty_like(other), np.empty_like(a)
    free = starts.copy()
    for e in range(len(row)):
        position = free[row[e]]
        free[row[e]] += 1
        others[position], shares[position] = other[e], a[e]
        if len(given):
            given[position] = e
    return others, shares


@njit(cache=True)
def _twins(starts: Ints, other: Ints) -> Ints:
    """For each edge, the position of its reverse edge, or -1."""
    twin = np.full(len(other), -1, np.int32)
    accounts = len(starts) // 2
    rising = np.full(accounts, -1, np.int32)  # by other end: position of the edge up to it from the current account
    for low in range(accounts):
        begin, middle, end = starts[2 * low + UP], starts[2 * low + DOWN], starts[2 * low + 2]
        if begin == middle or middle == end:
            continue
        for up in range(begin, middle):
            rising[other[up]] = up
        for down in range(middle, end):
            up = rising[other[down]]
            if up >= 0:
                twin[up], twin[down] = down, up
        for up in range(begin, middle):
            rising[other[up]] = -1
    return twin
