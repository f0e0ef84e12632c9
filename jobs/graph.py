"""Who spends how much attention on whom, as one published score stood on it: DuckDB over the window, without a JVM.

The equations are `jobs.attention`'s own text. DuckDB and the JVM may differ in the last bit of a logarithm, so shares may in
their last unit of 2^-36: influence agrees with what was published to 1e-8 of max(1, influence).
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs import attention, counted, publish, restatements, runs
from jobs.errors import CloutError
from jobs.storage import Warehouse
from jobs.window import covered_days, days_between
from schemas.accounts import ACCOUNTS
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import Methodology
from schemas.runs import RUNS
from schemas.table import Table

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What a score was computed from: its day and methodology, and the versions of the tables that were read."""

    day: date
    methodology: Methodology
    engagement: int
    coverage: int
    accounts: int

    @property
    def first_day(self) -> date:
        return self.methodology.first_day(self.day)

    def covered(self, warehouse: Warehouse) -> dict[str, set[date]]:
        """Platform -> its covered days of the window."""
        return covered_days(warehouse, self.first_day, self.day, self.coverage)


def published_basis(warehouse: Warehouse, day: date, methodology: Methodology) -> Basis:
    """What the published scores of the day stand on, as `runs` tells it. Raises where the day is not published."""
    found = warehouse.read(RUNS, {"day": day, "status": runs.DONE}).sort_by("started_at").to_pylist()
    mine = [row | {"parameters": json.loads(row["parameters"])} for row in found]
    mine = [row for row in mine if row["parameters"].get("methodology") == methodology.version]
    made = [row for row in mine if row["job"] in (publish.PUBLISH, publish.UNPUBLISH, publish.RESTORE)]
    stands = restatements.standing(made)
    if stands is None:
        raise CloutError(f"scores {day} ({methodology.version}): not published, so there is nothing to explain")
    scored = next((row for row in mine if row["run_id"] == stands["parameters"].get("influence_run")), None)
    if scored is None:
        raise CloutError(
            f"scores {day} ({methodology.version}): `runs` does not tell what they were computed from; score and publish the"
            " day again, then ask again"
        )
    inputs = json.loads(scored["inputs"])
    return Basis(
        day=day,
        methodology=methodology,
        engagement=inputs[ENGAGEMENT.name],
        coverage=inputs[COVERAGE.name],
        accounts=inputs[ACCOUNTS.name],
    )


def prepare(db: "duckdb.DuckDBPyConnection", warehouse: Warehouse, basis: Basis, name: str) -> None:
    """Makes the tables `saturated_NAME` (day, platform, src, dst, saturated) and `spread_NAME` (src, dst, weight, spent,
    credibility, a). Raises where files of a version that was read then are gone."""
    days = days_between(basis.first_day, basis.day)
    factors = attention.decay_factors(days, basis.covered(warehouse), basis.day, basis.methodology)
    in_window = (pc.field("day") >= basis.first_day) & (pc.field("day") <= basis.day)
    db.execute("create or replace macro rint(x) as round_even(x, 0)")
    db.register(
        f"engagement_{name}", _there(ENGAGEMENT, warehouse.dataset(ENGAGEMENT, basis.engagement), in_window, basis)
    )
    observed = counted.rows(warehouse, ACCOUNTS, basis.accounts, basis.coverage, last_day=basis.day)
    db.register(f"accounts_{name}", _there(ACCOUNTS, observed, None, basis))
    db.register(f"factors_{name}", attention.decay_table(factors, basis.methodology))
    saturated = attention.saturated_sql(basis.methodology).format(engagement=acts_of(basis, name))
    db.execute(f"create temp table saturated_{name} as {saturated}")
    newest = f"({attention.newest_accounts_sql(basis.day).format(accounts=f'accounts_{name}')})"
    doubted = f"({attention.CREDIBILITY_SQL.format(accounts=newest)})"
    weights = attention.weights_sql(f"from saturated_{name}", basis.methodology).format(factors=f"factors_{name}")
    spread = attention.attention_sql(basis.methodology).format(weights=f"({weights})", doubted=doubted)
    db.execute(f"create temp table spread_{name} as select src, dst, weight, spent, credibility, a from ({spread})")


def acts_of(basis: Basis, name: str) -> str:
    """The window's rows of `engagement_NAME`, as a query in brackets."""
    return f"(select * from engagement_{name} where day between date '{basis.first_day}' and date '{basis.day}')"


def _there(table: Table, found: ds.Dataset, asked: pc.Expression | None, basis: Basis) -> ds.Dataset:
    """These rows of the table. Raises where their files are gone."""
    try:
        for fragment in found.get_fragments(asked):
            fragment.ensure_complete_metadata()
    except FileNotFoundError as error:
        raise CloutError(
            f"scores {basis.day} ({basis.methodology.version}): files of {table.name} that they were computed from are gone"
            " (vacuum, erasure); score and publish the day again, then ask again"
        ) from error
    return found


def around(db: "duckdb.DuckDBPyConnection", edges: str, person: str) -> pa.Table:
    """The rows of `edges` (src, dst, ...) that influence on the person can come by: those that end at the person or at most
    two steps before, in order of (src, dst). No edge beyond them changes a message that reaches the person."""
    return db.sql(
        f"""
        with first as (select distinct src as id from {edges} where dst = $1),
            second as (select distinct src as id from {edges} where dst in (from first))
        select * from {edges} where dst = $1 or dst in (from first) or dst in (from second) order by src, dst
        """,
        params=[person],
    ).to_arrow_table()
