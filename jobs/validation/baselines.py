"""What predicts what happens next: scores, and the baselines that a sceptic would use. Reads only tables of
`jobs.validation.reading.past`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

from schemas.fixed_point import SCALE
from schemas.validations import BASELINES

HALF_LIFE_DAYS = 2  # of `faded_acts`
DAMPING = 0.85
ROUNDS = 100  # a round leaves at most 0.85 of the error of the round before, and 0.85^100 is below 1e-7
DIGITS = 9  # of PageRank in units of its mean: people whose places in the graph are alike get equal values


@dataclass(frozen=True)
class Predicted:
    """People with whom somebody engaged, in order of `person_id`, and one value per person and predictor, NaN if unknown."""

    people: pa.Table  # person_id, platform, simulated
    values: dict[str, np.ndarray]


def predicted(db: DuckDBPyConnection, versions: Sequence[str]) -> Predicted:
    """The values of the scores (`versions`, in the order of the columns of `scored`) and of the baselines."""
    # Whole units, as scores are added: a sum of doubles would depend on the order of rows.
    faded = f"sum(act_count * cast(round({SCALE!r} * pow(2, -age / {HALF_LIFE_DAYS}.0)) as bigint))"
    db.execute(f"""
        create table pairs as
        select src, dst, sum(act_count) as acts, {faded} as faded_acts from acts group by src, dst
    """)
    db.execute("""
        create table people as
        select row_number() over (order by person_id) - 1 as number, person_id from (
            select person_id from scored union select src from pairs union select dst from pairs
        )
    """)
    edges = db.sql("""
        select s.number as src, d.number as dst, acts
        from pairs join people as s on s.person_id = src join people as d on d.person_id = dst order by 1, 2
    """).to_arrow_table()
    src, dst, acts = (edges[name].to_numpy().astype(np.int64) for name in ("src", "dst", "acts"))
    count = db.sql("select count(*) from people").fetchall()[0][0]
    scores = ", ".join(f"score_{number}" for number in range(len(versions)))
    found = db.sql(f"""
        with received as (
            select dst as person_id, count(*) as engagers, sum(acts) as acts, sum(faded_acts) as faded_acts
            from pairs group by dst
        )
        select number, person_id, platform, simulated, {scores}, engagers, acts, faded_acts, follower_count as followers
        from scored join received using (person_id) join people using (person_id) left join followers using (person_id)
        order by person_id
    """).to_arrow_table()
    number = found["number"].to_numpy()
    values = {version: _numbers(found[f"score_{number}"]) for number, version in enumerate(versions)}
    ranks = {
        "pagerank": pagerank(src, dst, acts.astype(float), count)[number],
        "pagerank_unweighted": pagerank(src, dst, np.ones(len(acts)), count)[number],
    }
    values |= {name: ranks[name] if name in ranks else _numbers(found[name]) for name in BASELINES}
    return Predicted(found.select(["person_id", "platform", "simulated"]), values)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.float64()).to_numpy()  # null becomes NaN


def pagerank(src: np.ndarray, dst: np.ndarray, weight: np.ndarray, people: int) -> np.ndarray:
    """PageRank of every person, in units of its mean, rounded to `DIGITS` decimals.

    A person hands `DAMPING` of what they hold to those they engage with, in proportion to `weight`; a person who engages with
    nobody hands it to all people in equal parts. Everybody hands the rest to all people in equal parts. `src`, `dst`: numbers
    below `people`, one per pair.
    """
    spent = np.bincount(src, weight, people)
    share = weight / spent[src]
    rests = spent == 0
    rank = np.ones(people)
    for _ in range(ROUNDS):
        handed = np.bincount(dst, share * rank[src], people)
        rank = 1 - DAMPING + DAMPING * (handed + rank[rests].sum() / max(1, people))
    return np.round(rank, DIGITS)
