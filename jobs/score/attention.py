"""engagement -> attention: spreads each actor's one unit of attention over a window. Pure SQL, no table access.

The equations are text in the common subset of Spark's and DuckDB's SQL. So scores (by Spark) and their explanations (by DuckDB,
without a JVM) cannot diverge. All numbers added across rows are whole multiples of 2^-36 (`schemas.fixed_point`), so sums do
not depend on the order of rows. Placeholders such as `{engagement}` are tables. Hints (`/*+ */`) are for Spark; DuckDB reads
them as comments.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
from pyspark.sql import functions as F

from schemas.fixed_point import SCALE, UNIT
from schemas.kinds import INTERACTIONS, POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


def number(value: float) -> str:
    """A double as a literal for both SQL dialects, with every digit."""
    return f"{value:.17e}"


def fixed_sql(value: str) -> str:
    """SQL for a double as a whole multiple of 2^-36, rounded half to even."""
    return f"cast(rint(({value}) * {number(SCALE)}) as bigint)"


def real_sql(units: str) -> str:
    """SQL for a multiple of 2^-36 as a double."""
    return f"(cast({units} as double) * {number(UNIT)})"


class Beside(NamedTuple):
    """Columns that pairs carry for measures beside the score, because one pass over the acts is cheaper than two. No score
    reads them. Both are select items with names."""

    of_day: tuple[str, ...] = ()  # over the day's counts of acts, `KIND_count`, of one src, dst and platform
    of_window: tuple[str, ...] = ()  # aggregates over these days, of the columns above and those of `{factors}`


NOTHING = Beside()


def saturated_sql(methodology: Methodology, beside: Beside = NOTHING) -> str:
    """SQL for one row per (day, platform, src, dst) of `{engagement}` with `saturated`, log2(1 + weighted acts), and
    `beside.of_day`.

    Kinds are added in a fixed order: a sum of doubles in row order could differ in its last bit.
    """
    counts = ", ".join(
        f"sum(case when kind = '{kind}' then act_count else 0 end) as {kind}_count" for kind in INTERACTIONS
    )
    acts = " + ".join(f"{number(methodology.kind_weights[kind])} * {kind}_count" for kind in INTERACTIONS)
    rows = f"select * from {{engagement}} where kind <> '{POST}'"
    columns = ", ".join(["day", "platform", "src", "dst", f"log2(1e0 + ({acts})) as saturated", *beside.of_day])
    return f"""
        select {columns}
        from (select day, platform, src, dst, {counts} from ({rows}) group by day, platform, src, dst)
    """


def weights_sql(saturated: str, beside: Beside = NOTHING) -> str:
    """SQL for one row per (src, dst) with `weight`, W(src, dst) as a multiple of 2^-36, and `beside.of_window`. `saturated` is
    a query from `saturated_sql`; `{factors}` is a table from `decay_table`."""
    columns = [f"cast(sum({fixed_sql('factor * saturated')}) as bigint) as weight", *beside.of_window]
    return f"""
        select src, dst, {", ".join(columns)}
        from (select /*+ BROADCAST(fade) */ * from ({saturated}) join {{factors}} as fade using (day, platform))
        group by src, dst
    """


def kinds_sql(methodology: Methodology) -> str:
    """SQL for one row per (src, dst, platform, kind) of `{engagement}` with `act_count` and its part of W, `weight`, as a
    multiple of 2^-36. A day's weight is split among its kinds in proportion to kind_weight * act_count."""
    weights = " ".join(f"when '{kind}' then {number(methodology.kind_weights[kind])}" for kind in INTERACTIONS)
    part = fixed_sql("factor * log2(1e0 + together) * acts / together")
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
    """SQL for the rows of `{weights}` with `spent` (all of src's weight), `a` and src's `credibility` added.

    a = damping * credibility * W / (rest_weight + all of src's W). An actor whose acts all weigh 0 spends nothing, whatever
    `rest_weight` is.
    """
    share = f"{real_sql('weight')} / ({number(methodology.rest_weight)} + {real_sql('spent')})"
    return f"""
        select *,
            case when weight = 0 then cast(0 as bigint)
                else {fixed_sql(f"{number(methodology.damping)} * credibility * ({share})")} end as a
        from (
            select pair.*, coalesce(doubted.credibility, 1e0) as credibility
            from (select *, sum(weight) over (partition by src) as spent from {{weights}}) as pair
            left join {{doubted}} as doubted on src = doubted.id
        )
    """


CREDIBILITY_SQL = "select id, 0e0 as credibility from {accounts} where is_bot"


def real(value: "Column") -> "Column":
    """A multiple of 2^-36 as a double."""
    return value.cast("double") * F.lit(UNIT)


def decay_factors(
    days: Iterable[date], covered: Mapping[str, set[date]], last_day: date, methodology: Methodology
) -> list[tuple[date, str, float]]:
    """The weight of an act of each day and platform at the end of `last_day`: platform_weight * 2^(-age / half_life_days).

    Age counts the covered days of the platform after the act: acts do not age while no data could arrive. A day without
    coverage has no factor, so acts of a pull that never ended do not count.
    """
    return [
        (day, platform, methodology.platform_weight(platform) * 2.0 ** (-age / methodology.half_life_days))
        for platform, arrived in sorted(covered.items())
        for day in sorted(arrived.intersection(days))
        for age in [sum(day < later <= last_day for later in arrived)]
    ]


def decay_table(factors: Sequence[tuple[date, str, float]]) -> pa.Table:
    """One row (day, platform, factor) per factor."""
    day, platform, factor = zip(*factors, strict=True) if factors else ((), (), ())
    return pa.table(
        {
            "day": pa.array(day, pa.date32()),
            "platform": pa.array(platform, pa.string()),
            "factor": pa.array(factor, pa.float64()),
        }
    )


def weights(
    engagement: "DataFrame", factors: "DataFrame", methodology: Methodology, beside: Beside = NOTHING
) -> "DataFrame":
    """One row per (src, dst) of the window with `weight`, W(src, dst) as a multiple of 2^-36, and `beside.of_window`. `factors`
    is `decay_table` as a frame, with the columns that `beside` reads.

    Repeated acts on one day and platform saturate: log2(1 + weighted acts), times the day's factor.
    """
    text = weights_sql(saturated_sql(methodology, beside), beside)
    return engagement.sparkSession.sql(text, engagement=engagement, factors=factors)


def attention(weights: "DataFrame", credibility: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) with `a`, the attention that src passes on to dst, src's `credibility`, and the columns that
    `weights` has beside its own.

    `credibility` has rows (id, credibility) of the accounts below 1.
    """
    spread = weights.sparkSession.sql(attention_sql(methodology), weights=weights, doubted=credibility)
    return spread.drop("weight", "spent")


def credibility(accounts: "DataFrame") -> "DataFrame":
    """(id, credibility) of the accounts whose credibility is not 1: those that declare themselves bots."""
    return accounts.sparkSession.sql(CREDIBILITY_SQL, accounts=accounts)
