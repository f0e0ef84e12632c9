"""engagement -> attention: divides each actor's one unit of attention among others, over a window. Reads and writes no table.

The equations are text for two dialects (`jobs.sql`), so that scores and their explanations use the same ones. Sums across
rows add whole multiples of 2^-36 (`schemas.fixed_point`), so they do not depend on the order of rows.
"""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from jobs.score.fading import Fading
from jobs.sql import Sql, T
from schemas.fixed_point import SCALE, UNIT
from schemas.kinds import INTERACTIONS, POST
from schemas.methodology import Methodology


def number(value: float) -> str:
    """A double as a literal of both SQL dialects, with 18 significant digits: enough to parse back to the same double."""
    return f"{value:.17e}"


def fixed_sql(value: str) -> str:
    """SQL for a double as a whole multiple of 2^-36, rounded half to even."""
    return f"cast(rint(({value}) * {number(SCALE)}) as bigint)"


def real_sql(units: str) -> str:
    """SQL for a multiple of 2^-36 as a double."""
    return f"(cast({units} as double) * {number(UNIT)})"


class Beside(NamedTuple):
    """Further columns of the pairs, for measures beside the score. They are computed with the weights, because one pass over
    the acts is cheaper than two. No score reads them. Each entry is an SQL select item with an alias."""

    of_day: tuple[str, ...] = ()  # over the columns `KIND_count`, the acts of one day, platform, src and dst
    of_month: tuple[str, ...] = ()  # with equations 2: aggregates over the rows of days, of `of_day` and of `{days}`
    of_window: tuple[str, ...] = ()  # aggregates over the rows of months and of `{months}`, or of days and of `{days}`


NOTHING = Beside()
SPENT = {"spent": "weight"}  # totals by src (`jobs.sql.with_totals_sql`): what the weights of an actor add up to


def saturated_sql(methodology: Methodology, log2: str, beside: Beside = NOTHING) -> str:
    """SQL for one row per (day, platform, src, dst) of `{engagement}` with `saturated`, log2(1 + weighted acts), and
    `beside.of_day`. `log2` is a backend's logarithm.

    Kinds are added in a fixed order: a sum of doubles in row order could differ in its last bit.
    """
    counts = ", ".join(
        f"sum(case when kind = '{kind}' then act_count else 0 end) as {kind}_count" for kind in INTERACTIONS
    )
    acts = " + ".join(f"{number(methodology.kind_weights[kind])} * {kind}_count" for kind in INTERACTIONS)
    rows = f"select * from {{engagement}} where kind <> '{POST}'"
    columns = ", ".join(
        ["day", "platform", "src", "dst", f"{log2.format(f'1e0 + ({acts})')} as saturated", *beside.of_day]
    )
    return f"""
        select {columns}
        from (select day, platform, src, dst, {counts} from ({rows}) group by day, platform, src, dst)
    """


def weights_sql(methodology: Methodology, saturated: str, beside: Beside = NOTHING) -> str:
    """SQL for one row per (src, dst) with `weight`, W(src, dst) as a multiple of 2^-36, and `beside.of_window`. `saturated` is
    a query from `saturated_sql`; `{days}` and `{months}` are the tables of a `Fading`."""
    if methodology.equations == 2:
        return of_months_sql(f"({of_month_sql(saturated, beside)})", beside)
    return _faded_sql("src, dst", "factor * saturated", f"({saturated})", "{days}", "day, platform", beside.of_window)


def of_month_sql(saturated: str, beside: Beside = NOTHING) -> str:
    """SQL for one row per (month, platform, src, dst) with `weight`, what the acts of the month weigh at its end as a multiple
    of 2^-36, and `beside.of_month`. `saturated` and `{days}` are those of `weights_sql`, with equations 2."""
    keys = "month, platform, src, dst"
    return _faded_sql(keys, "factor * saturated", f"({saturated})", "{days}", "day, platform", beside.of_month)


def of_months_sql(rows: str, beside: Beside = NOTHING) -> str:
    """SQL for the rows of `weights_sql`, from the rows of `of_month_sql`: `rows` is a table or a query in brackets."""
    faded = f"factor * {real_sql('weight')}"
    return _faded_sql("src, dst", faded, rows, "{months}", "month, platform", beside.of_window)


def _faded_sql(keys: str, value: str, rows: str, factors: str, using: str, beside: Sequence[str]) -> str:
    columns = [f"cast(sum({fixed_sql(value)}) as bigint) as weight", *beside]
    return f"""
        select {keys}, {", ".join(columns)}
        from (select /*+ BROADCAST(fade) */ * from {rows} join {factors} as fade using ({using}))
        group by {keys}
    """


