"""Engine `memory`: computes the messages from NumPy arrays of edges in one process, for graphs that fit.

    m1(u->v) = a(u,v)
    m2(u->v) = a(u,v) * (one(u) - m1(v->u))
    m3(u->v) = a(u,v) * max(0, two(u) - m2(v->u) - loop(u,v))

All values are multiples of 2^-36 in 64-bit integers. A difference becomes a double once, before the multiplication.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import njit

from jobs.engines.edge_rows import MAX_ACCOUNTS, MAX_EDGES, UP, EdgeRows, edge_rows
from jobs.engines.loops import cores, loops
from jobs.errors import CloutError
from jobs.memory_budget import budget_bytes
from schemas.fixed_point import UNIT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Ints = np.ndarray
Three = tuple[Ints, Ints, Ints]

SLICE_BYTES = 1 << 28  # pulled at once; the JVM, which has 3 GB, holds three copies of the data that a task sends
PEOPLE_OF_A_TASK = 200_000  # about 10 MB; Spark's limit for a task is 128 MB
LG_SKETCH = 12  # log2 of the size of a sketch of distinct names (HyperLogLog of Apache DataSketches)
PEOPLE_ERROR = 0.02  # relative error of such a sketch: one standard deviation, rounded up
MAX_NAMES = 2**31 - 1  # bytes: Arrow's offsets have 32 bits
MARGIN = 1.15


class Influence(NamedTuple):
    """Messages per edge and their sums per account, as multiples of 2^-36."""

    messages: Three
    sums: Three


def influence(src: Ints, dst: Ints, a: Ints, accounts: int, rounds: int = 3) -> Influence:
    """Messages in the order of the edges, and sums by account number.

    `src`, `dst`: int32 account numbers below `accounts`; `a`: int64. Edges may have any order, without duplicates or
    self-loops. Messages and sums of rounds above `rounds` are zero.
    """
    rows = edge_rows(src, dst, a, accounts)
    (_, m2, m3), sums = in_rows(rows, rounds)
    return Influence((a, _as_given(rows, m2), _as_given(rows, m3)), sums)


def in_rows(rows: EdgeRows, rounds: int, loop: Ints | None = None) -> Influence:
    """Messages in the order of `rows`, and sums by account number. `loop` is the result of `loops(rows)`; None: computes it if
    `rounds` is 3."""
    m2 = m3 = np.zeros(len(rows.a), np.int64)
    edges = (rows.row, rows.other, rows.a, rows.twin)
    one = _sum(rows.row, rows.other, rows.a, len(rows.rank))
    two = three = np.zeros_like(one)
    if rounds >= 2:
        m2 = np.empty_like(rows.a)
        two = _hand_on(*edges, one, rows.a, None, m2)
    if rounds >= 3:
        m3 = loops(rows) if loop is None else loop.copy()  # becomes the messages in place
        three = _hand_on(*edges, two, m2, m3, m3)
    return Influence((rows.a, m2, m3), (one[rows.rank], two[rows.rank], three[rows.rank]))


def _as_given(rows: EdgeRows, message: Ints) -> Ints:
    given = np.empty_like(message)
    given[rows.given] = message
    return given


# A processor cannot predict whether an edge goes up or down, or whether it has a reverse edge. So the kernels select by
# arithmetic and may read values that they do not use: that takes half the time of branches. Unsigned positions avoid Numba's
# check for negative indices.


@njit(cache=True)
def _ends(row: int, other: int) -> tuple[np.uint32, np.uint32]:
    """Ranks of src and dst of an edge in this row, with `other` as its end of higher rank."""
    low, high = np.uint32(row >> 1), np.uint32(other)
    swap = (low ^ high) * np.uint32(row & 1 != UP)
    return low ^ swap, high ^ swap


@njit(cache=True)
def _sum(row: Ints, other: Ints, message: Ints, accounts: int) -> Ints:
    """The sum of the messages to each account, by rank."""
    total = np.zeros(accounts, np.int64)
    for e in range(len(row)):
        _, v = _ends(row[e], other[e])
        total[v] += message[e]
    return total


@njit(cache=True)
def _hand_on(
    row: Ints, other: Ints, a: Ints, twin: Ints, arrived: Ints, before: Ints, loop: Ints | None, message: Ints
) -> Ints:
    """Fills `message` with the messages of the next round, one per edge, and returns their sums per target account, by rank.

    A message is `a` times the attention that its source holds: the sum of the previous messages to the source (`arrived`),
    minus the previous message from the target (`before`), minus the attention that would return to the target through a `loop`.
    `message` may be the array `loop`.
    """
    total = np.zeros_like(arrived)
    for e in range(len(row)):
        u, v = _ends(row[e], other[e])
        back = before[np.uint32(max(0, twin[e]))]
        held = arrived[u] - (back if twin[e] >= 0 else 0)
        if loop is not None:
            held -= loop[e]
        message[e] = np.int64(np.rint(np.float64(a[e]) * UNIT * np.float64(max(0, held))))
        total[v] += message[e]
    return total


class Need(NamedTuple):
    """The size of a frame of edges, and the memory that engine `memory` needs for it."""

    pairs: int
    people: int  # upper bound: an account that is both src and dst counts twice
    name_bytes: int  # UTF-8, of both names of every pair
    needed_bytes: int

    def fits(self, budget: int) -> bool:
        """Whether the edges need at most `budget` bytes and are within the engine's limits."""
        is_counted = self.pairs <= MAX_EDGES and self.people <= MAX_ACCOUNTS
        return self.needed_bytes <= budget and is_counted and _names(*self[:3]) <= MAX_NAMES


