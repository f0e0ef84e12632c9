"""Evidence that accounts are one person -> connected components and their ids.

Uses no NumPy, because `clout show` must start without loading it.
"""

from collections.abc import Iterable
from datetime import date
from itertools import compress

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from schemas.links import BY_BOTH, STATEMENTS

# One row (a, b, since, holds) per pair of account numbers that was linked up to the day. `said` is 1 if account a gave the
# evidence and 2 if account b did; it is 0 for evidence of the kinds `STATEMENTS`, which links by itself.
_PAIRS = """
    with evidence as (
        select a, b, kind, first_seen, said, arg_max(until, recorded_at) as until
        from links where first_seen <= $day group by all
    ), linked as (
        select a, b, first_seen, until from evidence where kind in (select unnest($statements))
        union all
        select one.a, one.b, greatest(one.first_seen, other.first_seen), least(one.until, other.until)
        from evidence as one join evidence as other using (a, b, kind)
        where one.said = 1 and other.said = 2 and kind in (select unnest($by_both))
    )
    select a, b, min(first_seen) as since, bool_or(until > $day) as holds
    from linked where until > first_seen group by all
"""
_ENDLESS = date.max

# One row (account, person, account_count) per account whose component has several accounts.
_PEOPLE = """
    with ends as (
        select a as number, since from pairs union all select b, since from pairs
    ), linked as (
        select number, min(since) as since from ends group by number
    )
    select account, first_value(account) over component as person,
        count(*) over (partition by label) as account_count
    from named join linked using (number)
    window component as (partition by label order by since, account)
    qualify account_count > 1 order by account
"""


def resolved(
    db: duckdb.DuckDBPyConnection, evidence: pa.Table, day: date, max_accounts: int
) -> tuple[pa.Table, pa.Table]:
    """The people with several accounts on the UTC day, by these rows of `links`, as two tables. The first holds (account,
    person) of components of at most `max_accounts` accounts, in order of account. The second holds (person, account_count) of
    larger components. `db` is a scratch database."""
    names, numbered = _numbered(evidence)
    db.register("links", numbered)
    kinds = {"statements": list(STATEMENTS), "by_both": list(BY_BOTH)}
    pairs = db.sql(_PAIRS, params={"day": day, **kinds}).to_arrow_table()
    ends = zip(pairs["a"].to_pylist(), pairs["b"].to_pylist(), strict=True)
    label = joined(compress(ends, pairs["holds"].to_pylist()), len(names))
    db.register("pairs", pairs)
    db.register(
        "named", pa.table({"account": names, "label": label, "number": pa.array(range(len(names)), pa.int32())})
    )
    people = db.sql(_PEOPLE).to_arrow_table()
    few = pc.field("account_count") <= max_accounts
    is_id = pc.field("account") == pc.field("person")
    return (
        people.filter(few).select(["account", "person"]),
        people.filter(~few & is_id).select(["person", "account_count"]),
    )


def _numbered(evidence: pa.Table) -> tuple[pa.Array, pa.Table]:
    """The names of the accounts, and the evidence with account numbers, which take less memory than names. An account's number
    is its index in the names."""
    ends = [evidence[name] for name in ("account_a", "account_b")]
    coded = pa.chunked_array([*ends[0].chunks, *ends[1].chunks], pa.string()).combine_chunks().dictionary_encode()
    said = [pc.equal(evidence["said_by"], end).cast(pa.int8()) for end in ends]
    is_statement = pc.is_in(evidence["kind"], pa.array(STATEMENTS))
    columns = {
        "a": coded.indices[: len(evidence)],
        "b": coded.indices[len(evidence) :],
        "said": pc.if_else(
            is_statement, pa.scalar(0, pa.int8()), pc.add(said[0], pc.multiply(said[1], pa.scalar(2, pa.int8())))
        ),
        "until": evidence["until"].fill_null(pa.scalar(_ENDLESS)),
        **{name: evidence[name] for name in ("kind", "first_seen", "recorded_at")},
    }
    return coded.dictionary, pa.table(columns)


def joined(pairs: Iterable[tuple[int, int]], count: int) -> pa.Array:
    """For each of the numbers below `count`, the least number of its connected component. Each of the `pairs` connects two
    numbers.

    Each tree of the forest hangs below its least number; paths are halved on the way (Tarjan and van Leeuwen, "Worst-case
    analysis of set union algorithms", Journal of the ACM 31, 1984).
    """
    above = list(range(count))
    for one, other in pairs:
        while one != other:
            if one < other:
                one, other = other, one
            up = above[one]
            if up == one:
                above[one] = other
                break
            above[one], one = above[up], up
    for number in range(count):  # the number above is smaller, so its own entry is already final
        above[number] = above[above[number]]
    return pa.array(above, pa.int32())
