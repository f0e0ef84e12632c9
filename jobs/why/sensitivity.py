"""How a person's influence responds to the share of each edge: the derivative, averaged between one day's shares and another's.

    influence(v) = sum over paths to v of products of at most three shares

is a polynomial of degree three. Along the straight line from old to new shares, its derivative by each share has degree two,
which two-point Gauss-Legendre quadrature integrates exactly. Thus

    change of influence(v) = sum over edges of response(edge) * change of share(edge)

holds exactly. The change of a product is attributed to its factors independently of any order of them. For products of two and
three factors this is the Shapley value, and the Aumann-Shapley value ("Values of Non-Atomic Games", Princeton 1974).

A person has one account or several, called the person's members. Paths to a person end in a member and visit no member before.

All kernels that call each other are in this one file, because Numba recompiles a cached kernel only if its own file changes.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from schemas.score_changes import REASONS

Array = np.ndarray

# The points of two-point Gauss-Legendre quadrature on [0, 1]. Both have weight one half.
POINTS = (0.5 - 0.5 / np.sqrt(3), 0.5 + 0.5 / np.sqrt(3))


CODES = tuple(REASONS)
(
    NEW_ENGAGEMENT, ENGAGER_ARRIVED, FADED_ENGAGEMENT, ENGAGER_LEFT, ATTENTION_MOVED, ENGAGERS_ATTENTION, RESTORED, MISSING,
    CREDIBILITY, LINKED, METHODOLOGY,
) = map(CODES.index, (
    "new_engagement", "engager_arrived", "faded_engagement", "engager_left", "attention_moved", "engagers_attention",
    "coverage_restored", "coverage_missing", "credibility", "accounts_linked", "methodology",
))  # fmt: skip


class Graph(NamedTuple):
    """Edges sorted by (src, dst), and indexes of them. `start` and `in_start` have one entry per account and a final one."""

    src: Array  # account number
    dst: Array
    start: Array  # account -> its first edge out
    in_edge: Array  # edges in order of (dst, src)
    in_start: Array  # account -> its first place in `in_edge`
    back: Array  # edge -> the edge that goes back, or -1


class Change(NamedTuple):
    """The edges of both days, one entry per edge, as doubles in accounts' worth (shares) and units of W (weights). The last
    seven fields describe the edge's actor."""

    old_share: Array
    share: Array
    old_weight: Array
    weight: Array
    fresh: Array  # weight of acts after the earlier day
    restored: Array  # change of weight by better coverage up to the earlier day: acts arrive (> 0), acts age more (< 0)
    missing: Array  # change of weight by worse coverage up to the earlier day: acts go (< 0), acts age less (> 0)
    old_free: Array  # 1 / (rest_weight + all that the actor spent)
    free: Array
    crowding: Array  # by how much each further unit spent lowers `free`, averaged between both days
    old_credibility: Array
    credibility: Array
    restored_spent: Array
    missing_spent: Array


class Buffers(NamedTuple):
    """Working memory of the kernels for one person at a time. It must be zero when the next person begins (`forget`)."""

    marked: Array  # edge: has a response
    response: Array  # edge
    edges: Array  # the marked edges
    seen: Array  # account: two steps before the person
    before: Array  # the seen accounts
    inside: Array  # account: is a member of the person
    one: Array  # account: its share towards the person's members
    two: Array  # account: the part of its attention that reaches the person in two steps
    answered: Array  # account: the share of the person's members towards it


def graph(src: Array, dst: Array, accounts: int) -> Graph:
    """Indexes edges. `src`, `dst`: account numbers below `accounts`, sorted by (src, dst), without duplicates or self-loops."""
    numbers = np.arange(accounts + 1)
    in_edge = np.lexsort((src, dst))
    key = src.astype(np.int64) * accounts + dst
    reverse = dst.astype(np.int64) * accounts + src
    place = np.minimum(np.searchsorted(key, reverse), max(len(key) - 1, 0))
    back = np.where(key[place] == reverse, place, -1) if len(key) else place
    return Graph(src, dst, np.searchsorted(src, numbers), in_edge, np.searchsorted(dst[in_edge], numbers), back)


