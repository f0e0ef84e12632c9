"""Measures beside the score, never part of it: whom a person reaches, what their posts trigger, and whom they answer.

Spark SQL without table access. As for the score, acts count only on days on which their platform was covered, and only acts of
accounts of credibility above 0. Sums across rows add whole numbers, so they do not depend on the order of rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import functions as F

from jobs.score.attention import LOG2_IN_JVM, Beside, fixed_sql, number, real_sql
from jobs.score.fading import Fading, fading
from schemas.kinds import ADDRESSING, CONTENT, POST
from schemas.methodology import Methodology

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Lower bounds (exclusive) of the tiers of attention held, in accounts' worth; tier 0 is below all of them. Bounds are decades,
# because points are logarithmic: one decade is 11 points. They are absolute, so that strangers cannot change a person's tier.
TIERS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)

# Bits used of a 64-bit integer; the sign stays clear. A month's sets fit in one: its days, and `answer_days` of the next month.
DAYS_OF_A_COLUMN = 62
SETS = ("said", "answerable")


def days_columns(name: str, methodology: Methodology) -> list[str]:
    """Names of the columns that together hold a set of days of the window, one bit per day: NAME_0, NAME_1, ... Bit 0 of NAME_0
    is the first day with a factor."""
    return [f"{name}_{place}" for place in range(-(-methodology.lookback_days // DAYS_OF_A_COLUMN))]


def said_columns(methodology: Methodology) -> list[str]:
    """Names of the columns of two sets of days. `said`: src addressed dst. `answerable`: if dst addresses src on such a day,
    that counts as an answer."""
    return [column for name in SETS for column in days_columns(name, methodology)]


def carried(methodology: Methodology) -> Beside:
    """The further columns of pairs that these measures need: `content_acts`, acts of src on dst's content, and
    `said_columns`. A month has one column for each set of days, whose bit 0 is the first day of the month."""
    content = " + ".join(f"{kind}_count" for kind in CONTENT)
    addressing = " + ".join(f"{kind}_count" for kind in ADDRESSING)
    of_day = (f"{content} as content_acts", f"case when {addressing} > 0 then 1 else 0 end as addressed")
    acts = "cast(sum(content_acts) as bigint) as content_acts"
    if methodology.equations == 1:
        return Beside(of_day, of_window=(acts, *map(_addressed, said_columns(methodology))))
    placed = (
        f"bit_or(shiftright(shiftleft({name} & kept_{place}, up_{place}), down_{place})) as {column}"
        for name in SETS
        for place, column in enumerate(days_columns(name, methodology))
    )
    return Beside(of_day, of_month=(acts, *map(_addressed, SETS)), of_window=(acts, *placed))


def _addressed(column: str) -> str:
    return f"bit_or(case when addressed = 1 then {column} else cast(0 as bigint) end) as {column}"


def faded(days: Iterable[date], covered: Mapping[str, set[date]], last_day: date, methodology: Methodology) -> Fading:
    """The result of `fading`, with the columns that these measures need."""
    return with_sets(fading(days, covered, last_day, methodology), methodology)


def with_sets(factors: Fading, methodology: Methodology) -> Fading:
    """The factors, with the values that the sets of days have for one act on the day of the row, and, with equations 2, how the
    sets of a month are moved to the bits of `said_columns`."""
    days: list[date] = factors.days["day"].to_pylist()
    first = min(days, default=date.min)
    if methodology.equations == 1:
        return factors._replace(days=_with_days(factors.days, [(day - first).days for day in days], methodology))
    months = factors.months
    offsets = [(month - first).days for month in months["month"].to_pylist()]
    for place in range(len(days_columns("", methodology))):
        moves = [offset - place * DAYS_OF_A_COLUMN for offset in offsets]
        kept = [sum(1 << bit for bit in range(DAYS_OF_A_COLUMN) if 0 <= bit + by < DAYS_OF_A_COLUMN) for by in moves]
        months = _with(months, f"kept_{place}", kept, pa.int64())
        months = _with(months, f"up_{place}", [max(0, by) for by in moves], pa.int32())
        months = _with(months, f"down_{place}", [max(0, -by) for by in moves], pa.int32())
    return Fading(_with_days(factors.days, [day.day - 1 for day in days], methodology), months)


def _with_days(factors: pa.Table, first_bits: list[int], methodology: Methodology) -> pa.Table:
    """The factors of days, with the sets of days for one act. `first_bits` holds the bit of each row's day."""
    on_the_day, and_after = 1, (1 << methodology.answer_days + 1) - 1
    for name, bits in zip(SETS, (on_the_day, and_after), strict=True):
        sets = [bits << first_bit for first_bit in first_bits]
        for place, column in enumerate([name] if methodology.equations == 2 else days_columns(name, methodology)):
            part = [held >> place * DAYS_OF_A_COLUMN & (1 << DAYS_OF_A_COLUMN) - 1 for held in sets]
            factors = _with(factors, column, part, pa.int64())
    return factors


def _with(table: pa.Table, name: str, values: Iterable[int], kind: pa.DataType) -> pa.Table:
    return table.append_column(name, pa.array(values, kind))


def posted(engagement: "DataFrame", factors: Fading, by: Sequence[str] = ()) -> "DataFrame":
    """One row (*by, src, post_count) per account that posted on a covered day. `by` names columns of `factors.days`."""
    days = engagement.sparkSession.createDataFrame(factors.days).hint("broadcast")
    acts = engagement.where(F.col("kind") == POST).join(days, ["day", "platform"])
    return acts.groupBy(*by, "src").agg(F.sum("act_count").alias("post_count"))


