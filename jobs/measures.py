"""Beside the score, never inside it: whom a person reaches, what their posts set off, and whom they answer.

Pure Spark SQL, no table. Acts count as they do for the score: on days on which their platform was covered, by accounts of
credibility above 0. Only whole numbers are added across rows, so no sum depends on an order.
"""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from jobs.attention import fixed_sql, number, real_sql
from schemas.kinds import ADDRESSING, POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Tiers of attention held, by what each lies above, in accounts' worth; one more holds those who have none. Decades, since
# points are logarithmic: one is 11 points. Absolute, so that nobody changes tier when strangers arrive.
TIERS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def beside(
    spread: "DataFrame", engagement: "DataFrame", factors: "DataFrame", sums: "DataFrame", methodology: Methodology
) -> "DataFrame":
    """One row per person whom anybody engages or who posts: (id, engager_count, amplification, inclusion).

    `spread` is as `attention.attention` gives it, `engagement` the window's, `factors` name its covered days and platforms,
    `sums` is (id, one, ...) as engines give it.
    """
    covered = engagement.join(factors.hint("broadcast"), ["day", "platform"], "left_semi")
    # Frames that may be persisted are never named to `sql` as they are: it drops their view, and that drops what was kept.
    believed = spread.where("credibility > 0")
    reached = reach(
        believed.selectExpr("dst as id", "1 as engagers", "content_acts", "cast(null as bigint) as posts"),
        covered.where(F.col("kind") == POST).selectExpr("src as id", "0", "0", "act_count"),
    )
    included = inclusion(
        asked=believed.where("addressed_days > 0").selectExpr("dst as person", "src as other"),
        answers=answers(covered.where(F.col("kind").isin(*ADDRESSING)), methodology.answer_days),
        given=spread.selectExpr("src as person", "dst as other", "a"),
        direct=sums.selectExpr("id as other", "one as direct"),
        min_inbound=methodology.min_inbound,
    )
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


def answers(said: "DataFrame", answer_days: int) -> "DataFrame":
    """One row (person, other) per `other` who addressed `person` and whom `person` addressed on the same day or one of the
    `answer_days` days after it. `said` has a row (src, dst, day, ...) wherever src said something to dst."""
    # A pair's acts both ways lie together: one exchange, and for every act a look back over so many days.
    return said.sparkSession.sql(
        f"""
        with heard as (
            select src, dst, bool_or(src < dst) over lately as lower_spoke, bool_or(src > dst) over lately as higher_spoke
            from {{said}}
            window lately as (
                partition by least(src, dst), greatest(src, dst)
                order by day range between {answer_days} preceding and current row
            )
        )
        select distinct src as person, dst as other from heard where lower_spoke and higher_spoke
        """,
        said=said,
    )


def inclusion(
    *, asked: "DataFrame", answers: "DataFrame", given: "DataFrame", direct: "DataFrame", min_inbound: int
) -> "DataFrame":
    """One row (id, inclusion) per person whom at least `min_inbound` people addressed and who answered any of them.

    `asked` and `answers` are (person, other): other addressed person, and person answered; `given` is (person, other, a),
    `direct` (other, direct), both in multiples of 2^-36.

    100 * (1 - the Jensen-Shannon divergence, base 2, of the tiers of those who addressed the person and of those of them
    who were answered); Lin 1991, "Divergence measures based on the Shannon entropy". Somebody's tier is that of `direct`
    without what the person gives: by the whole, an answer would lift who gets it out of the tier they asked from.
    """
    tier = " + ".join(f"cast(held > {number(above)} as int)" for above in TIERS)
    to_mean = "case when {x} > 0 then {x} * log2(2 * {x} / (p + q)) else 0e0 end"
    term = fixed_sql(f"({to_mean.format(x='p')} + {to_mean.format(x='q')}) / 2")
    return asked.sparkSession.sql(
        f"""
        with told as (
            select asked.person, asked.other, answers.other is not null as answered
            from {{asked}} as asked left join {{answers}} as answers using (person, other)
        ),
        enough as (
            select person, other, answered
            from (
                select *, count(*) over everybody as asked_count, bool_or(answered) over everybody as any
                from told window everybody as (partition by person)
            )
            where asked_count >= {min_inbound} and any
        ),
        held as (
            select person, answered, {real_sql("direct - coalesce(a, 0)")} as held
            from enough left join {{given}} using (person, other) join {{direct}} using (other)
        ),
        tiers as (
            select person, {tier} as tier, count(*) as asked, count_if(answered) as answered from held group by person, tier
        ),
        shares as (
            select person, asked / sum(asked) over (partition by person) as p,
                answered / sum(answered) over (partition by person) as q
            from tiers
        )
        select person as id, 100 * (1 - {real_sql(f"sum({term})")}) as inclusion from shares group by person
        """,
        asked=asked, answers=answers, given=given, direct=direct,
    )  # fmt: skip
