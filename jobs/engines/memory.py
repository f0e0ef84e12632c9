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

from jobs.engines.budget import budget_bytes
from jobs.engines.loops import cores, loops
from jobs.engines.rows import MAX_ACCOUNTS, MAX_EDGES, UP, Rows, rows_of
from jobs.errors import CloutError
from schemas.fixed_point import UNIT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Ints = np.ndarray
Three = tuple[Ints, Ints, Ints]

SLICE_BYTES = 1 << 28  # pulled at once; the JVM holds what a task sends three times, and has 3 GB for everything
PEOPLE_OF_A_TASK = 200_000  # some 10 MB of the 128 that a task may bring
LG_SKETCH = 12  # log2 of the size of a sketch of distinct names (HyperLogLog of Apache DataSketches)
PEOPLE_ERROR = 0.02  # relative, of what such a sketch says: one standard deviation, rounded up
MAX_NAMES = 2**31 - 1  # bytes: Arrow's offsets fit 32 bits
MARGIN = 1.15


class Influence(NamedTuple):
    """Messages per edge and their sums per account; multiples of 2^-36."""

    messages: Three
    sums: Three


def influence(src: Ints, dst: Ints, a: Ints, accounts: int, rounds: int = 3) -> Influence:
    """Messages in the order of the edges, sums by account number. `src`, `dst`: int32, below `accounts`; `a`: int64. Edges
    in any order, none twice, none to itself. Rounds above `rounds` are zero."""
    rows = rows_of(src, dst, a, accounts)
    (_, m2, m3), sums = in_rows(rows, rounds)
    return Influence((a, _as_given(rows, m2), _as_given(rows, m3)), sums)


def in_rows(rows: Rows, rounds: int, loop: Ints | None = None) -> Influence:
    """Messages in the order of `rows`, sums by account number. `loop` (`loops(rows)`) is found if it is not given."""
    m2 = m3 = np.zeros(len(rows.a), np.int64)
    edges = (rows.row, rows.other, rows.a, rows.twin)
    one = _sum(rows.row, rows.other, rows.a, len(rows.rank))
    two = three = np.zeros_like(one)
    if rounds >= 2:
        m2, two = _hand_on(*edges, one, rows.a, None)
    if rounds >= 3:
        m3, three = _hand_on(*edges, two, m2, loops(rows) if loop is None else loop)
    return Influence((rows.a, m2, m3), (one[rows.rank], two[rows.rank], three[rows.rank]))


def _as_given(rows: Rows, message: Ints) -> Ints:
    given = np.empty_like(message)
    given[rows.given] = message
    return given


# Whether an edge goes up or down, and whether another goes back, no processor can guess: the kernels choose by arithmetic and
# read what may not be meant, which takes half the time of branches. Unsigned positions spare the look for negative ones.


@njit(cache=True)
def _ends(row: int, other: int) -> tuple[np.uint32, np.uint32]:
    """Ranks of src and dst of an edge of this row."""
    low, high = np.uint32(row >> 1), np.uint32(other)
    swap = (low ^ high) * np.uint32(row & 1 != UP)
    return low ^ swap, high ^ swap


@njit(cache=True)
def _sum(row: Ints, other: Ints, message: Ints, accounts: int) -> Ints:
    """What arrives at each account, by rank."""
    total = np.zeros(accounts, np.int64)
    for e in range(len(row)):
        _, v = _ends(row[e], other[e])
        total[v] += message[e]
    return total


@njit(cache=True)
def _hand_on(
    row: Ints, other: Ints, a: Ints, twin: Ints, arrived: Ints, before: Ints, loop: Ints | None
) -> tuple[Ints, Ints]:
    """The next message of each edge, and what arrives by them: `a` of what had arrived at its source, less what came from
    its target (`before`, the messages handed on last) and what that target would get back by a loop."""
    message = np.empty_like(before)
    total = np.zeros_like(arrived)
    for e in range(len(row)):
        u, v = _ends(row[e], other[e])
        back = before[np.uint32(max(0, twin[e]))]
        held = arrived[u] - (back if twin[e] >= 0 else 0)
        if loop is not None:
            held -= loop[e]
        message[e] = np.int64(np.rint(np.float64(a[e]) * UNIT * np.float64(max(0, held))))
        total[v] += message[e]
    return message, total


class Need(NamedTuple):
    """What a frame of edges asks of engine `memory`."""

    pairs: int
    people: int  # from above: whoever is both src and dst counts twice
    name_bytes: int  # of both ends of every pair, UTF-8
    needed_bytes: int

    def fits(self, budget: int) -> bool:
        """Whether engine `memory` can add them, in so many bytes."""
        is_counted = self.pairs <= MAX_EDGES and self.people <= MAX_ACCOUNTS
        return self.needed_bytes <= budget and is_counted and _names(*self[:3]) <= MAX_NAMES


def limits() -> str:
    """What engine `memory` cannot pass, whatever it may take."""
    return f"at most {MAX_EDGES:,} pairs, {MAX_ACCOUNTS:,} people and {MAX_NAMES / 1e9:.1f} GB of names"


