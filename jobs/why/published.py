"""Published values of people on two days, shared by `clout explain --since` and the job `score_changes`."""

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.errors import CloutError
from jobs.warehouse.basis import TOLERANCE, Basis, published_basis
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology
from schemas.scores import SCORES

DUST = 1e-11  # accounts' worth, less than the unit 2^-36: a smaller change is rounding of doubles


@dataclass(frozen=True, kw_only=True)
class Params:
    """The later and the earlier UTC day, and the methodology under which each was published. Raises `CloutError` unless
    `since_day` is before `day`."""

    day: date
    methodology: Methodology
    since_day: date
    since_methodology: Methodology
    today: date | None = None  # the UTC day whose consent decides who is named; the present one if None

    def __post_init__(self) -> None:
        if not self.since_day < self.day:
            raise CloutError(f"score_changes {self.day}: the earlier day must be before it, found {self.since_day}")


@dataclass(frozen=True)
class Published:
    """Published values of some people on both days; 0 if a person had no row. All arrays have one entry per person, in the same
    order."""

    old_influence: np.ndarray
    influence: np.ndarray
    old_score: np.ndarray
    score: np.ndarray

    def of(self, chosen: np.ndarray) -> "Published":
        """The values of the chosen people, given as a mask."""
        return Published(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def read(cls, warehouse: Warehouse, params: Params, people: pa.Array) -> "Published":
        """Reads the values of these people, given by `person_id`, from `scores`."""
        columns = []
        for day, methodology in ((params.since_day, params.since_methodology), (params.day, params.methodology)):
            partition = {"methodology": methodology.version, "day": day}
            rows = warehouse.read(SCORES, partition, columns=["person_id", "influence", "score"])
            place = pc.index_in(people, value_set=rows["person_id"].combine_chunks())
            columns.append([rows[name].take(place).fill_null(0.0).to_numpy() for name in ("influence", "score")])
        (old_influence, old_score), (influence, score) = columns
        return cls(old_influence, influence, old_score, score)

    def points(self, params: Params) -> tuple[np.ndarray, np.ndarray]:
        """Two arrays with one entry per person, which convert changes of influence to points.

        The first is points per account's worth: change of score over change of influence, or the derivative of the score if
        influence changed by no more than `TOLERANCE` * max(1, influence). The second is the points by which the later
        methodology's scale changes the earlier score; 0 if the scales are equal.
        """
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


def withheld(warehouse: Warehouse, params: Params) -> pa.Array:
    """The people (`person_id`) who were scored on one of the days and not published, because they had not agreed."""
    of_days = []
    for day, methodology in ((params.since_day, params.since_methodology), (params.day, params.methodology)):
        partition = {"methodology": methodology.version, "day": day}
        scored, published = (
            warehouse.read(table, partition, columns=["person_id"])["person_id"].combine_chunks()
            for table in (INFLUENCE, SCORES)
        )
        if len(scored) > len(published):
            of_days.append(scored.filter(pc.invert(pc.is_in(scored, value_set=published))))
    return pc.unique(pa.concat_arrays([*of_days, pa.array([], pa.string())]))


def bases(warehouse: Warehouse, params: Params) -> tuple[Basis, Basis]:
    """The inputs of the published scores of both days, the earlier day first. Raises the errors of `published_basis`."""
    return (
        published_basis(warehouse, params.since_day, params.since_methodology),
        published_basis(warehouse, params.day, params.methodology),
    )
