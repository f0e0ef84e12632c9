"""Measures beside the score, never part of it: whom a person reaches, what their posts trigger, and whom they answer.

Text for two dialects (`jobs.sql`). As for the score, acts count only on days on which their platform was covered, and
only acts of accounts of credibility above 0. Sums across rows add whole numbers, so they do not depend on the order of rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise

import pyarrow as pa

from jobs.score.attention import Beside, fixed_sql, number, real_sql
from jobs.score.fading import Fading, fading
from jobs.sql import Sql, T
from schemas.kinds import ADDRESSING, CONTENT, POST
from schemas.methodology import Methodology

# Lower bounds (exclusive) of the tiers of attention held, in accounts' worth; tier 0 is below all of them. Bounds are decades,
# because points are logarithmic: one decade is 11 points. They are absolute, so that strangers cannot change a person's tier.
TIERS = (0.0, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)

DAYS_OF_A_COLUMN = 62  # bits used of a 64-bit integer; the sign stays clear


def said_columns(methodology: Methodology) -> list[str]:
    """Names of the columns that together hold the set of days on which src addressed dst, one bit per day: said_0, said_1, ...
    Bit 0 of said_0 is the first day with a factor."""
    return [f"said_{place}" for place in range(-(-methodology.lookback_days // DAYS_OF_A_COLUMN))]


def carried(methodology: Methodology) -> Beside:
    """The further columns of pairs that these measures need: `content_acts`, acts of src on dst's content, and
    `said_columns`. A month has one column `said`, whose bit 0 is the first day of the month."""
    content = " + ".join(f"{kind}_count" for kind in CONTENT)
    addressing = " + ".join(f"{kind}_count" for kind in ADDRESSING)
    of_day = (f"{content} as content_acts", f"case when {addressing} > 0 then 1 else 0 end as addressed")
    acts = "cast(sum(content_acts) as bigint) as content_acts"
    if methodology.equations == 1:
        return Beside(of_day, of_window=(acts, *map(_addressed, said_columns(methodology))))
    placed = (
        f"bit_or(shiftright(shiftleft(said & kept_{place}, up_{place}), down_{place})) as {column}"
        for place, column in enumerate(said_columns(methodology))
    )
    return Beside(of_day, of_month=(acts, _addressed("said")), of_window=(acts, *placed))


def _addressed(column: str) -> str:
    return f"bit_or(case when addressed = 1 then {column} else cast(0 as bigint) end) as {column}"


def faded(days: Iterable[date], covered: Mapping[str, set[date]], last_day: date, methodology: Methodology) -> Fading:
    """The result of `fading`, with the columns that these measures need."""
    return with_sets(fading(days, covered, last_day, methodology), methodology)


def with_sets(factors: Fading, methodology: Methodology) -> Fading:
    """The factors, with the set of days of one act on the day of the row. With equations 2, also how the set of a month moves
    to the bits of `said_columns`."""
    days: list[date] = factors.days["day"].to_pylist()
    first = min(days, default=date.min)
    if methodology.equations == 1:
        return factors._replace(days=_with_days(factors.days, [(day - first).days for day in days], methodology))
    months = factors.months
    offsets = [(month - first).days for month in months["month"].to_pylist()]
    for place in range(len(said_columns(methodology))):
        moves = [offset - place * DAYS_OF_A_COLUMN for offset in offsets]
        kept = [sum(1 << bit for bit in range(DAYS_OF_A_COLUMN) if 0 <= bit + by < DAYS_OF_A_COLUMN) for by in moves]
        months = _with(months, f"kept_{place}", kept, pa.int64())
        months = _with(months, f"up_{place}", [max(0, by) for by in moves], pa.int32())
        months = _with(months, f"down_{place}", [max(0, -by) for by in moves], pa.int32())
    return Fading(_with_days(factors.days, [day.day - 1 for day in days], methodology), months)


def _with_days(factors: pa.Table, bits: Sequence[int], methodology: Methodology) -> pa.Table:
    """The factors of days, with the set of days of one act. `bits` holds the bit of each row's day."""
    for place, column in enumerate(["said"] if methodology.equations == 2 else said_columns(methodology)):
        moves = [bit - place * DAYS_OF_A_COLUMN for bit in bits]
        factors = _with(factors, column, [1 << by if 0 <= by < DAYS_OF_A_COLUMN else 0 for by in moves], pa.int64())
    return factors