def kinds_sql(methodology: Methodology, log2: str) -> str:
    """SQL for one row per (src, dst, platform, kind) of `{engagement}`, with `act_count` and `weight`, the kind's part of
    W(src, dst) as a multiple of 2^-36. The weight of a day is split among its kinds in proportion to kind_weight *
    act_count."""
    weights = " ".join(f"when '{kind}' then {number(methodology.kind_weights[kind])}" for kind in INTERACTIONS)
    part = fixed_sql(f"factor * {log2.format('1e0 + together')} * acts / together")
    return f"""
        select src, dst, platform, kind, cast(sum(act_count) as bigint) as act_count,
            cast(sum(case when together > 0 then {part} else 0 end) as bigint) as weight
        from (
            select *, sum(acts) over (partition by day, platform, src, dst) as together
            from (
                select /*+ REPARTITION(src) */ day, platform, src, dst, kind, act_count,
                    case kind {weights} end * act_count as acts
                from {{engagement}} where kind <> '{POST}'
            )
        ) join {{factors}} as fade using (day, platform)
        group by src, dst, platform, kind
    """


def attention_sql(methodology: Methodology) -> str:
    """SQL for the rows of `{weights}` with two more columns: src's `credibility`, 0 or 1, and `a`, as a multiple of 2^-36.
    `{weights}` has the totals `SPENT`; `{doubted}` is a table from `doubted`.

    a = damping * credibility * weight / (rest_weight + spent). If weight is 0, a is 0, because the divisor may be 0 then.
    """
    share = f"{real_sql('weight')} / ({number(methodology.rest_weight)} + {real_sql('spent')})"
    return f"""
        select *,
            case when weight = 0 then cast(0 as bigint)
                else {fixed_sql(f"{number(methodology.damping)} * credibility * ({share})")} end as a
        from (
            select pair.*, coalesce(doubted.credibility, 1e0) as credibility
            from {{weights}} as pair left join {{doubted}} as doubted on src = doubted.id
        )
    """


def weights(
    sql: Sql[T],
    engagement: T,
    fading: Fading,
    methodology: Methodology,
    beside: Beside = NOTHING,
    rolled_up: T | None = None,
) -> T:
    """One row per (src, dst) of the window with `weight`, W(src, dst) as a multiple of 2^-36, and `beside.of_window`. `fading`
    holds the factors, with the further columns that `beside` reads. `rolled_up` holds rows of `of_month` for months whose days
    are not in `engagement`.

    Repeated acts on one day and platform saturate: log2(1 + weighted acts), times the day's factor.
    """
    if methodology.equations == 1:
        text = weights_sql(methodology, saturated_sql(methodology, sql.log2, beside), beside)
        return sql.query(text, engagement=engagement, days=sql.local(fading.days))
    rows = of_month(sql, engagement, fading, methodology, beside)
    if rolled_up is not None:
        columns = ", ".join(columns_of_month(beside))
        # Spark forgets that both sides could be partitioned by actor. Without the hint, it would exchange all rows twice.
        rows = sql.query(
            f"""
            select /*+ REPARTITION({sql.spark_partitions}, src) */ *
            from (select {columns} from {{rows}} union all select {columns} from {{rolled_up}})
            """,
            rows=rows,
            rolled_up=rolled_up,
        )
    return sql.query(of_months_sql("{rows}", beside), rows=rows, months=sql.local(fading.months))


def columns_of_month(beside: Beside) -> list[str]:
    """The names of the columns of `of_month`."""
    return ["month", "platform", "src", "dst", "weight", *map(_alias, beside.of_month)]


def _alias(item: str) -> str:
    return item.rpartition(" as ")[2]


def of_month(sql: Sql[T], engagement: T, fading: Fading, methodology: Methodology, beside: Beside) -> T:
    """The rows of `of_month_sql`."""
    text = of_month_sql(saturated_sql(methodology, sql.log2, beside), beside)
    return sql.query(text, engagement=engagement, days=sql.local(fading.days))


def attention(sql: Sql[T], weights: T, credibility: T, methodology: Methodology, beside: Beside = NOTHING) -> T:
    """One row per (src, dst) with `a`, the attention that src passes on to dst as a multiple of 2^-36, src's `credibility`, and
    the columns `beside.of_window` of `weights`.

    `credibility` is a table from `doubted`.
    """
    columns = ", ".join(["src", "dst", *map(_alias, beside.of_window), "credibility", "a"])
    text = f"select {columns} from ({attention_sql(methodology)})"
    return sql.query(text, weights=sql.with_totals(weights, "src", **SPENT), doubted=credibility)


def doubted(bots: Sequence[str]) -> pa.Table:
    """(id, credibility) of the accounts whose credibility is not 1: the bots, whose credibility is 0."""
    ids = pa.array(bots, pa.string())
    return pa.table({"id": ids, "credibility": pa.repeat(pa.scalar(0.0), len(ids))})