def limits() -> str:
    """The limits of engine `memory` that do not depend on its budget, as text."""
    return f"at most {MAX_EDGES:,} pairs, {MAX_ACCOUNTS:,} people and {MAX_NAMES / 1e9:.1f} GB of names"


def need(edges: "DataFrame") -> Need:
    """Measures edges (src, dst, a) with one Spark aggregate. `people` is an estimate, raised by five standard errors."""
    from pyspark.sql import functions as F

    # Not `approx_count_distinct`: its registers are hundreds of columns, which every task takes 0.1 s to create.
    names = [F.hll_sketch_estimate(F.hll_sketch_agg(end, LG_SKETCH)) for end in ("src", "dst")]
    lengths = F.sum(F.octet_length("src") + F.octet_length("dst"))
    ((pairs, sources, targets, name_bytes),) = edges.agg(F.count("*"), *names, F.coalesce(lengths, F.lit(0))).collect()
    people = min(2 * pairs, int((sources + targets) * (1 + 5 * PEOPLE_ERROR)))
    return Need(pairs, people, name_bytes, needed_bytes(pairs, people, name_bytes))


def needed_bytes(pairs: int, people: int, name_bytes: int) -> int:
    """An upper bound of the bytes that `MemoryEngine.sums` adds to this process, without the JVM.

    The constants are fitted to measurements on graphs of 1 to 16 million pairs (`bash infra/bench.sh budget`), with a margin.
    The peak occurs either while the edges are pulled or while the messages are computed.
    """
    names = 2 * _names(pairs, people, name_bytes)  # one copy to number them, one sorted
    pulling = min(SLICE_BYTES, _arrow_bytes(pairs, name_bytes)) + 32 * pairs + 100 * people
    adding = 60 * pairs + (200 + 4 * cores()) * people
    return int(MARGIN * (max(pulling, adding) + names))


def numbered_bytes(pairs: int, accounts: int) -> int:
    """An upper bound of the bytes that `table_of_numbers` adds to this process. The constants are fitted to measurements on 4
    to 8 million pairs of 0.1 to 4 million accounts, with a margin."""
    return int(MARGIN * (36 * pairs + (80 + 4 * cores()) * accounts))


def _names(pairs: int, people: int, name_bytes: int) -> int:
    """Bytes of all account names, each counted once: an estimate from the mean length of a name."""
    return people * name_bytes // max(1, 2 * pairs)


def _arrow_bytes(pairs: int, name_bytes: int) -> int:
    """Bytes of edges as Arrow columns: the names, a 4-byte offset for each, and `a`."""
    return name_bytes + 16 * pairs