def buffers(accounts: int, edges: int) -> Buffers:
    """Zeroed working memory for a graph of this size."""
    return Buffers(
        np.zeros(edges, np.bool_),
        np.zeros(edges),
        np.zeros(edges, np.int64),
        np.zeros(accounts, np.bool_),
        np.zeros(accounts, np.int64),
        np.zeros(accounts, np.bool_),
        np.zeros(accounts),
        np.zeros(accounts),
        np.zeros(accounts),
    )


def on_the_way(g: Graph, old: Array, new: Array) -> tuple[Array, Array]:
    """Shares at both points of the quadrature, and their sums per target account: shapes (2, edges) and (2, accounts)."""
    shares = np.stack([old + point * (new - old) for point in POINTS])
    arrived = np.stack([np.bincount(g.dst, share, len(g.start) - 1) for share in shares])
    return shares, arrived


@njit(cache=True)
def responses(members: Array, g: Graph, shares: Array, arrived: Array, rounds: int, room: Buffers) -> int:
    """Writes the edges through which influence can reach the members to `room.edges`, ascending, and the response of each such
    edge to `room.response`. Returns the number of edges. Before the next person, call `forget`."""
    for v in members:
        room.inside[v] = True
    count = 0
    for point in range(len(shares)):
        count = _add(members, g, shares[point], arrived[point], rounds, room, 0.5, count)
    room.edges[:count].sort()
    return count


@njit(cache=True)
def forget(members: Array, room: Buffers, count: int) -> None:
    """Resets the members, and the marks and responses of the first `count` edges of `room.edges`, to zero."""
    for v in members:
        room.inside[v] = False
    for k in range(count):
        room.marked[room.edges[k]] = False
        room.response[room.edges[k]] = 0.0


@njit(cache=True)
def everybody(
    graph: Graph, change: Change, damping: float, shares: Array, arrived: Array, rounds: int, room: Buffers,
    start: Array, members: Array,
) -> Array:  # fmt: skip
    """Each person's change of influence by reason, in accounts' worth: shape (persons, reasons). The members of a person are
    `members[start[person] : start[person + 1]]`."""
    persons = len(start) - 1
    total = np.zeros((persons, len(CODES)))
    actors = np.zeros(len(graph.src), np.int64)
    parts = np.zeros((len(graph.src), len(CODES)))
    for person in range(persons):
        theirs = members[start[person] : start[person + 1]]
        count = responses(theirs, graph, shares, arrived, rounds, room)
        for k in range(by_actor(graph, change, damping, room, count, actors, parts)):
            total[person] += parts[k]
        forget(theirs, room, count)
    return total


