"""engagement -> attention: how each actor's one unit of attention is spread over a window. Pure SQL, no table.

The equations are text in the words that Spark's SQL and DuckDB's share, so that scores (by Spark) and what explains them (by
DuckDB, without a JVM) cannot part. Every number added across rows is a whole multiple of 2^-36 (`schemas.fixed_point`), so no
sum depends on an order. `{engagement}` and the like stand for tables; hints (`/*+ */`) are Spark's, comments to DuckDB.
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

DAYS_OF_A_COLUMN = 62  # bits of a 64-bit integer; its sign stays out of it in both kinds of SQL


def number(value: float) -> str:
    """A double as both kinds of SQL read it, every digit kept."""
    return f"{value:.17e}"


def fixed_sql(value: str) -> str:
    """A double as a whole multiple of 2^-36, half to even."""
    return f"cast(rint(({value}) * {number(SCALE)}) as bigint)"


def real_sql(units: str) -> str:
    """A multiple of 2^-36 as a double."""
    return f"(cast({units} as double) * {number(UNIT)})"


def days_columns(name: str, methodology: Methodology) -> list[str]:
    """Columns that together hold a set of days of the window, a bit for each: NAME_0, NAME_1, ... Day 0 is the first that has
    a factor."""
    return [f"{name}_{place}" for place in range(-(-methodology.lookback_days // DAYS_OF_A_COLUMN))]


def said_columns(methodology: Methodology) -> list[str]:
    """Days on which src said something to dst (`said`), and days on which dst saying something to src is an answer to that
    (`answerable`)."""
    return [column for name in ("said", "answerable") for column in days_columns(name, methodology)]


def saturated_sql(methodology: Methodology) -> str:
    """One row per (day, platform, src, dst) of `{engagement}` with `saturated`, log2(1 + weighted acts), and for the measures
    beside the score (`jobs.score.measures`), `content_acts` on dst's content and `addressed`, 1 where src said
    something to dst.

    Kinds are added in one fixed order: a sum of doubles in the order of rows would differ in its last bit.
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
    """One row per (src, dst) with `weight`, W(src, dst) as a multiple of 2^-36, `content_acts`, and `said_columns`, from a
    query as `saturated_sql` gives it; `{factors}` is as `decay_table` gives it."""
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
    """One row per (src, dst, platform, kind) of `{engagement}` with `act_count` and its part of W, `weight`, as a multiple of
    2^-36: a day's weight is split among its kinds in proportion to kind_weight * act_count."""
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
    """One row per (src, dst) of `{weights}`, with `spent` (all of src's weight), `a` and src's `credibility`.

    a = damping * credibility * W / (rest_weight + all of src's W). An actor whose acts all weigh nothing spends nothing,
    whatever stays with nobody.
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
    """What an act of each day and platform weighs at the end of `last_day`: platform_weight * 2^(-age / half_life_days).

    Age counts the days after the act on which the platform was covered: acts do not age while nothing could arrive. A day
    without coverage has no factor, so that acts of a pull that never ended do not count.
    """
    return [
        (day, platform, methodology.platform_weight(platform) * 2.0 ** (-age / methodology.half_life_days))
        for platform, arrived in sorted(covered.items())
        for day in sorted(arrived.intersection(days))
        for age in [sum(day < later <= last_day for later in arrived)]
    ]


def decay_table(factors: Sequence[tuple[date, str, float]], methodology: Methodology) -> pa.Table:
    """One row (day, platform, factor) per factor, with the columns `said` and `answerable` of a single act of that day."""
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
    """As `decay_table`, through Arrow: rows of Python would start a Python worker on every executor."""
    return session.createDataFrame(decay_table(factors, methodology))


def weights(engagement: "DataFrame", factors: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) of the window with `weight`, W(src, dst) as a multiple of 2^-36, `content_acts`, and
    `said_columns`. `factors` is as `decay_frame` gives it.

    Repetition on one day and platform saturates: log2(1 + weighted acts), faded by the day's factor.
    """
    text = weights_sql(saturated_sql(methodology), methodology)
    return engagement.sparkSession.sql(text, engagement=engagement, factors=factors)


def attention(weights: "DataFrame", credibility: "DataFrame", methodology: Methodology) -> "DataFrame":
    """One row per (src, dst) with `a`, what src's attention passes on to dst, src's `credibility`, and what the measures beside
    the score stand on: `content_acts` and `said_columns`.

    `credibility` has the rows (id, credibility) of accounts below 1.
    """
    spread = weights.sparkSession.sql(attention_sql(methodology), weights=weights, doubted=credibility)
    return spread.select("src", "dst", "a", "credibility", "content_acts", *said_columns(methodology))


def credibility(accounts: "DataFrame") -> "DataFrame":
    """(id, credibility) of the accounts whose credibility is not 1: those that say of themselves that they are bots."""
    return accounts.sparkSession.sql(CREDIBILITY_SQL, accounts=accounts)
