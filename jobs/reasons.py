"""Why influence changed between two days: each actor's part in each person's change, split by what the actor did.

An actor's shares follow from what it spent: a = damping * credibility * W * g with g = 1 / (rest_weight + all it spent). So a
further act towards a person raises that share and lowers the actor's others, and both belong to the act: a new act is told
with everything that it moved, as one sum. That sum is never negative (DESIGN, promise P1).
"""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from jobs import attention, sensitivity
from jobs.graph import Basis, around, prepare
from jobs.sensitivity import Array, Graph, Scratch
from jobs.storage import Warehouse
from jobs.window import covered_days, days_between
from schemas.fixed_point import UNIT
from schemas.score_changes import REASONS

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

CODES = tuple(REASONS)
(
    NEW_ENGAGEMENT, ENGAGER_ARRIVED, FADED_ENGAGEMENT, ENGAGER_LEFT, ATTENTION_MOVED, ENGAGERS_ATTENTION, RESTORED, MISSING,
    CREDIBILITY, METHODOLOGY,
) = range(len(CODES))  # fmt: skip


class Change(NamedTuple):
    """Both days' edges; one entry per edge, weights and shares as doubles. The last six are the actor's."""

    old_share: Array
    share: Array
    old_weight: Array
    weight: Array
    fresh: Array  # weight of acts after the earlier day
    late: Array  # weight of acts up to the earlier day that arrived since, or are gone
    old_free: Array  # 1 / (rest_weight + all that the actor spent)
    free: Array
    crowding: Array  # what each unit more that the actor spends takes from that, averaged over both days
    old_credibility: Array
    credibility: Array
    late_spent: Array


def prepare_change(db: "duckdb.DuckDBPyConnection", warehouse: Warehouse, since: Basis, now: Basis) -> None:
    """Makes the table `edges` of both days (`since` under the methodology of `now`): src, dst, old_a, a, old_weight, weight,
    fresh, late, old_spent, spent, old_credibility, credibility, late_spent, weights as multiples of 2^-36."""
    prepare(db, warehouse, since, "old")
    prepare(db, warehouse, now, "new")
    db.register("fades", _fades(warehouse, since, now))
    late = "5e-1 * (saturated * late_factor - old_saturated * old_factor + saturated * factor - old_saturated * aged_factor)"
    db.execute(
        f"""
        create temp table causes as
        select src, dst,
            cast(sum(case when day > date '{since.day}' then {attention.fixed_sql("saturated * factor")} else 0 end) as bigint)
                as fresh,
            cast(sum(case when day between date '{now.first_day}' and date '{since.day}' then {attention.fixed_sql(late)}
                else 0 end) as bigint) as late
        from (
            select day, platform, src, dst, sum(old_saturated) as old_saturated, sum(saturated) as saturated
            from (
                select day, platform, src, dst, saturated as old_saturated, 0e0 as saturated from saturated_old
                union all
                select day, platform, src, dst, 0e0 as old_saturated, saturated from saturated_new
            )
            group by day, platform, src, dst
        ) join fades using (day, platform)
        group by src, dst
        """
    )
    db.execute(
        """
        create temp table edges as
        select src, dst, coalesce(old.a, 0) as old_a, coalesce(new.a, 0) as a,
            coalesce(old.weight, 0) as old_weight, coalesce(new.weight, 0) as weight,
            coalesce(fresh, 0) as fresh, coalesce(late, 0) as late,
            coalesce(max(old.spent) over actor, 0) as old_spent, coalesce(max(new.spent) over actor, 0) as spent,
            coalesce(max(old.credibility) over actor, max(new.credibility) over actor) as old_credibility,
            coalesce(max(new.credibility) over actor, max(old.credibility) over actor) as credibility,
            sum(coalesce(late, 0)) over actor as late_spent
        from spread_old as old full join spread_new as new using (src, dst) left join causes using (src, dst)
        window actor as (partition by src)
        """
    )


