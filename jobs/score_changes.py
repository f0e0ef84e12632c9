"""scores of two days -> score_changes: why everybody's score is not what it was.

Reads what both published days were computed from (`engagement`, `coverage`, `accounts`; `jobs.basis` makes sure that they still
hold it); replaces (methodology, day, since_day) of `score_changes` and nothing else. Runs on request, never as part of a night.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs import reasons, runs
from jobs.basis import TOLERANCE, Basis, published_basis, refuse_other_data
from jobs.engines import memory
from jobs.errors import CloutError
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

DUST = 1e-11  # accounts' worth, below the last unit of fixed point: what doubles leave where nothing moved


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

    def points(self, params: Params) -> tuple[np.ndarray, np.ndarray]:
        """Points that one account's worth of the change is: change of score over change of influence, its derivative where
        that is next to nothing; and what the later methodology's scale, if another, makes of the earlier influence."""
        resolution, full_scale = params.methodology.resolution, params.methodology.full_scale
        steepness = 100 / np.log1p(full_scale / resolution)
        rescaled = self.old_score
        if (resolution, full_scale) != (params.since_methodology.resolution, params.since_methodology.full_scale):
            rescaled = np.minimum(100, steepness * np.log1p(self.old_influence / resolution))
        moved = self.influence - self.old_influence
        stays = np.abs(moved) <= TOLERANCE * np.maximum(1, self.influence)
        derivative = np.where(self.score < 100, steepness / (resolution + self.influence), 0.0)
        slope = np.where(stays, derivative, (self.score - rescaled) / np.where(stays, 1.0, moved))
        return slope, rescaled - self.old_score


def bases(warehouse: Warehouse, params: Params) -> tuple[Basis, Basis]:
    """What both days' published scores stand on."""
    return (
        published_basis(warehouse, params.since_day, params.since_methodology),
        published_basis(warehouse, params.day, params.methodology),
    )


def influence_of(src: np.ndarray, dst: np.ndarray, share: np.ndarray, accounts: int, rounds: int) -> np.ndarray:
    """Everybody's influence by these shares (doubles), in accounts' worth."""
    a = np.rint(share / UNIT).astype(np.int64)
    return np.sum(memory.influence(src, dst, a, accounts, rounds).sums, axis=0) * UNIT


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Splits everybody's change. Raises as `published_basis` does for either day."""
    given = {"methodology": params.methodology.version, "since_methodology": params.since_methodology.version}
    with runs.recorded(warehouse, JOB, params.day, batch, since_day=params.since_day, **given) as row:
        old, new = bases(warehouse, params)
        with scratch() as db:
            reasons.prepare_change(db, warehouse, old.under(warehouse, new.methodology), new)
            changes = reasons.pulled(db, new)
        people = _with_published(warehouse, changes.people, params)
        published = Published.read(warehouse, params, people)
        parts = np.zeros((len(people), len(CODES)))
        parts[: len(changes.people)] = reasons.of_everybody(changes)
        again = _earlier_again(changes, published, params)
        if params.methodology == params.since_methodology:
            refuse_other_data(warehouse, old, again, published.old_influence)
        else:
            parts[:, METHODOLOGY] = again - published.old_influence
        refuse_other_data(warehouse, new, published.old_influence + parts.sum(axis=1), published.influence)
        slope, rescaled = published.points(params)
        points = parts * slope[:, None]
        points[:, METHODOLOGY] += rescaled
        found = table(people, parts, points, params)
        partition = {"methodology": params.methodology.version, "day": params.day, "since_day": params.since_day}
        warehouse.replace(SCORE_CHANGES, found, partition, run_id=row.id, job=JOB)
        row.counts["people"] = len(pc.unique(found["person_id"]))
    return row.counts


def _with_published(warehouse: Warehouse, people: pa.Array, params: Params) -> pa.Array:
    """These people, then all others who had a score on the earlier day: their acts may lie before the later methodology's
    window."""
    partition = {"methodology": params.since_methodology.version, "day": params.since_day}
    scored = warehouse.read(SCORES, partition, columns=["person_id"])["person_id"].combine_chunks()
    others = scored.filter(pc.invert(pc.is_in(scored, value_set=people)))
    return pa.concat_arrays([people, others.take(pc.sort_indices(others))])


def _earlier_again(changes: reasons.Changes, published: Published, params: Params) -> np.ndarray:
    """What the acts of the earlier day count for under the later day's methodology. The people of `changes` come first."""
    edges, change = changes.graph, changes.change
    accounts = len(published.old_influence)
    return influence_of(edges.src, edges.dst, change.old_share, accounts, params.methodology.rounds)


def table(people: pa.Array, parts: np.ndarray, points: np.ndarray, params: Params) -> pa.Table:
    """One row per person and reason that moved anything, in accounts' worth and in points: shapes (people, reasons)."""
    moved = np.abs(parts) > DUST
    moved[:, METHODOLOGY] |= np.abs(points[:, METHODOLOGY]) > DUST  # by another scale
    who, why = np.nonzero(moved)
    columns: Mapping[str, pa.Array] = {
        "day": pa.repeat(pa.scalar(params.day), len(who)),
        "methodology": pa.repeat(pa.scalar(params.methodology.version), len(who)),
        "since_day": pa.repeat(pa.scalar(params.since_day), len(who)),
        "person_id": people.take(pa.array(who)),
        "reason": pa.array(CODES).take(pa.array(why)),
        "points": pa.array(points[who, why]),
        "influence": pa.array(parts[who, why]),
    }
    return pa.table(columns).cast(arrow.schema(SCORE_CHANGES))
