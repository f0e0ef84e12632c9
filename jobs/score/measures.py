"""Measures beside the score, never part of it: whom a person reaches, what their posts trigger, and whom they answer.

Pure Spark SQL, no table access. Acts count as for the score: only days on which their platform was covered, and only accounts
of credibility above 0. Only whole numbers are added across rows, so sums do not depend on the order of rows.
"""

from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from jobs.score.attention import Beside, fixed_sql, number, real_sql
from schemas.kinds import ADDRESSING, CONTENT, POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Lower bounds of the tiers of attention held, in accounts' worth; one more tier holds those without any. Bounds are decades,
# since points are logarithmic: one decade is 11 points. They are absolute, so nobody changes tier when strangers arrive.
TIERS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)

DAYS_OF_A_COLUMN = 62  # bits used of a 64-bit integer, so its sign is never touched


def days_columns(name: str, methodology: Methodology) -> list[str]:
    """Columns that together hold a set of days of the window, one bit per day: NAME_0, NAME_1, ... Day 0 is the first day with
    a factor."""
    return [f"{name}_{place}" for place in range(-(-methodology.lookback_days // DAYS_OF_A_COLUMN))]


def said_columns(methodology: Methodology) -> list[str]:
    """Columns for the days on which src said something to dst (`said`), and for the days on which dst saying something to src
    counts as an answer to it (`answerable`)."""
    return [column for name in ("said", "answerable") for column in days_columns(name, methodology)]


def carried(methodology: Methodology) -> Beside:
    """What pairs carry for these measures: `content_acts`, acts of src on dst's content, and `said_columns`."""
    content = " + ".join(f"{kind}_count" for kind in CONTENT)
    addressing = " + ".join(f"{kind}_count" for kind in ADDRESSING)
    days = (
        f"bit_or(case when addressed = 1 then {column} else cast(0 as bigint) end) as {column}"
        for column in said_columns(methodology)
    )
    return Beside(
        of_day=(f"{content} as content_acts", f"case when {addressing} > 0 then 1 else 0 end as addressed"),
        of_window=("cast(sum(content_acts) as bigint) as content_acts", *days),
    )


def with_days(factors: pa.Table, methodology: Methodology) -> pa.Table:
    """The decay factors with the `said_columns` of a single act of each day."""
    days: list[date] = factors["day"].to_pylist()
    first = min(days, default=date.min)
    on_the_day, and_after = 1, (1 << methodology.answer_days + 1) - 1
    for name, bits in (("said", on_the_day), ("answerable", and_after)):
        sets = [bits << (day - first).days for day in days]
        for place, column in enumerate(days_columns(name, methodology)):
            part = [held >> place * DAYS_OF_A_COLUMN & (1 << DAYS_OF_A_COLUMN) - 1 for held in sets]
            factors = factors.append_column(column, pa.array(part, pa.int64()))
    return factors


def beside(
    spread: "DataFrame",
    engagement: "DataFrame",
    factors: "DataFrame",
    sums: "DataFrame",
    methodology: Methodology,
    spark_partitions: int,
) -> "DataFrame":
    """One row per person who posts or whom anybody engages: (id, engager_count, amplification, inclusion).

    `spread` comes from `attention.attention`, with what `carried` names. `engagement` holds the window's rows. `factors` names
    its covered days and platforms. `sums` is (id, one, ...) from an engine. `spark_partitions` is the number of Spark
    partitions for all pairs.
    """
    posts = engagement.where(F.col("kind") == POST).join(factors.hint("broadcast"), ["day", "platform"], "left_semi")
    posted = posts.groupBy(F.col("src").alias("id")).agg(F.sum("act_count").alias("posts"))
    direct = sums.selectExpr("id as src", "one as direct")
    engaged = tiers(engagers(spread.join(direct, "src"), methodology, spark_partitions))
    return (
        reached(engaged, methodology.min_inbound)
        .join(posted, "id", "full")
        .selectExpr(
            "id",
            "coalesce(engager_count, 0) as engager_count",
            "coalesce(content_acts, 0) / posts as amplification",
            "inclusion",
        )
    )


def engagers(spread: "DataFrame", methodology: Methodology, spark_partitions: int) -> "DataFrame":
    """One row (person, other, content_acts, asked, answered, held) per `other` with credibility above 0 who engaged `person`.
    `content_acts` counts acts of `other` on content of `person`. `asked`: `other` said something to `person`. `answered`:
    `person` said something to `other` on such a day or on one of the `answer_days` after it. `held` is other's direct attention
    without what `person` gives, as a multiple of 2^-36.

    `spread` comes from `attention.attention`, with src's `direct` added.
    """
    said, answerable = (days_columns(name, methodology) for name in ("said", "answerable"))
    asked = " or ".join(f"{days} <> 0" for days in said)
    answered = " or ".join(f"{days} & back_{on} <> 0" for days, on in zip(answerable, said, strict=True))
    # Rows are sorted by a number first: Spark compares names with equal beginnings byte by byte.
    engaged = spread.where("credibility > 0").selectExpr(
        "xxhash64(src, dst) as pair",
        "dst as person",
        "src as other",
        "content_acts",
        f"({asked}) as asked",
        *answerable,
        "direct",
    )
    given = spread.selectExpr(
        "xxhash64(dst, src) as pair",
        "src as person",
        "dst as other",
        "a as given",
        *(f"{on} as back_{on}" for on in said),
    )
    # `given` is already partitioned by person, so Spark only exchanges the engagers' rows, into equally many partitions.
    return (
        engaged.repartition(spark_partitions, "person")
        .join(given, ["pair", "person", "other"], "left")
        .selectExpr(
            "person", "other", "content_acts", "asked", f"coalesce({answered}, false) as answered",
            "direct - coalesce(given, 0) as held",
        )
    )  # fmt: skip


def tiers(engagers: "DataFrame") -> "DataFrame":
    """One row (person, tier, engagers, content_acts, asked, answered) of totals, by the tier of the attention that engagers
    hold."""
    tier = " + ".join(f"cast({real_sql('held')} > {number(above)} as int)" for above in TIERS)
    return (
        engagers.selectExpr("*", f"{tier} as tier")
        .groupBy("person", "tier")
        .agg(
            F.count("*").alias("engagers"),
            F.sum("content_acts").alias("content_acts"),
            F.count_if("asked").alias("asked"),
            F.count_if(F.expr("asked and answered")).alias("answered"),
        )
    )


def reached(tiers: "DataFrame", min_inbound: int) -> "DataFrame":
    """One row (id, engager_count, content_acts, inclusion) per person, from rows of `tiers`. Inclusion is null if fewer than
    `min_inbound` people asked, or if none of them was answered. Otherwise it is

    100 * (1 - the Jensen-Shannon divergence, base 2, between the tiers of those who addressed the person and the tiers of those
    among them whom the person answered); Lin 1991, "Divergence measures based on the Shannon entropy". A person's tier is that
    of `direct` without what `person` gives: with it, an answer could lift its recipient out of the tier they asked from.
    """
    to_mean = "case when {x} > 0 then {x} * log2(2 * {x} / (p + q)) else 0e0 end"
    term = fixed_sql(f"({to_mean.format(x='p')} + {to_mean.format(x='q')}) / 2")
    return tiers.sparkSession.sql(
        f"""
        with shares as (
            select *, sum(asked) over everybody as asked_count, sum(answered) over everybody as answered_count,
                asked / nullif(sum(asked) over everybody, 0) as p, answered / nullif(sum(answered) over everybody, 0) as q
            from {{tiers}} window everybody as (partition by person)
        )
        select person as id, sum(engagers) as engager_count, sum(content_acts) as content_acts,
            case when max(asked_count) >= {min_inbound} and max(answered_count) > 0
                then 100 * (1 - {real_sql(f"sum({term})")}) end as inclusion
        from shares group by person
        """,
        tiers=tiers,
    )