def _fades(warehouse: Warehouse, since: Basis, now: Basis) -> "pa.Table":
    """(day, platform, old_factor, aged_factor, late_factor, factor): what an act weighs at the earlier day; as known then, but
    grown older; at the earlier day, as known now; now. 0 where it does not count."""
    methodology = now.methodology
    old = since.covered(warehouse)
    new = covered_days(warehouse, since.first_day, now.day, now.coverage)
    platforms = sorted({*old, *new})
    grown = {
        platform: old.get(platform, set()) | {day for day in new.get(platform, set()) if day > since.day}
        for platform in platforms
    }
    then, today = days_between(since.first_day, since.day), days_between(now.first_day, now.day)
    known = [
        {(day, platform): factor for day, platform, factor in attention.decay_factors(days, covered, last, methodology)}
        for days, covered, last in (
            (then, old, since.day),
            (today, grown, now.day),
            (then, new, since.day),
            (today, new, now.day),
        )
    ]
    places = sorted({place for factors in known for place in factors})
    import pyarrow as pa

    names = ("old_factor", "aged_factor", "late_factor", "factor")
    return pa.table(
        {
            "day": pa.array([day for day, _ in places], pa.date32()),
            "platform": pa.array([platform for _, platform in places], pa.string()),
            **{
                name: pa.array([factors.get(place, 0.0) for place in places], pa.float64())
                for name, factors in zip(names, known, strict=True)
            },
        }
    )


class Changes(NamedTuple):
    """The edges of both days as arrays. `people`: account number -> person_id."""

    people: "pa.Array"
    graph: Graph
    change: Change
    damping: float
    rounds: int


def pulled(db: "duckdb.DuckDBPyConnection", now: Basis, person: str | None = None) -> Changes:
    """The table `edges`, or what of it influence on one person can come by."""
    from jobs.engines.memory import numbered

    edges = around(db, "edges", person) if person else db.sql("from edges order by src, dst").to_arrow_table()
    people, src, dst = numbered(edges["src"], edges["dst"])
    column = {name: edges[name].to_numpy().astype(np.float64) for name in edges.column_names[2:]}
    rest = now.methodology.rest_weight
    free, crowding = room_left(*(rest + column[name] * UNIT for name in ("old_spent", "spent")))
    change = Change(
        column["old_a"] * UNIT, column["a"] * UNIT, column["old_weight"] * UNIT, column["weight"] * UNIT,
        column["fresh"] * UNIT, column["late"] * UNIT, *free, crowding, column["old_credibility"], column["credibility"],
        column["late_spent"] * UNIT,
    )  # fmt: skip
    return Changes(
        people, sensitivity.graph(src, dst, len(people)), change, now.methodology.damping, now.methodology.rounds
    )


def room_left(old_spent: Array, spent: Array) -> tuple[tuple[Array, Array], Array]:
    """1 / spent on both days, and what each unit more spent takes from it; `spent` counts what stays with nobody.

    Who spends nothing and keeps nothing has no share to speak of: as on the other day, and nothing is taken from it.
    """
    both = (old_spent > 0) & (spent > 0)
    old_free, free = (
        1 / np.where(mine > 0, mine, np.where(other > 0, other, 1.0))
        for mine, other in ((old_spent, spent), (spent, old_spent))
    )
    return (old_free, free), np.where(both, old_free * free, 0.0)


def of_person(changes: Changes, v: int) -> tuple[Array, Array]:
    """Actors who moved the influence of account `v`, and each one's part by reason: shapes (actors,), (actors, reasons)."""
    graph, change = changes.graph, changes.change
    room = sensitivity.scratch(len(changes.people), len(graph.src))
    shares, arrived = sensitivity.on_the_way(graph, change.old_share, change.share)
    count = sensitivity.responses(v, graph, shares, arrived, changes.rounds, room)
    actors = np.zeros(count, np.int64)
    parts = np.zeros((count, len(CODES)))
    found = _by_actor(v, graph, change, changes.damping, room, count, actors, parts)
    return actors[:found], parts[:found]