def _with(table: pa.Table, name: str, values: Iterable[int], kind: pa.DataType) -> pa.Table:
    return table.append_column(name, pa.array(values, kind))


def posted(sql: Sql[T], engagement: T, factors: Fading, by: Sequence[str] = ()) -> T:
    """One row (*by, src, post_count) per account that posted on a covered day. `by` names columns of `factors.days`."""
    keys = ", ".join([*by, "src"])
    text = f"""
        select {keys}, cast(sum(act_count) as bigint) as post_count
        from (
            select /*+ BROADCAST(covered) */ *
            from (select * from {{engagement}} where kind = '{POST}') join {{days}} as covered using (day, platform)
        )
        group by {keys}
    """
    return sql.query(text, engagement=engagement, days=sql.local(factors.days))


def beside(sql: Sql[T], spread: T, posts: T, sums: T, methodology: Methodology, linked: T | None = None) -> T:
    """One row (id, engager_count, amplification, inclusion) per person who posts, or with whom an account of credibility above
    0 engages. Amplification is null for a person without a post; `reached_sql` says when inclusion is null.

    `spread` is the result of `attention.attention` with the columns of `carried`. `posts` is (src, post_count) of the window,
    with one or more rows per account. `sums` is (id, one, ...) from an engine. `linked` is (account, person) of people who have
    several accounts. Such a person's row is about all their accounts together, without acts between them. Engagers are counted
    as accounts.
    """
    held = sql.query(
        "select pair.*, sums.one as direct from {spread} as pair join {sums} as sums on pair.src = sums.id",
        spread=spread,
        sums=sums,
    )
    given = spread
    if linked is not None:
        posts = sql.query(
            """
            select coalesce(person, src) as src, post_count
            from {posts} as posts left join {linked} as linked on posts.src = linked.account
            """,
            posts=posts,
            linked=linked,
        )
        of_others = _of_others_sql("dst", methodology, ("credibility", "direct"))
        held = sql.query(of_others, pairs=held, linked=linked)
        given = sql.query(_of_others_sql("src", methodology), pairs=given, linked=linked)
    engagers = sql.query(engagers_sql(sql, methodology), held=held, given=given)
    reached = reached_sql(f"({tiers_sql()})", methodology.min_inbound, sql.log2)
    return sql.query(
        f"""
        select id, coalesce(engager_count, 0) as engager_count, coalesce(content_acts, 0) / posts as amplification, inclusion
        from ({reached}) full join (select src as id, sum(post_count) as posts from {{posts}} group by src) using (id)
        """,
        engagers=engagers,
        posts=posts,
    )


def _of_others_sql(end: str, methodology: Methodology, of_other: Sequence[str] = ()) -> str:
    """SQL for the rows of `{pairs}` (src, dst, ...) with the person of `{linked}` in place of the account in column `end`.
    Leaves out pairs of accounts of the same person, and combines the pairs of a person's accounts. `of_other` names columns of
    the account at the other end."""
    other = {"src": "dst", "dst": "src"}[end]
    columns = [f"cast(sum({name}) as bigint) as {name}" for name in ("content_acts", "a")]
    columns += [f"bit_or({name}) as {name}" for name in said_columns(methodology)]
    columns += [f"max({name}) as {name}" for name in of_other]
    person, of_them = f"coalesce(theirs.person, pair.{end})", f"coalesce(others.person, pair.{other})"
    return f"""
        select {person} as {end}, pair.{other} as {other}, {", ".join(columns)}
        from {{pairs}} as pair left join {{linked}} as theirs on pair.{end} = theirs.account
        left join {{linked}} as others on pair.{other} = others.account
        where {person} <> {of_them} group by 1, 2
    """