class MemoryEngine:
    """Pulls the edges to this process and computes the messages there. Reads the edges several times, so the caller should
    persist them."""

    name = "memory"

    def __init__(self, measured: Need | None = None) -> None:
        """`measured`: the result of `need` for the edges that `sums` will get, if known."""
        self.measured = measured

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """As `Engine.sums`; the returned frame is not persisted. Raises `CloutError` if the edges exceed the budget
        (`jobs.memory_budget`) or the engine's limits."""
        needed, budget = self.measured or need(edges), budget_bytes()
        if not needed.fits(budget):
            raise CloutError(
                f"engine memory: {needed.pairs:,} pairs of up to {needed.people:,} people need"
                f" {needed.needed_bytes / 1e9:.2f} GB and {budget / 1e9:.2f} GB may be used ({limits()}); use --engine spark"
                " or graphframes, which spill what does not fit, or raise CLOUT_MEMORY_GB"
            )
        slices = 1 + _arrow_bytes(needed.pairs, needed.name_bytes) // SLICE_BYTES
        session = edges.sparkSession
        sums = table_of_sums(pa.concat_tables([_slice(edges, number, slices) for number in range(slices)]), rounds)
        # Spark makes partitions of 10,000 rows, so small that their exchange costs more than their rows.
        tasks = max(session.sparkContext.defaultParallelism, len(sums) // PEOPLE_OF_A_TASK)
        return session.createDataFrame(sums).coalesce(tasks)


def table_of_sums(edges: pa.Table, rounds: int) -> pa.Table:
    """(src, dst, a) -> (id, one, two, three) as `Engine.sums`, sorted by id. The names may be dictionary-encoded. Keep no other
    reference to `edges`: it is freed as soon as its people are numbered."""
    people, src, dst = numbered(edges["src"], edges["dst"])
    a = edges["a"].to_numpy()
    del edges
    pa.default_memory_pool().release_unused()  # otherwise Arrow would keep memory that NumPy needs next
    rows = edge_rows(src, dst, a, len(people))
    del src, dst, a
    return _table(people, in_rows(rows, rounds).sums)


def table_of_numbers(batches: Iterable[pa.RecordBatch], edges: int, accounts: int, rounds: int) -> pa.Table:
    """Like `table_of_sums`, for this many edges whose accounts are numbered: `src` and `dst` are int32 below `accounts`. So is
    `id`."""
    src, dst, a = np.empty(edges, np.int32), np.empty(edges, np.int32), np.empty(edges, np.int64)
    filled = 0
    for batch in batches:
        place = slice(filled, filled := filled + batch.num_rows)
        src[place], dst[place], a[place] = batch["src"], batch["dst"], batch["a"]
    rows = edge_rows(src, dst, a, accounts, with_given=False)
    del src, dst, a
    # Accounts without an edge rank lowest, and have no row in the result.
    ids = np.flatnonzero(rows.rank >= rows.row[0] >> 1).astype(np.int32) if edges else np.empty(0, np.int32)
    return _table(pa.array(ids), (column[ids] for column in in_rows(rows, rounds).sums))


def _table(ids: pa.Array, sums: Iterable[Ints]) -> pa.Table:
    return pa.table({"id": ids, **dict(zip(("one", "two", "three"), map(pa.array, sums), strict=True))})


def _slice(edges: "DataFrame", number: int, slices: int) -> pa.Table:
    """The edges of one slice, chosen by a hash of src. Names are dictionary-encoded, because as text they would take most of
    the memory."""
    from pyspark.sql import functions as F

    part = edges.where(F.pmod(F.xxhash64("src"), F.lit(slices)) == number)
    pulled = part.select("src", "dst", "a").toArrow()
    ends = pa.chunked_array([*pulled["src"].chunks, *pulled["dst"].chunks], pa.string()).dictionary_encode()
    coded = ends.combine_chunks()
    return pa.table({"src": coded[: len(pulled)], "dst": coded[len(pulled) :], "a": pulled["a"].combine_chunks()})


def numbered(src: pa.ChunkedArray, dst: pa.ChunkedArray) -> tuple[pa.Array, Ints, Ints]:
    """Distinct account names in UTF-8 byte order, and src and dst of each edge as int32 positions in them. The inputs may be
    dictionary-encoded."""
    coded = pa.chunked_array([*src.chunks, *dst.chunks], src.type).dictionary_encode().unify_dictionaries()
    names = coded.combine_chunks().dictionary
    order = pc.sort_indices(names)
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    ends = np.concatenate([np.zeros(0, np.int32), *[rank[chunk.indices] for chunk in coded.chunks]])
    return names.take(order), ends[: len(src)], ends[len(src) :]