def of_everybody(changes: Changes) -> Array:
    """Each account's change of influence by reason: shape (accounts, reasons)."""
    graph, change = changes.graph, changes.change
    room = sensitivity.scratch(len(changes.people), len(graph.src))
    shares, arrived = sensitivity.on_the_way(graph, change.old_share, change.share)
    return _of_everybody(graph, change, changes.damping, shares, arrived, changes.rounds, room)


@njit(cache=True)
def _of_everybody(
    graph: Graph, change: Change, damping: float, shares: Array, arrived: Array, rounds: int, room: Scratch
) -> Array:
    accounts = len(graph.start) - 1
    total = np.zeros((accounts, len(CODES)))
    actors = np.zeros(len(graph.src), np.int64)
    parts = np.zeros((len(graph.src), len(CODES)))
    for v in range(accounts):
        count = sensitivity.responses(v, graph, shares, arrived, rounds, room)
        for k in range(_by_actor(v, graph, change, damping, room, count, actors, parts)):
            total[v] += parts[k]
        sensitivity.forget(room, count)
    return total


@njit(cache=True)
def _by_actor(
    v: int, graph: Graph, change: Change, damping: float, room: Scratch, count: int, actors: Array, parts: Array
) -> int:
    """Writes each actor among the `count` marked edges and its parts; returns how many. Edges of an actor lie together."""
    found, k = 0, 0
    while k < count:
        first = room.edges[k]
        u = graph.src[first]
        own = -1
        whole, mean, late, shared = 0.0, 0.0, 0.0, 0.0
        while k < count and graph.src[room.edges[k]] == u:
            e = room.edges[k]
            response = room.response[e]
            # Not the rounded shares: the last unit of 2^-36 would be told as attention that moved.
            whole += (
                response
                * damping
                * (
                    change.credibility[e] * change.weight[e] * change.free[e]
                    - change.old_credibility[e] * change.old_weight[e] * change.old_free[e]
                )
            )
            mean += response * (change.old_weight[e] + change.weight[e]) / 2
            late += response * change.late[e]
            shared += response * (change.old_weight[e] * change.old_free[e] + change.weight[e] * change.free[e]) / 2
            if graph.dst[e] == v:
                own = e
            k += 1
        free = (change.old_free[first] + change.free[first]) / 2
        crowding = change.crowding[first] * mean
        passed_on = damping * (change.old_credibility[first] + change.credibility[first]) / 2
        part = parts[found]
        part[:] = 0.0
        part[CREDIBILITY] = damping * (change.credibility[first] - change.old_credibility[first]) * shared
        late_elsewhere, late_spent_elsewhere = late, change.late_spent[first]
        if own >= 0:
            # What a unit of weight towards v brings v, less what it draws from the actor's other ways to v.
            unit = passed_on * (free * room.response[own] - crowding)
            late_elsewhere -= room.response[own] * change.late[own]
            late_spent_elsewhere -= change.late[own]
            faded = change.weight[own] - change.old_weight[own] - change.fresh[own] - change.late[own]
            part[NEW_ENGAGEMENT if change.old_weight[own] > 0 else ENGAGER_ARRIVED] += unit * change.fresh[own]
            part[FADED_ENGAGEMENT if change.weight[own] > 0 else ENGAGER_LEFT] += unit * faded
            part[RESTORED if change.late[own] > 0 else MISSING] += unit * change.late[own]
        part[RESTORED if late_spent_elsewhere > 0 else MISSING] += passed_on * (
            free * late_elsewhere - crowding * late_spent_elsewhere
        )
        part[ATTENTION_MOVED if own >= 0 else ENGAGERS_ATTENTION] += whole - part.sum()
        actors[found] = u
        found += 1
    return found
