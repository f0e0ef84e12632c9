"""Recomputes the shares of attention in the window of a published score, with DuckDB and without a JVM.

The equations are the SQL of `jobs.score.attention`, with the functions of `jobs.backends.duck`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.backends.duck import DuckBackend
from jobs.score import attention
from jobs.score.fading import fading
from jobs.sql import with_totals_sql
from jobs.warehouse import known_accounts
from jobs.warehouse.basis import Basis
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas.engagement import ENGAGEMENT

if TYPE_CHECKING:
    import duckdb


def prepare(db: "duckdb.DuckDBPyConnection", warehouse: Warehouse, basis: Basis, name: str) -> None:
    """Makes two temporary tables: `saturated_NAME` (day, platform, src, dst, saturated) and `spread_NAME` (src, dst, weight,
    spent, credibility, a). `weight`, `spent` and `a` are multiples of 2^-36. Also registers the inputs `engagement_NAME`,
    `doubted_NAME`, `days_NAME` and `months_NAME`. `db` has the functions
    of `jobs.backends.duck`."""
    faded = fading(basis.days, basis.covered, basis.day, basis.methodology)
    window = {"day": Span(basis.first_day, basis.day)}
    db.register(f"engagement_{name}", warehouse.dataset(ENGAGEMENT, window, version=basis.now.engagement))
    db.register(f"doubted_{name}", attention.doubted(known_accounts.at_end_of(basis.day, warehouse, basis.now).bots()))
    db.register(f"days_{name}", faded.days)
    db.register(f"months_{name}", faded.months)
    saturated = attention.saturated_sql(basis.methodology, DuckBackend.log2).format(engagement=acts_of(basis, name))
    db.execute(f"create temp table saturated_{name} as {saturated}")
    weights = attention.weights_sql(basis.methodology, f"from saturated_{name}")
    weights = weights.format(days=f"days_{name}", months=f"months_{name}")
    weights = with_totals_sql(f"({weights})", "src", **attention.SPENT)
    spread = attention.attention_sql(basis.methodology).format(weights=f"({weights})", doubted=f"doubted_{name}")
    db.execute(f"create temp table spread_{name} as select src, dst, weight, spent, credibility, a from ({spread})")


def acts_of(basis: Basis, name: str) -> str:
    """SQL in brackets for the window's rows of `engagement_NAME`."""
    return f"(select * from engagement_{name} where day between date '{basis.first_day}' and date '{basis.day}')"


def around(db: "duckdb.DuckDBPyConnection", edges: str, accounts: Sequence[str]) -> pa.Table:
    """The rows of table `edges` (src, dst, ...) that end at one of the accounts or at most two steps before one, sorted by
    (src, dst). No other edge changes a message that reaches these accounts."""
    return db.sql(
        f"""
        with theirs as (select unnest($1) as id),
            first as (select distinct src as id from {edges} where dst in (from theirs)),
            second as (select distinct src as id from {edges} where dst in (from first))
        select * from {edges} where dst in (from theirs) or dst in (from first) or dst in (from second) order by src, dst
        """,
        params=[list(accounts)],
    ).to_arrow_table()


def as_one(db: "duckdb.DuckDBPyConnection", edges: pa.Table, person: str, accounts: Sequence[str]) -> pa.Table:
    """Rows (src, dst, credibility, a) of `edges`, with the person in place of the person's accounts, sorted by (src, dst). Adds
    up edges that become the same, and omits edges between the person's accounts."""
    db.register("apart", edges)
    return db.sql(
        """
        select src, dst, max(credibility) as credibility, cast(sum(a) as bigint) as a
        from (
            select case when list_contains($2, src) then $1 else src end as src,
                case when list_contains($2, dst) then $1 else dst end as dst, credibility, a
            from apart
        )
        where src <> dst group by src, dst order by src, dst
        """,
        params=[person, list(accounts)],
    ).to_arrow_table()