def engagers_sql(sql: Sql[T], methodology: Methodology) -> str:
    """SQL for one row (person, other, content_acts, asked, answered, held) per `other` of credibility above 0 who engaged with
    `person`.

    `content_acts` counts acts of `other` on content of `person`. `asked`: `other` addressed `person`. `answered`: `person`
    addressed `other` on the same day or in the `answer_days` after it. `held` is the direct attention of `other` without the
    part that `person` gives, as a multiple of 2^-36. `{held}` is a result of `attention.attention`, with src's `direct` added;
    `{given}` is also such a result: its pairs with src `person` show what `person` does.
    """
    said = said_columns(methodology)
    asked = " or ".join(f"({days} <> 0)" for days in said)
    back = ", ".join(f"{days} as back_{days}" for days in said)
    # Spark's join sorts by `pair` first: it would compare names with equal beginnings byte by byte. The pairs of `given` are
    # already partitioned by person. With the same number of partitions, Spark exchanges only the engagers' rows.
    pair = "xxhash64({}) as pair, " if sql.is_distributed else ""
    return f"""
        select person, other, content_acts, asked, coalesce({_answered_sql(methodology)}, false) as answered,
            direct - coalesce(given, 0) as held
        from (
            select /*+ REPARTITION({sql.spark_partitions}, person) */ {pair.format("src, dst")}dst as person, src as other,
                content_acts, ({asked}) as asked, {", ".join(said)}, direct
            from {{held}} where credibility > 0
        ) left join (
            select {pair.format("dst, src")}src as person, dst as other, a as given, {back} from {{given}}
        ) using ({"pair, " if sql.is_distributed else ""}person, other)
    """


def _answered_sql(methodology: Methodology) -> str:
    """SQL for whether a day of the set `back_said_*` is a day of the set `said_*` or one of the `answer_days` after it."""
    said, after = said_columns(methodology), methodology.answer_days
    met = [f"({days} & {_or_before_sql(f'back_{days}', after + 1)}) <> 0" for days in said]
    # A day of the next column is met by the last days of this one: those at most `after` days before its first day.
    met += [
        f"(back_{following} & -back_{following}) between 1 and shiftright({days}, {DAYS_OF_A_COLUMN - after})"
        for days, following in pairwise(said)
    ]
    return " or ".join(met)


def _or_before_sql(days: str, width: int) -> str:
    """SQL for the set of these days of a column and of the days before them: each becomes `width` days. Equal parts of the text
    are computed once."""
    if width == 1:
        return days
    near = _or_before_sql(days, (width + 1) // 2)
    return f"({near} | shiftright({near}, {width // 2}))"


def tiers_sql() -> str:
    """SQL for totals of `{engagers}`, the rows of `engagers_sql`: one row (person, tier, engagers, content_acts, asked,
    answered) per person and tier of `held`, 0 to the number of `TIERS`."""
    tier = " + ".join(f"cast({real_sql('held')} > {number(above)} as int)" for above in TIERS)
    return f"""
        select person, tier, count(*) as engagers, cast(sum(content_acts) as bigint) as content_acts,
            cast(count_if(asked) as bigint) as asked, cast(count_if(asked and answered) as bigint) as answered
        from (select *, {tier} as tier from {{engagers}}) group by person, tier
    """


def reached_sql(tiers: str, min_inbound: int, log2: str) -> str:
    """SQL for one row (id, engager_count, content_acts, inclusion) per person, from rows of `tiers_sql`: `tiers` is a table or
    a query in brackets.

    Inclusion, 0 to 100, is 100 * (1 - d). d is the Jensen-Shannon divergence, base 2, between two distributions over the tiers:
    of those who addressed the person, and of those among them whom the person answered (Lin 1991, "Divergence measures based on
    the Shannon entropy"). Inclusion is null if fewer than `min_inbound` people addressed the person, or if none of them was
    answered.

    An engager's tier leaves out the attention that the person gives: otherwise an answer could lift its recipient to a higher
    tier.
    """
    p, q = (f"case when {x} > 0 then {x} * {log2.format(f'2 * {x} / (p + q)')} else 0e0 end" for x in ("p", "q"))
    term = fixed_sql(f"({p} + {q}) / 2")
    return f"""
        select person as id, cast(sum(engagers) as bigint) as engager_count, cast(sum(content_acts) as bigint) as content_acts,
            case when max(asked_count) >= {min_inbound} and max(answered_count) > 0
                then 100 * (1 - {real_sql(f"sum({term})")}) end as inclusion
        from (
            select *, sum(asked) over everybody as asked_count, sum(answered) over everybody as answered_count,
                asked / nullif(sum(asked) over everybody, 0) as p, answered / nullif(sum(answered) over everybody, 0) as q
            from {tiers} window everybody as (partition by person)
        )
        group by person
    """
