"""Why influence changed between two days: each actor's part in each person's change, by reason.

An actor's shares depend on all its weights: a = damping * credibility * W * g with g = 1 / (rest_weight + sum of its W). So a
new act towards a person raises that share and lowers the actor's other shares. Both effects are due to the act, so its reason
reports their sum. That sum is never negative (promise P1).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from jobs.days import days_between
from jobs.engines.memory import numbered
from jobs.score import attention
from jobs.score.fading import decay_factors
from jobs.warehouse.basis import Basis
from jobs.warehouse.storage import Warehouse
from jobs.why import persons as whose
from jobs.why import sensitivity
from jobs.why.attention_graph import around, prepare
from jobs.why.persons import Persons
from jobs.why.sensitivity import CODES, Array, Change, Graph
from schemas.fixed_point import UNIT

if TYPE_CHECKING:
    import duckdb


def prepare_change(db: "duckdb.DuckDBPyConnection", warehouse: Warehouse, since: Basis, now: Basis) -> None:
    """Makes the temporary table `edges` of both days. `since` must have the methodology of `now` (`Basis.under`).

    Its columns are src, dst, old_a, a, old_weight, weight, fresh, restored, missing, old_spent, spent, old_credibility,
    credibility, restored_spent, missing_spent. All but src, dst and the credibilities are multiples of 2^-36.
    """
    prepare(db, warehouse, since, "old")
    prepare(db, warehouse, now, "new")
    db.register("fades", _fades(since, now))
    restored, missing = "greatest(arrived, 0e0) + least(aged, 0e0)", "least(arrived, 0e0) + greatest(aged, 0e0)"
    db.execute(
        f"""
        create temp table causes as
        with counted as (
            select day, platform, src, dst, sum(old_saturated) as old_saturated, sum(saturated) as saturated
            from (
                select day, platform, src, dst, saturated as old_saturated, 0e0 as saturated from saturated_old
                union all
                select day, platform, src, dst, 0e0 as old_saturated, saturated from saturated_new
            )
            group by day, platform, src, dst
        ), moved as (
            select src, dst, case state when 'new' then saturated * factor else 0e0 end as fresh,
                case state
                    when 'kept' then 25e-2 * (saturated - old_saturated) * (late_factor + old_factor + factor + aged_factor)
                    when 'other' then 5e-1 * (saturated * (late_factor + factor) - old_saturated * (old_factor + aged_factor))
                    else 0e0
                end as arrived,
                case state
                    when 'kept' then 25e-2 * (saturated + old_saturated) * (late_factor - old_factor + factor - aged_factor)
                    else 0e0
                end as aged
            from counted join fades using (day, platform)
        )
        select src, dst, cast(sum({attention.fixed_sql("fresh")}) as bigint) as fresh,
            cast(sum({attention.fixed_sql(restored)}) as bigint) as restored,
            cast(sum({attention.fixed_sql(missing)}) as bigint) as missing
        from moved group by src, dst
        """
    )
    db.execute(
        """
        create temp table edges as
        select src, dst, coalesce(old.a, 0) as old_a, coalesce(new.a, 0) as a,
            coalesce(old.weight, 0) as old_weight, coalesce(new.weight, 0) as weight,
            coalesce(fresh, 0) as fresh, coalesce(restored, 0) as restored, coalesce(missing, 0) as missing,
            coalesce(max(old.spent) over actor, 0) as old_spent, coalesce(max(new.spent) over actor, 0) as spent,
            coalesce(max(old.credibility) over actor, max(new.credibility) over actor) as old_credibility,
            coalesce(max(new.credibility) over actor, max(old.credibility) over actor) as credibility,
            sum(coalesce(restored, 0)) over actor as restored_spent, sum(coalesce(missing, 0)) over actor as missing_spent
        from spread_old as old full join spread_new as new using (src, dst) left join causes using (src, dst)
        window actor as (partition by src)
        """
    )


def _fades(since: Basis, now: Basis) -> pa.Table:
    """(day, platform, state, old_factor, aged_factor, late_factor, factor): decay factors of acts, 0 if they do not count.

    The four factors differ in the day of the score and in the coverage that they use:
    `old_factor`: the earlier day, with the coverage of `since`;
    `aged_factor`: the later day, with the coverage of `since` and, for days after the earlier day, that of `now`;
    `late_factor`: the earlier day, with the coverage of `now`;
    `factor`: the later day, with the coverage of `now`.

    `state` is `new` for days after the earlier day, `left` for days before the later window, `kept` for other days that both
    coverages hold, else `other`.
    """
    methodology = now.methodology
    old, new = since.covered, now.covered
    platforms = sorted({*old, *new})
    grown = {
        platform: old.get(platform, set()) | {day for day in new.get(platform, set()) if day > since.day}
        for platform in platforms
    }
    then, today = days_between(since.first_day, since.day), days_between(now.first_day, now.day)
    known = [
        {(day, platform): factor for day, platform, factor in decay_factors(days, covered, last, methodology)}
        for days, covered, last in (
            (then, old, since.day),
            (today, grown, now.day),
            (then, new, since.day),
            (today, new, now.day),
        )
    ]
    names = ("old_factor", "aged_factor", "late_factor", "factor")
    rows = []
    for day, platform in sorted({place for factors in known for place in factors}):
        factors = dict(zip(names, (factors.get((day, platform), 0.0) for factors in known), strict=True))
        is_kept = factors["old_factor"] > 0 and factors["late_factor"] > 0
        state = "new" if day > since.day else "left" if day < now.first_day else "kept" if is_kept else "other"
        rows.append({"day": day, "platform": platform, "state": state, **factors})
    columns = [("day", pa.date32()), ("platform", pa.string()), ("state", pa.string())]
    return pa.Table.from_pylist(rows, pa.schema(columns + [(name, pa.float64()) for name in names]))


class Changes(NamedTuple):
    """The edges of both days as arrays. `accounts` maps account numbers to names."""

    accounts: pa.Array
    graph: Graph
    change: Change
    damping: float
    rounds: int


def pulled(db: "duckdb.DuckDBPyConnection", now: Basis, accounts: Sequence[str] | None = None) -> Changes:
    """The table `edges` as arrays; if `accounts` are given, only the edges through which influence can reach them."""
    edges = (
        around(db, "edges", accounts)
        if accounts is not None
        else db.sql("from edges order by src, dst").to_arrow_table()
    )
    names, src, dst = numbered(edges["src"], edges["dst"])
    column = {name: edges[name].to_numpy().astype(np.float64) for name in edges.column_names[2:]}
    rest = now.methodology.rest_weight
    free, crowding = room_left(*(rest + column[name] * UNIT for name in ("old_spent", "spent")))
    change = Change(
        column["old_a"] * UNIT, column["a"] * UNIT, column["old_weight"] * UNIT, column["weight"] * UNIT,
        column["fresh"] * UNIT, column["restored"] * UNIT, column["missing"] * UNIT, *free, crowding,
        column["old_credibility"], column["credibility"], column["restored_spent"] * UNIT, column["missing_spent"] * UNIT,
    )  # fmt: skip
    return Changes(
        names, sensitivity.graph(src, dst, len(names)), change, now.methodology.damping, now.methodology.rounds
    )


def room_left(old_spent: Array, spent: Array) -> tuple[tuple[Array, Array], Array]:
    """((1 / old_spent, 1 / spent), crowding). `crowding` is the mean decrease of 1 / spent per unit spent, between the two
    days.

    Both inputs include `rest_weight`. If one of them is 0, the actor has no shares on that day: its reciprocal is set to that
    of the other day, and crowding to 0. If both are 0, the reciprocals are 1.
    """
    both = (old_spent > 0) & (spent > 0)
    old_free, free = (
        1 / np.where(mine > 0, mine, np.where(other > 0, other, 1.0))
        for mine, other in ((old_spent, spent), (spent, old_spent))
    )
    return (old_free, free), np.where(both, old_free * free, 0.0)


def held_before(db: "duckdb.DuckDBPyConnection", changes: Changes, persons: Persons) -> Array:
    """Each person's influence on the earlier day by the later day's methodology, in accounts' worth."""
    graph = changes.graph
    return whose.held(db, graph.src, graph.dst, changes.change.old_share, persons, changes.rounds)


def of_person(changes: Changes, members: Array) -> tuple[Array, Array]:
    """The actors who changed the influence of the person with these accounts (numbers), and each actor's part by reason in
    accounts' worth: shapes (actors,) and (actors, reasons)."""
    graph, change = changes.graph, changes.change
    room = sensitivity.buffers(len(changes.accounts), len(graph.src))
    shares, arrived = sensitivity.on_the_way(graph, change.old_share, change.share)
    count = sensitivity.responses(members, graph, shares, arrived, changes.rounds, room)
    actors = np.zeros(count, np.int64)
    parts = np.zeros((count, len(CODES)))
    actor_count = sensitivity.by_actor(graph, change, changes.damping, room, count, actors, parts)
    return actors[:actor_count], parts[:actor_count]


def of_everybody(changes: Changes, persons: Persons) -> Array:
    """Each person's change of influence by reason, in accounts' worth: shape (persons, reasons)."""
    graph, change = changes.graph, changes.change
    room = sensitivity.buffers(len(changes.accounts), len(graph.src))
    shares, arrived = sensitivity.on_the_way(graph, change.old_share, change.share)
    return sensitivity.everybody(
        graph, change, changes.damping, shares, arrived, changes.rounds, room, persons.start, persons.members
    )
