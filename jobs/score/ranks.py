"""Ranks of people by the attention they hold: the only step of a score that compares everybody with everybody. Text for two
dialects (`jobs.sql`); only Spark gets so many people that it ranks them by ranges."""

# Of 300,000 people, one task takes 0.7 s less than ranges, which must be counted and joined first. Of more people than this, it
# would sort for many seconds while the other tasks wait.
PEOPLE_OF_A_TASK = 2_000_000

# Ranges of totals from one power of two to the next. Of 750 million people at most some hundred thousand share a range.
RANGES_OF_A_DOUBLING = 1_000


def ranked_sql(sums: str, most_people: int) -> str:
    """SQL for `sums` (id, one, two, three), a table or a query in brackets of at most this many people, with `total`, `rank`
    and `percentile`.

    `rank` is 1 for the highest total; people with equal totals share the best of their ranks. `percentile` is the share of
    people with a lower total, from 0 to below 1. `most_people` decides only how Spark sorts them: all by one task, or each task
    those of similar totals. 0: all together.
    """
    everybody = f"(select id, one, two, three, one + two + three as total from {sums})"
    return _by_one_task(everybody) if most_people <= PEOPLE_OF_A_TASK else _by_ranges(everybody)


def _by_one_task(everybody: str) -> str:
    # Without a frame, a window counts the rows up to the last one with the row's total.
    return f"""
        select id, one, two, three, total, cast(place as bigint) as rank, {_share("people - not_less", "people")} as percentile
        from (
            select *, rank() over downwards as place, count(*) over () as people, count(*) over downwards as not_less
            from {everybody} window downwards as (order by total desc)
        )
    """


def _by_ranges(everybody: str) -> str:
    """Counts ranges of totals first, so that a task knows how many people are above those of its ranges. A total of 0, which
    half of all may have, is a range alone: its people are spread over tasks."""
    spread = f"case when total = 0 then pmod(xxhash64(id), {RANGES_OF_A_DOUBLING}) end"
    return f"""
        with everybody as (
            select *, floor(log2(total + 1) * {RANGES_OF_A_DOUBLING}) as near from {everybody}
        ), ranges as (
            select near, sum(held) over () as people, sum(held) over (order by near desc) - held as above
            from (select near, count(*) as held from everybody group by near)
        ), placed as (
            select /*+ BROADCAST(ranges) */ everybody.*, people, above, rank() over downwards as place,
                count(*) over downwards as not_less
            from everybody join ranges using (near)
            window downwards as (partition by near, {spread} order by total desc)
        )
        select id, one, two, three, total, cast(above + place as bigint) as rank,
            {_share("case when total > 0 then people - above - not_less else 0 end", "people")} as percentile
        from placed
    """


def _share(part: str, whole: str) -> str:
    return f"cast({part} as double) / cast({whole} as double)"