def beside(
    spread: "DataFrame",
    posts: "DataFrame",
    sums: "DataFrame",
    methodology: Methodology,
    spark_partitions: int,
    linked: "DataFrame | None" = None,
) -> "DataFrame":
    """One row (id, engager_count, amplification, inclusion) per person who posts, or with whom an account of credibility above
    0 engages. Amplification is null for a person without a post; `reached` says when inclusion is null.

    `spread` is the result of `attention.attention` with the columns of `carried`. `posts` is (src, post_count) of the window,
    with one or more rows per account. `sums` is (id, one, ...) from an engine. `spark_partitions` is the number of Spark
    partitions of the pairs. `linked` is (account, person) of people who have several accounts. Such a person's row is about all
    their accounts together, without acts between them. Engagers are counted as accounts.
    """
    towards = spread.join(sums.selectExpr("id as src", "one as direct"), "src")
    given = spread
    if linked is not None:
        posts = _at_person(posts, linked, "src")
        towards, given = _of_others(towards, linked, "dst", methodology), _of_others(given, linked, "src", methodology)
    posted = posts.groupBy(F.col("src").alias("id")).agg(F.sum("post_count").alias("posts"))
    engaged = tiers(engagers(towards, given, methodology, spark_partitions))
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


def _at_person(frame: "DataFrame", linked: "DataFrame", end: str) -> "DataFrame":
    """The rows with the person in place of the account in column `end`."""
    owned = linked.select(F.col("account").alias(end), F.col("person").alias(f"{end}_person"))
    joined = frame.join(owned, end, "left")
    return joined.withColumn(end, F.coalesce(f"{end}_person", end)).drop(f"{end}_person")


def _of_others(spread: "DataFrame", linked: "DataFrame", end: str, methodology: Methodology) -> "DataFrame":
    """The pairs (src, dst) with the person in place of the account in column `end`. Leaves out pairs of accounts of the same
    person, and combines the pairs of a person's accounts."""
    other = {"src": "dst", "dst": "src"}[end]
    persons = _at_person(_at_person(spread.withColumn("account", F.col(other)), linked, "src"), linked, "dst")
    theirs = persons.where("src <> dst").withColumn(other, F.col("account"))
    sums = [F.sum(name).alias(name) for name in ("content_acts", "a")]
    days = [F.bit_or(name).alias(name) for name in said_columns(methodology)]
    of_other = [F.max(name).alias(name) for name in ("credibility", "direct") if name in spread.columns]
    return theirs.groupBy("src", "dst").agg(*sums, *days, *of_other)


def engagers(spread: "DataFrame", given: "DataFrame", methodology: Methodology, spark_partitions: int) -> "DataFrame":
    """One row (person, other, content_acts, asked, answered, held) per `other` of credibility above 0 who engaged with
    `person`.

    `content_acts` counts acts of `other` on content of `person`. `asked`: `other` addressed `person`. `answered`: `person`
    addressed `other` on the same day or in the `answer_days` after it. `held` is the direct attention of `other` without the
    part that `person` gives, as a multiple of 2^-36. `spread` is the result of `attention.attention`, with src's `direct`
    added; `given` is also such a result: its pairs with src `person` show what `person` does.
    """
    said, answerable = (days_columns(name, methodology) for name in ("said", "answerable"))
    asked = " or ".join(f"{days} <> 0" for days in said)
    answered = " or ".join(f"{days} & back_{on} <> 0" for days, on in zip(answerable, said, strict=True))
    # The join sorts by this number first: Spark would compare names with equal beginnings byte by byte.
    engaged = spread.where("credibility > 0").selectExpr(
        "xxhash64(src, dst) as pair",
        "dst as person",
        "src as other",
        "content_acts",
        f"({asked}) as asked",
        *answerable,
        "direct",
    )
    back = given.selectExpr(
        "xxhash64(dst, src) as pair",
        "src as person",
        "dst as other",
        "a as given",
        *(f"{on} as back_{on}" for on in said),
    )
    # `back` is already partitioned by person. With the same number of partitions, Spark exchanges only the engagers' rows.
    return (
        engaged.repartition(spark_partitions, "person")
        .join(back, ["pair", "person", "other"], "left")
        .selectExpr(
            "person", "other", "content_acts", "asked", f"coalesce({answered}, false) as answered",
            "direct - coalesce(given, 0) as held",
        )
    )  # fmt: skip


def tiers(engagers: "DataFrame") -> "DataFrame":
    """Totals of the rows of `engagers`: one row (person, tier, engagers, content_acts, asked, answered) per person and tier of
    `held`, 0 to the number of `TIERS`."""
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
    """One row (id, engager_count, content_acts, inclusion) per person, from rows of `tiers`.

    Inclusion, 0 to 100, is 100 * (1 - d). d is the Jensen-Shannon divergence, base 2, between two distributions over the tiers:
    of those who addressed the person, and of those among them whom the person answered (Lin 1991, "Divergence measures based on
    the Shannon entropy"). Inclusion is null if fewer than `min_inbound` people addressed the person, or if none of them was
    answered.

    An engager's tier leaves out the attention that the person gives: otherwise an answer could lift its recipient to a higher
    tier.
    """
    p, q = (f"case when {x} > 0 then {x} * {LOG2_IN_JVM.format(f'2 * {x} / (p + q)')} else 0e0 end" for x in ("p", "q"))
    term = fixed_sql(f"({p} + {q}) / 2")
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
