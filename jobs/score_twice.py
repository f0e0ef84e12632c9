"""Scores one day under two methodologies before either is published: who would move, and why.

Reads the windows' days of `engagement`, `coverage` and the newest `accounts`, as `jobs.influence` does. It writes no table and
records no run, because nothing changes that a reader could see.
"""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs import influence, monthly_weights, score_inputs
from jobs.backends import Backend, choice
from jobs.comparison import movers, tables
from jobs.comparison.tables import Comparison, Params
from jobs.engines import AUTO
from jobs.errors import CloutError
from jobs.people.admission import Admission
from jobs.score.attention import fixed_sql, kinds_sql, real_sql
from jobs.score.fading import decay_factors, decay_table
from jobs.score_inputs import Inputs
from jobs.scratch import separate
from jobs.sql import T
from jobs.warehouse import methodologies
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window
from schemas.methodology import Methodology

if TYPE_CHECKING:
    import duckdb
    from pyspark.sql import SparkSession


def run(
    session: "Callable[[], SparkSession]",
    warehouse: Warehouse,
    params: Params,
    admission: Admission,
    engine: str = AUTO,
    people_to: Path | None = None,
    min_group: int = 1,
) -> Comparison:
    """Scores the day under both methodologies with the named engine, and compares them. Names only people whom `admission`
    admits; the figures are everybody's. `people_to`: a Parquet file for the two scores of those people, or None. `min_group`:
    figures of fewer people are hidden. Raises as `counted_window` and `score_inputs.read` do. Raises `CloutError` if the window
    changed meanwhile, or if fewer than `min_group` people hold attention."""
    read = [_read(warehouse, params.day, methodology) for methodology in (params.against, params.methodology)]
    if read[0].window.snapshot != read[1].window.snapshot:
        raise CloutError(f"compare {params.day}: the window was pulled or counted again during the run; run it again")
    rows = max(found.row_count for found in read)

    def accounts(backend: Backend[T]) -> list[tuple[T, Sequence[str]]]:
        return [held for found in read for held in found.accounts_of(backend)]

    with separate() as db, choice.backend(session, engine, rows, accounts) as backend:
        spreads = [
            _score(backend, db, side, found, engine) for side, found in zip(("before", "after"), read, strict=True)
        ]
        tables.pair(db)
        tables.name(db, admission.admitted(tables.people(db)))
        largest = movers.largest(db, params.against, params.methodology)
        people = largest["person_id"].to_pylist()
        kinds = [
            backend.arrow(direct_by_kind(backend, found, spread, people))
            for found, spread in zip(read, spreads, strict=True)
        ]
        if people_to:
            tables.write_people(db, people_to)
        return tables.compared(db, params.against, params.methodology, movers.explained(largest, *kinds), min_group)


def _read(warehouse: Warehouse, day: date, methodology: Methodology) -> Inputs:
    methodologies.refuse_changed(warehouse, methodology)
    window = counted_window(warehouse, day, methodology)
    return score_inputs.read(warehouse, window, monthly_weights.matching(warehouse, window))


def _score(backend: Backend[T], db: "duckdb.DuckDBPyConnection", side: str, found: Inputs, engine: str) -> T:
    """Loads everybody's scores into the table `side`, and returns the spread of attention."""
    spread = found.spread(backend)
    _, sums = backend.sums(spread, found.window.methodology.rounds, engine, backend.need(spread))
    people = influence.everybody(backend, found, sums, spread, influence.parts(backend, found, sums, spread))
    of_report = backend.query(f"select {', '.join(tables.COLUMNS)} from {{people}}", people=people)
    tables.load(db, side, backend.arrow(of_report))
    return spread


def direct_by_kind(backend: Backend[T], found: Inputs, spread: T, people: list[str]) -> T:
    """(person_id, kind, units): the `direct` of these people, as multiples of 2^-36, by the kind of act that brought it. A
    pair's share is split in proportion to its weight. Acts on one's own accounts count for nothing."""
    window = found.window
    owned = found.people.by_person()
    accounts = pa.array([account for person in people for account in owned.get(person, [person])], pa.string())
    part = fixed_sql(f"{real_sql('a')} * weight / whole")
    direct = backend.query(
        f"""
        with parts as (
            select *, sum(weight) over (partition by src, dst) as whole
            from ({kinds_sql(window.methodology, backend.log2)})
        )
        select coalesce(target.person, dst) as person_id, kind, cast(sum({part}) as bigint) as units
        from parts join {{spread}} as spread using (src, dst)
        left join {{linked}} as target on dst = target.account left join {{linked}} as actor on src = actor.account
        where whole > 0 and coalesce(actor.person = target.person, false) = false group by 1, 2
        """,
        engagement=backend.query(
            "select acts.* from {acts} as acts semi join {theirs} as asked on acts.dst = asked.account",
            acts=found.engagement(backend),
            theirs=backend.numbered(backend.local(pa.table({"account": accounts})), "account"),
        ),
        factors=backend.local(decay_table(decay_factors(window.days, window.covered, window.day, window.methodology))),
        spread=spread,
        linked=backend.numbered(backend.local(found.people.accounts), "account", "person"),
    )
    return backend.named(direct, "person_id")
