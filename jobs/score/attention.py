"""engagement -> attention: spreads each actor's one unit of attention over a window. Pure SQL, no table access.

The equations are text in the common subset of Spark's and DuckDB's SQL. So scores (by Spark) and their explanations (by DuckDB,
without a JVM) cannot diverge. All numbers added across rows are whole multiples of 2^-36 (`schemas.fixed_point`), so sums do
not depend on the order of rows. Placeholders such as `{engagement}` are tables. Hints (`/*+ */`) are for Spark; DuckDB reads
them as comments.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from schemas.fixed_point import SCALE, UNIT
from schemas.kinds import ADDRESSING, CONTENT, INTERACTIONS, POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

DAYS_OF_A_COLUMN = 62  # bits used of a 64-bit integer, so its sign is never touched in either SQL


def number(value: float) -> str:
    """A double as a literal for both SQL dialects, with every digit."""
    return f"{value:.17e}"


def fixed_sql(value: str) -> str:
    """SQL for a double as a whole multiple of 2^-36, rounded half to even."""
    return f"cast(rint(({value}) * {number(SCALE)}) as bigint)"


def real_sql(units: str) -> str:
    """SQL for a multiple of 2^-36 as a double."""
    return f"(cast({units} as double) * {number(UNIT)})"


def days_columns(name: str, methodology: Methodology) -> list[str]:
    """Columns that together hold a set of days of the window, one bit per day: NAME_0, NAME_1, ... Day 0 is the first day with
    a factor."""
    return [f"{name}_{place}" for place in range(-(-methodology.lookback_days // DAYS_OF_A_COLUMN))]


def said_columns(methodology: Methodology) -> list[str]:
    """Columns for the days on which src said something to dst (`said`), and for the days on which dst saying something to src
    counts as an answer to it (`answerable`)."""
    return [column for name in ("said", "answerable") for column in days_columns(name, methodology)]


def saturated_sql(methodology: Methodology) -> str:
    """SQL for one row per (day, platform, src, dst) of `{engagement}` with `saturated`, log2(1 + weighted acts). For the
    measures beside the score (`jobs.score.measures`) it adds `content_acts`, acts on dst's content, and `addressed`, 1 if src
    said something to dst.

    Kinds are added in a fixed order: a sum of doubles in row order could differ in its last bit.
    """
    counts = ", ".join(
        f"sum(case when kind = '{kind}' then act_count else 0 end) as {kind}_count" for kind in INTERACTIONS
    )
    acts = " + ".join(f"{number(methodology.kind_weights[kind])} * {kind}_count" for kind in INTERACTIONS)
    content = " + ".join(f"{kind}_count" for kind in CONTENT)
    addressing = " + ".join(f"{kind}_count" for kind in ADDRESSING)
    rows = f"select * from {{engagement}} where kind <> '{POST}'"
    return f"""
        select day, platform, src, dst, log2(1e0 + ({acts})) as saturated, {content} as content_acts,
            case when {addressing} > 0 then 1 else 0 end as addressed
        from (select day, platform, src, dst, {counts} from ({rows}) group by day, platform, src, dst)
    """


def weights_sql(saturated: str, methodology: Methodology) -> str:
    """SQL for one row per (src, dst) with `weight`, W(src, dst) as a multiple of 2^-36, `content_acts`, and `said_columns`.
    `saturated` is a query from `saturated_sql`; `{factors}` is a table from `decay_table`."""
    said = said_columns(methodology)
    days = ", ".join(
        f"bit_or(case when addressed = 1 then {days} else cast(0 as bigint) end) as {days}" for days in said
    )
    return f"""
        select src, dst, cast(sum({fixed_sql("factor * saturated")}) as bigint) as weight,
            cast(sum(content_acts) as bigint) as content_acts, {days}
        from (
            select /*+ BROADCAST(fade) */ src, dst, saturated, content_acts, addressed, factor, {", ".join(said)}
            from ({saturated}) join {{factors}} as fade using (day, platform)
        )
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
    """SQL for one row per (src, dst) of `{weights}`, with `spent` (all of src's weight), `a` and src's `credibility`.

    a = damping * credibility * W / (rest_weight + all of src's W). An actor whose acts all weigh 0 spends nothing, whatever
    `rest_weight` is.
    """
    share = f"{real_sql('weight')} / ({number(methodology.rest_weight)} + {real_sql('spent')})"
    return f"""
        select src, dst, weight, spent, credibility, content_acts, {", ".join(said_columns(methodology))},
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


def decay_table(factors: Sequence[tuple[date, str, float]], methodology: Methodology) -> pa.Table:
    """One row (day, platform, factor) per factor, with the `said` and `answerable` columns of a single act of that day."""
    day, platform, factor = zip(*factors, strict=True) if factors else ((), (), ())
    columns: dict[str, pa.Array] = {
        "day": pa.array(day, pa.date32()),
        "platform": pa.array(platform, pa.string()),
        "factor": pa.array(factor, pa.float64()),
    }
    first = min(day, default=date.min)
    on_the_day, and_after = 1, (1 << methodology.answer_days + 1) - 1
    for name, days in (("said", on_the_day), ("answerable", and_after)):
        sets = [days << (on - first).days for on in day]
        for place, column in enumerate(days_columns(name, methodology)):
            bits = [held >> place * DAYS_OF_A_COLUMN & (1 << DAYS_OF_A_COLUMN) - 1 for held in sets]
            columns[column] = pa.array(bits, pa.int64())
    return pa.table(columns)


def decay_frame(
    session: "SparkSession", factors: Sequence[tuple[date, str, float]], methodology: Methodology
) -> "DataFrame":
    """Like `decay_table`, as a Spark frame, through Arrow: Python rows would start a Python worker on every executor."""
    return session.createDataFrame(decay_table(factors, methodology))


def weights(engagement: "DataFrame", factors: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) of the window with `weight`, W(src, dst) as a multiple of 2^-36, `content_acts`, and
    `said_columns`. `factors` is a frame from `decay_frame`.

    Repeated acts on one day and platform saturate: log2(1 + weighted acts), times the day's factor.
    """
    text = weights_sql(saturated_sql(methodology), methodology)
    return engagement.sparkSession.sql(text, engagement=engagement, factors=factors)


def attention(weights: "DataFrame", credibility: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) with `a`, the attention that src passes on to dst, src's `credibility`, and the inputs of the
    measures beside the score: `content_acts` and `said_columns`.

    `credibility` has rows (id, credibility) of the accounts below 1.
    """
    spread = weights.sparkSession.sql(attention_sql(methodology), weights=weights, doubted=credibility)
    return spread.select("src", "dst", "a", "credibility", "content_acts", *said_columns(methodology))


def credibility(accounts: "DataFrame") -> "DataFrame":
    """(id, credibility) of the accounts whose credibility is not 1: those that declare themselves bots."""
    return accounts.sparkSession.sql(CREDIBILITY_SQL, accounts=accounts)
