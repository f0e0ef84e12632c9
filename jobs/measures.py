"""Beside the score, never inside it: whom a person reaches, what their posts set off, and whom they answer.

Pure Spark SQL, no table. Acts count as they do for the score: on days on which their platform was covered, by accounts of
credibility above 0. Only whole numbers are added across rows, so no sum depends on an order.
"""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from jobs.attention import days_columns, fixed_sql, number, real_sql
from schemas.kinds import POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Tiers of attention held, by what each lies above, in accounts' worth; one more holds those who have none. Decades, since
# points are logarithmic: one is 11 points. Absolute, so that nobody changes tier when strangers arrive.
TIERS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def beside(
    spread: "DataFrame",
    engagement: "DataFrame",
    factors: "DataFrame",
    sums: "DataFrame",
    methodology: Methodology,
    spark_partitions: int,
) -> "DataFrame":
    """One row per person whom anybody engages or who posts: (id, engager_count, amplification, inclusion).

    `spread` is as `attention.attention` gives it, `engagement` the window's, `factors` name its covered days and platforms,
    `sums` is (id, one, ...) as engines give it, `spark_partitions` how many tables all pairs are to be cut into.
    """
    posts = engagement.where(F.col("kind") == POST).join(factors.hint("broadcast"), ["day", "platform"], "left_semi")
    reached = reach(
        spread.where("credibility > 0").selectExpr(
            "dst as id", "1 as engagers", "content_acts", "cast(null as bigint) as posts"
        ),
        posts.selectExpr("src as id", "0", "0", "act_count"),
    )
    direct = sums.selectExpr("id as src", "one as direct")
    included = inclusion(asked(spread.join(direct, "src"), methodology, spark_partitions), methodology.min_inbound)
    return reached.join(included, "id", "left").selectExpr(
        "id", "engager_count", "content_acts / posts as amplification", "inclusion"
    )


def reach(engaged: "DataFrame", posted: "DataFrame") -> "DataFrame":
    """Sums rows (id, engagers, content_acts, posts): one row per person, (id, engager_count, content_acts, posts).

    `content_acts` are the engagers' on the person's content. `posts`, null if none is known, are what the person published of
    their own accord: replies and reshares are not among them.
    """
    return (
        engaged.union(posted)
        .groupBy("id")
        .agg(
            F.sum("engagers").alias("engager_count"),
            F.sum("content_acts").alias("content_acts"),
            F.sum("posts").alias("posts"),
        )
    )


def asked(spread: "DataFrame", methodology: Methodology, spark_partitions: int) -> "DataFrame":
    """One row (person, other, answered, held) per `other` who is believed and said something to `person`: whether `person`
    said something to them on such a day or on one of the `answer_days` after it, and their direct attention without what
    `person` gives, as a multiple of 2^-36.

    `spread` is as `attention.attention` gives it, with src's `direct`.
    """
    said, answerable = (days_columns(name, methodology) for name in ("said", "answerable"))
    # A pair's two rows meet by one exchange, and each sees the sum less its own. Rows are sorted by a number first, since names
    # that begin alike are told apart byte by byte.
    pairs = spread.drop("content_acts").withColumn("pair", F.xxhash64(F.least("src", "dst"), F.greatest("src", "dst")))
    back = ", ".join(f"(sum({column}) over pair) - {column} as back_{column}" for column in ("a", *said))
    answered = " or ".join(f"{days} & back_{on} <> 0" for days, on in zip(answerable, said, strict=True))
    return spread.sparkSession.sql(
        f"""
        select dst as person, src as other, {answered} as answered, direct - back_a as held
        from (
            select *, {back} from {{pairs}}
            window pair as (partition by pair, least(src, dst), greatest(src, dst))
        )
        where credibility > 0 and ({" or ".join(f"{days} <> 0" for days in said)})
        """,
        pairs=pairs.repartition(spark_partitions, "pair"),
    )


def inclusion(asked: "DataFrame", min_inbound: int) -> "DataFrame":
    """One row (id, inclusion) per person whom at least `min_inbound` people addressed and who answered any of them; `asked` is
    as `asked` gives it.

    100 * (1 - the Jensen-Shannon divergence, base 2, of the tiers of those who addressed the person and of those of them
    who were answered); Lin 1991, "Divergence measures based on the Shannon entropy". Somebody's tier is that of `direct`
    without what the person gives: by the whole, an answer would lift who gets it out of the tier they asked from.
    """
    tier = " + ".join(f"cast(held > {number(above)} as int)" for above in TIERS)
    to_mean = "case when {x} > 0 then {x} * log2(2 * {x} / (p + q)) else 0e0 end"
    term = fixed_sql(f"({to_mean.format(x='p')} + {to_mean.format(x='q')}) / 2")
    return asked.sparkSession.sql(
        f"""
        with tiers as (
            select person, {tier} as tier, count(*) as asked, count_if(answered) as answered
            from (select person, answered, {real_sql("held")} as held from {{asked}})
            group by person, tier
        ),
        shares as (
            select person, sum(asked) over everybody as asked_count, sum(answered) over everybody as answered_count,
                asked / sum(asked) over everybody as p, answered / sum(answered) over everybody as q
            from tiers window everybody as (partition by person)
        )
        select person as id, 100 * (1 - {real_sql(f"sum({term})")}) as inclusion
        from shares where asked_count >= {min_inbound} and answered_count > 0
        group by person
        """,
        asked=asked,
    )
