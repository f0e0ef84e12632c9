"""account sums -> sums of people who have several accounts: what reaches each of their accounts from everybody else.

Attention is spread between accounts, whoever owns them. For the influence of one person, the person's own accounts are one
node, S; all others stay accounts. A path counts if it ends in an account of S and visits no account of S before. With A(S,w) =
the sum of a(s,w) over the accounts s of S, and u and w outside S:

    direct(v) = sum_u a(u,v)
    second(v) = sum_u a(u,v) * (one(u) - A(S,u))
    third(v)  = sum_u a(u,v) * max(0, two(u) - sum_s m2(s->u) - sum_w A(S,w) a(w,u))

for each account v of S. `one`, `two` and `m2` are sums and messages of the engines; links do not change them. If S has one
account, these are the engines' equations. A person's influence is the sum over the accounts, to the last bit.

The SQL is text for two dialects (`jobs.sql`).
"""

from datetime import date

from jobs.score.attention import number, real_sql
from schemas.fixed_point import UNIT
from schemas.kinds import SIMULATED_PREFIX


def passed_on_sql(a: str, arrived: str) -> str:
    """SQL for the part of `arrived` that a share `a` passes on, rounded half to even. All are multiples of 2^-36."""
    return f"cast(rint(cast({a} as double) * {number(UNIT)} * cast({arrived} as double)) as bigint)"


def of_accounts_sql(rounds: int) -> str:
    """SQL for one row (id, person, one, two, three) per account of `{sums}` that is in `{linked}` (account, person).

    The sums are the attention that reaches the account from accounts of others, by step, as multiples of 2^-36. `{spread}` is
    (src, dst, a), `{sums}` is (id, one, two, three) of every account from an engine.
    """
    second = passed_on_sql("engaged.a", "held.one - coalesce(own.a, 0)") if rounds >= 2 else "cast(0 as bigint)"
    third = passed_on_sql(
        "engaged.a", "greatest(held.two - coalesce(own.returned, 0) - coalesce(loops.returned, 0), cast(0 as bigint))"
    )
    return f"""
        with crossing as (
            select src, dst, a, actor.person as actor_person, target.person as target_person
            from {{spread}} as pair left join {{linked}} as actor on src = actor.account
            left join {{linked}} as target on dst = target.account
            where (actor.person is not null or target.person is not null)
                and coalesce(actor.person = target.person, false) = false
        ), engaged as (
            select target_person as person, src, dst, a from crossing where target_person is not null
        ), own as (
            select person, other, cast(sum(given.a) as bigint) as a,
                cast(sum({passed_on_sql("given.a", "held.one - coalesce(back, 0)")}) as bigint) as returned
            from (
                select away.actor_person as person, away.src, away.dst as other, away.a, engaged.a as back
                from (select * from crossing where actor_person is not null) as away
                left join engaged on engaged.src = away.dst and engaged.dst = away.src
            ) as given join {{sums}} as held on given.src = held.id
            group by person, other
        ), loops as (
            select own.person, pair.dst as other, cast(sum({passed_on_sql("own.a", "pair.a")}) as bigint) as returned
            from own join {{spread}} as pair on own.other = pair.src
            join (select distinct person, src from engaged) as engager
                on engager.person = own.person and engager.src = pair.dst
            group by own.person, pair.dst
        ), arrived as (
            select engaged.dst, cast(sum(engaged.a) as bigint) as one, cast(sum({second}) as bigint) as two,
                cast(sum({third if rounds >= 3 else "cast(0 as bigint)"}) as bigint) as three
            from engaged join {{sums}} as held on engaged.src = held.id
            left join own on own.person = engaged.person and own.other = engaged.src
            left join loops on loops.person = engaged.person and loops.other = engaged.src
            group by engaged.dst
        )
        select held.id, linked.person, coalesce(arrived.one, cast(0 as bigint)) as one,
            coalesce(arrived.two, cast(0 as bigint)) as two, coalesce(arrived.three, cast(0 as bigint)) as three
        from {{sums}} as held join {{linked}} as linked on held.id = linked.account
        left join arrived on held.id = arrived.dst
    """


def of_people_sql() -> str:
    """SQL for one row (id, one, two, three) per person: the rows of `{sums}` whose account is not in `{linked}`, and the sums
    per person of `{parts}`, the rows of `of_accounts_sql`."""
    return """
        select alone.id, one, two, three
        from {sums} as alone left join {linked} as linked on alone.id = linked.account where linked.account is null
        union all
        select person as id, cast(sum(one) as bigint), cast(sum(two) as bigint), cast(sum(three) as bigint)
        from {parts} as parts group by person
    """


def rows_sql(day: date, version: str) -> str:
    """SQL for the rows of `influence_by_account` of a day and a methodology's version, from `{parts}`, rows of
    `of_accounts_sql`, and `{known}` (id, handle)."""
    reals = ", ".join(
        f"{real_sql(units)} as {name}"
        for name, units in (
            ("influence", "(one + two + three)"), ("direct", "one"), ("second", "two"), ("third", "three")
        )
    )  # fmt: skip
    return f"""
        select date '{day}' as day, '{version}' as methodology, person as person_id, id as account_id,
            split_part(id, ':', 1) as platform, handle, {is_simulated_sql("id")} as simulated, {reals}
        from {{parts}} left join {{known}} using (id)
    """


def is_simulated_sql(id: str) -> str:
    """SQL for whether a person's or an account's id is of the bundled simulation."""
    return f"left({id}, {len(SIMULATED_PREFIX)}) = '{SIMULATED_PREFIX}'"
