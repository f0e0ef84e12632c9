"""scores of two days -> score_changes: why everybody's score is not what it was.

Reads what both published days stand on (`engagement`, `coverage`, `accounts` at the versions that were read then); replaces
(methodology, day, since_day) of `score_changes` and nothing else. Runs on request, never as part of a night.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs import graph, reasons, runs
from jobs.engines import memory
from jobs.errors import CloutError
from jobs.graph import Basis
from jobs.runs import Batch
from jobs.scratch import scratch
from jobs.sensitivity import CODES, METHODOLOGY
from jobs.storage import Warehouse
from schemas import arrow
from schemas.fixed_point import UNIT
from schemas.methodology import Methodology
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES

JOB = "score_changes"

# What fixed point keeps, relative to max(1, influence).
TOLERANCE = 1e-8
DUST = 1e-12  # accounts' worth, below the last unit of fixed point: what doubles leave where nothing moved


@dataclass(frozen=True, kw_only=True)
class Params:
    """The later and the earlier day, and the methodology under which each was published."""

    day: date
    methodology: Methodology
    since_day: date
    since_methodology: Methodology

    def __post_init__(self) -> None:
        if not self.since_day < self.day:
            raise CloutError(f"score_changes {self.day}: the earlier day must lie before it, found {self.since_day}")


@dataclass(frozen=True)
class Published:
    """What was published of some people on both days, 0 where they had no row. Arrays in one order."""

    old_influence: np.ndarray
    influence: np.ndarray
    old_score: np.ndarray
    score: np.ndarray

    @classmethod
    def read(cls, warehouse: Warehouse, params: Params, people: pa.Array) -> "Published":
        found = []
        for day, methodology in ((params.since_day, params.since_methodology), (params.day, params.methodology)):
            partition = {"methodology": methodology.version, "day": day}
            rows = warehouse.read(SCORES, partition, columns=["person_id", "influence", "score"])
            place = pc.index_in(people, value_set=rows["person_id"].combine_chunks())
            found.append([rows[name].take(place).fill_null(0.0).to_numpy() for name in ("influence", "score")])
        (old_influence, old_score), (influence, score) = found
        return cls(old_influence, influence, old_score, score)

    def points(self, methodology: Methodology) -> np.ndarray:
        """Points that one account's worth of the change is: change of score over change of influence, its derivative where
        influence did not change."""
        moved = self.influence - self.old_influence
        steepness = 100 / np.log1p(methodology.full_scale / methodology.resolution)
        slope = np.where(self.score < 100, steepness / (methodology.resolution + self.influence), 0.0)
        return np.where(moved == 0, slope, (self.score - self.old_score) / np.where(moved == 0, 1.0, moved))


def bases(warehouse: Warehouse, params: Params) -> tuple[Basis, Basis]:
    """What both days' published scores stand on."""
    return (
        graph.published_basis(warehouse, params.since_day, params.since_methodology),
        graph.published_basis(warehouse, params.day, params.methodology),
    )


def influence_of(src: np.ndarray, dst: np.ndarray, share: np.ndarray, accounts: int, rounds: int) -> np.ndarray:
    """Everybody's influence by these shares (doubles), in accounts' worth."""
    a = np.rint(share / UNIT).astype(np.int64)
    return np.sum(memory.influence(src, dst, a, accounts, rounds).sums, axis=0) * UNIT


def refuse_other_data(computed: np.ndarray, published: np.ndarray, what: str) -> None:
    """Raises where what is explained is not what was published."""
    far = np.abs(computed - published) > TOLERANCE * np.maximum(1, published)
    if far.any():
        raise CloutError(
            f"{what}: {far.sum()} people's influence, computed again, is not what was published; score the day again, then"
            " explain it"
        )


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Splits everybody's change. Raises where one of the days is not published, or its old files are gone."""
    given = {"methodology": params.methodology.version, "since_methodology": params.since_methodology.version}
    with runs.recorded(warehouse, JOB, params.day, batch, since_day=params.since_day, **given) as row:
        old, new = bases(warehouse, params)
        with scratch() as db:
            reasons.prepare_change(db, warehouse, replace(old, methodology=new.methodology), new)
            changes = reasons.pulled(db, new)
        published = Published.read(warehouse, params, changes.people)
        parts = reasons.of_everybody(changes)
        restated = _other_methodology(changes, published, params)
        parts[:, METHODOLOGY] = restated
        refuse_other_data(published.old_influence + parts.sum(axis=1), published.influence, f"scores {params.day}")
        found = table(changes.people, parts, published.points(params.methodology), given["methodology"], params)
        partition = {"methodology": params.methodology.version, "day": params.day, "since_day": params.since_day}
        warehouse.replace(SCORE_CHANGES, found, partition, run_id=row.id, job=JOB)
        row.counts["people"] = len(pc.unique(found["person_id"]))
    return row.counts


def _other_methodology(changes: reasons.Changes, published: Published, params: Params) -> np.ndarray:
    """What the same acts of the earlier day count for under the later day's methodology, less what they counted then."""
    edges, change = changes.graph, changes.change
    again = influence_of(edges.src, edges.dst, change.old_share, len(changes.people), params.methodology.rounds)
    if params.methodology == params.since_methodology:
        refuse_other_data(again, published.old_influence, f"scores {params.since_day}")
        return np.zeros(len(again))
    return again - published.old_influence


def table(people: pa.Array, parts: np.ndarray, points: np.ndarray, methodology: str, params: Params) -> pa.Table:
    """One row per person and reason that moved anything. `parts`: shape (people, reasons), in accounts' worth."""
    who, why = np.nonzero(np.abs(parts) > DUST)
    part = parts[who, why]
    columns: Mapping[str, pa.Array] = {
        "day": pa.repeat(pa.scalar(params.day), len(who)),
        "methodology": pa.repeat(pa.scalar(methodology), len(who)),
        "since_day": pa.repeat(pa.scalar(params.since_day), len(who)),
        "person_id": people.take(pa.array(who)),
        "reason": pa.array(CODES).take(pa.array(why)),
        "points": pa.array(part * points[who]),
        "influence": pa.array(part),
    }
    return pa.table(columns).cast(arrow.schema(SCORE_CHANGES))
