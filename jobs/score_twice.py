"""Scores one day under two methodologies before either is published: who would move, and why.

Reads the windows' days of `engagement`, `coverage` and the newest `accounts`, as `jobs.influence` does. It writes no table and
records no run, because nothing changes that a reader could see.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from pyspark import StorageLevel
from pyspark.sql import functions as F

from jobs import influence, monthly_weights, score_inputs
from jobs.comparison import movers, tables
from jobs.comparison.tables import Comparison, Params
from jobs.engines import AUTO, choice
from jobs.errors import CloutError
from jobs.people.admission import Admission
from jobs.score import linked
from jobs.score.attention import fixed_sql, kinds_sql, real_sql
from jobs.score.fading import decay_factors, decay_table
from jobs.score_inputs import Inputs
from jobs.scratch import scratch
from jobs.warehouse import methodologies
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def run(
    session: "SparkSession",
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
    scored: list[tuple[Inputs, DataFrame]] = []
    with scratch() as db, ExitStack() as ended:
        for side, methodology in (("before", params.against), ("after", params.methodology)):
            methodologies.refuse_changed(warehouse, methodology)
            window = counted_window(warehouse, params.day, methodology)
            found = score_inputs.read(session, warehouse, window, monthly_weights.matching(warehouse, window))
            spread = found.spread()
            ended.callback(spread.persist(StorageLevel.MEMORY_AND_DISK).unpersist)
            sums = choice.chosen(engine, choice.measured(spread)).sums(spread, methodology.rounds)
            people = influence.everybody(found, sums, spread, found.parts(sums, spread))
            tables.load(db, side, people.select(*tables.COLUMNS).toArrow())
            sums.unpersist()
            scored.append((found, spread))
        if scored[0][0].window.snapshot != scored[1][0].window.snapshot:
            raise CloutError(
                f"compare {params.day}: the window was pulled or counted again during the run; run it again"
            )
        tables.pair(db)
        tables.name(db, admission.admitted(tables.people(db)))
        largest = movers.largest(db, params.against, params.methodology)
        kinds = [direct_by_kind(*one, largest["person_id"].to_pylist()).toArrow() for one in scored]
        if people_to:
            tables.write_people(db, people_to)
        return tables.compared(db, params.against, params.methodology, movers.explained(largest, *kinds), min_group)


def direct_by_kind(found: Inputs, spread: "DataFrame", people: list[str]) -> "DataFrame":
    """(person_id, kind, units): the `direct` of these people, as multiples of 2^-36, by the kind of act that brought it. A
    pair's share is split in proportion to its weight. Acts on one's own accounts count for nothing."""
    window = found.window
    factors = decay_table(decay_factors(window.days, window.covered, window.day, window.methodology))
    owned = found.people.by_person()
    theirs = F.col("dst").isin([account for person in people for account in owned.get(person, [person])])
    return spread.sparkSession.sql(
        f"""
        with parts as (
            select *, sum(weight) over (partition by src, dst) as whole from ({kinds_sql(window.methodology)})
        )
        select coalesce(target.person, dst) as person_id, kind, sum({fixed_sql(f"{real_sql('a')} * weight / whole")}) as units
        from parts join {{spread}} as spread using (src, dst)
        left join {{linked}} as target on dst = target.account left join {{linked}} as actor on src = actor.account
        where whole > 0 and coalesce(actor.person = target.person, false) = false group by 1, 2
        """,
        engagement=found.engagement.where(theirs), factors=found.session.createDataFrame(factors),
        spread=spread.where(theirs), linked=linked.frame(found.session, found.people.accounts),
    )  # fmt: skip