@njit(cache=True)
def by_actor(
    graph: Graph, change: Change, damping: float, room: Buffers, count: int, actors: Array, parts: Array
) -> int:
    """Groups the first `count` edges of `room.edges` by actor. Writes the actors to `actors`, and each actor's change of the
    person's influence by reason to `parts`, in accounts' worth. Returns the number of actors. Relies on ascending edges: those
    of an actor are adjacent."""
    actor_count, k = 0, 0
    while k < count:
        first = room.edges[k]
        u = graph.src[first]
        own = False
        old_weight, weight, fresh, late, own_response = 0.0, 0.0, 0.0, 0.0, 0.0
        whole, mean, restored, missing, old_reach, reach = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        while k < count and graph.src[room.edges[k]] == u:
            e = room.edges[k]
            response = room.response[e]
            # From unrounded shares: rounding to 2^-36 would be reported as attention that moved.
            whole += (
                response
                * damping
                * (
                    change.credibility[e] * change.weight[e] * change.free[e]
                    - change.old_credibility[e] * change.old_weight[e] * change.old_free[e]
                )
            )
            mean += response * (change.old_weight[e] + change.weight[e]) / 2
            restored += response * change.restored[e]
            missing += response * change.missing[e]
            old_reach += response * change.old_weight[e] * change.old_free[e]
            reach += response * change.weight[e] * change.free[e]
            if room.inside[graph.dst[e]]:
                own = True
                own_response = response  # the same for each member
                old_weight += change.old_weight[e]
                weight += change.weight[e]
                fresh += change.fresh[e]
                late += change.restored[e] + change.missing[e]
            k += 1
        free = (change.old_free[first] + change.free[first]) / 2
        crowding = change.crowding[first] * mean
        passed_on = damping * (change.old_credibility[first] + change.credibility[first]) / 2
        part = parts[actor_count]
        part[:] = 0.0
        part[CREDIBILITY] = (
            damping * (change.credibility[first] - change.old_credibility[first]) * (old_reach + reach) / 2
        )
        restored_spent, missing_spent = change.restored_spent[first], change.missing_spent[first]
        if own:
            # The effect on the person of one unit of weight towards them: its gain less what the actor's other paths to
            # them lose, `free * response - crowding`. This form cannot become negative by rounding, as a difference could.
            unit = passed_on * free * own_response
            if crowding > 0:
                unit = (
                    0.5
                    * passed_on
                    * (
                        change.old_free[first] * max(0.0, own_response - reach)
                        + change.free[first] * max(0.0, own_response - old_reach)
                    )
                )
            part[NEW_ENGAGEMENT if old_weight > 0 else ENGAGER_ARRIVED] += unit * fresh
            part[FADED_ENGAGEMENT if weight > 0 else ENGAGER_LEFT] += unit * (weight - old_weight - fresh - late)
        part[RESTORED] += passed_on * (free * restored - crowding * restored_spent)
        part[MISSING] += passed_on * (free * missing - crowding * missing_spent)
        part[ATTENTION_MOVED if own else ENGAGERS_ATTENTION] += whole - part.sum()
        actors[actor_count] = u
        actor_count += 1
    return actor_count


@njit(cache=True)
def _give(edge: int, value: float, room: Buffers, count: int) -> int:
    if not room.marked[edge]:
        room.marked[edge] = True
        room.edges[count] = edge
        count += 1
    room.response[edge] += value
    return count


@njit(cache=True)
def _add(
    members: Array, g: Graph, share: Array, arrived: Array, rounds: int, room: Buffers, part: float, count: int
) -> int:
    """Adds `part` times the derivative at these shares to `room`. Returns `count` plus the number of newly marked edges. Paths
    are x -> w -> u -> member, all accounts distinct, and none but the last a member."""
    for v in members:
        for e in range(g.start[v], g.start[v + 1]):
            room.answered[g.dst[e]] += share[e]
        for k in range(g.in_start[v], g.in_start[v + 1]):
            room.one[g.src[g.in_edge[k]]] += share[g.in_edge[k]]
    seen = 0
    for v in members:
        for k in range(g.in_start[v], g.in_start[v + 1]):
            uv = g.in_edge[k]
            u = g.src[uv]
            if room.inside[u]:
                continue
            reaches_u = 1.0
            for j in range(g.in_start[u], g.in_start[u + 1]):
                wu = g.in_edge[j]
                w = g.src[wu]
                if rounds >= 2 and not room.inside[w]:
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
            if rounds >= 3 and not room.inside[x]:
                wx = g.back[xw]
                onward = room.two[w] - (share[wx] * room.one[x] if wx >= 0 else 0.0)
                count = _give(xw, part * onward, room, count)
        room.two[w] = 0.0
        room.seen[w] = False
    for v in members:
        for e in range(g.start[v], g.start[v + 1]):
            room.answered[g.dst[e]] = 0.0
        for k in range(g.in_start[v], g.in_start[v + 1]):
            room.one[g.src[g.in_edge[k]]] = 0.0
    return count