def need(edges: "DataFrame") -> Need:
    """Measures edges (src, dst, a) by one aggregate; nothing is pulled."""
    # Spark's own `approx_count_distinct` holds its registers in hundreds of columns: every task spent 0.1 s on making them.
    names = [F.hll_sketch_estimate(F.hll_sketch_agg(end, LG_SKETCH)) for end in ("src", "dst")]
    lengths = F.sum(F.octet_length("src") + F.octet_length("dst"))
    ((pairs, sources, targets, name_bytes),) = edges.agg(F.count("*"), *names, F.coalesce(lengths, F.lit(0))).collect()
    people = min(2 * pairs, int((sources + targets) * (1 + 5 * PEOPLE_ERROR)))
    return Need(pairs, people, name_bytes, needed_bytes(pairs, people, name_bytes))


def needed_bytes(pairs: int, people: int, name_bytes: int) -> int:
    """What `MemoryEngine.sums` adds at most to what this process holds; the JVM is apart.

    From above what was measured on graphs of 1 to 16 million pairs (`bash infra/bench.sh budget`), with a margin: either
    pulling the names takes most, or adding does.
    """
    names = 2 * _names(pairs, people, name_bytes)  # once to number them, once in order
    pulling = min(SLICE_BYTES, _arrow_bytes(pairs, name_bytes)) + 32 * pairs + 100 * people
    adding = 60 * pairs + (200 + 4 * cores()) * people
    return int(MARGIN * (max(pulling, adding) + names))


def _names(pairs: int, people: int, name_bytes: int) -> int:
    """Bytes of everybody's name, each once."""
    return people * name_bytes // max(1, 2 * pairs)


def _arrow_bytes(pairs: int, name_bytes: int) -> int:
    """Of edges as Arrow columns: the names, an offset of 4 bytes for each, and `a`."""
    return name_bytes + 16 * pairs


class MemoryEngine:
    """Pulls the edges to this process and adds there. Reads them several times: the caller persists them."""

    name = "memory"

    def __init__(self, measured: Need | None = None) -> None:
        """`measured`: what the edges that `sums` will be given need, where that is known."""
        self.measured = measured

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """Raises `CloutError` where the edges need more than the budget (`jobs.engines.budget`), or are more than can be."""
        asked, budget = self.measured or need(edges), budget_bytes()
        if not asked.fits(budget):
            raise CloutError(
                f"engine memory: {asked.pairs:,} pairs of up to {asked.people:,} people need {asked.needed_bytes / 1e9:.2f} GB"
                f" and {budget / 1e9:.2f} GB may be taken ({limits()}); use --engine spark or graphframes, which spill what"
                " does not fit, or raise CLOUT_MEMORY_GB"
            )
        slices = 1 + _arrow_bytes(asked.pairs, asked.name_bytes) // SLICE_BYTES
        pulled = pa.concat_tables([_slice(edges, number, slices) for number in range(slices)])
        people, src, dst = numbered(pulled["src"], pulled["dst"])
        a = pulled["a"].to_numpy()
        del pulled
        pa.default_memory_pool().release_unused()  # else Arrow keeps what NumPy is about to ask the system for
        rows = rows_of(src, dst, a, len(people))
        del src, dst, a
        found = in_rows(rows, rounds).sums
        columns = dict(zip(("one", "two", "three"), map(pa.array, found), strict=True))
        session = edges.sparkSession
        sums = session.createDataFrame(pa.table({"id": people, **columns}))
        # Spark makes a partition of 10,000 rows, whose exchange costs more than the rows; a task brings its rows with it.
        return sums.coalesce(max(session.sparkContext.defaultParallelism, len(people) // PEOPLE_OF_A_TASK))


def _slice(edges: "DataFrame", number: int, slices: int) -> pa.Table:
    """The edges of some of the sources, with codes for names: as text, all names at once would be most of the memory."""
    part = edges.where(F.pmod(F.xxhash64("src"), F.lit(slices)) == number)
    pulled = part.select("src", "dst", "a").toArrow()
    ends = pa.chunked_array([*pulled["src"].chunks, *pulled["dst"].chunks], pa.string()).dictionary_encode()
    coded = ends.combine_chunks()
    return pa.table({"src": coded[: len(pulled)], "dst": coded[len(pulled) :], "a": pulled["a"].combine_chunks()})


def numbered(src: pa.ChunkedArray, dst: pa.ChunkedArray) -> tuple[pa.Array, Ints, Ints]:
    """Account names in UTF-8 byte order, and each edge's ends as their ranks. Names may come as dictionaries' codes."""
    coded = pa.chunked_array([*src.chunks, *dst.chunks], src.type).dictionary_encode().unify_dictionaries()
    names = coded.combine_chunks().dictionary
    order = pc.sort_indices(names)
    rank = np.empty(len(names), np.int32)
    rank[order] = np.arange(len(names), dtype=np.int32)
    ends = np.concatenate([np.zeros(0, np.int32), *[rank[chunk.indices] for chunk in coded.chunks]])
    return names.take(order), ends[: len(src)], ends[len(src) :]
