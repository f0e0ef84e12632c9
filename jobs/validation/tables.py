"""What predictors said and what happened -> a validation: figures of all people and of each platform, and its table. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pyarrow as pa

from jobs import small_groups
from jobs.errors import CloutError, UsageError
from jobs.validation.baselines import Predicted
from jobs.validation.figures import Figure, figures
from schemas import arrow
from schemas.methodology import Methodology
from schemas.validations import EVERY_PLATFORM, OUTCOMES, SCORE, VALIDATIONS


@dataclass(frozen=True, kw_only=True)
class Params:
    """The UTC day of the scores, their methodologies, the number of days after it, and the outcome. Raises `UsageError` if one
    of them is impossible."""

    day: date
    methodologies: tuple[Methodology, ...]
    ahead: int
    outcome: str

    def __post_init__(self) -> None:
        if self.outcome not in OUTCOMES:
            raise UsageError(f"outcome {self.outcome!r} is unknown; known: {', '.join(OUTCOMES)}")
        twice = [version for version, count in Counter(self.versions).items() if count > 1]
        if twice:
            raise UsageError(f"methodology {twice[0]} is named twice")

    @property
    def versions(self) -> tuple[str, ...]:
        """The versions of the methodologies."""
        return tuple(methodology.version for methodology in self.methodologies)

    @property
    def first_day(self) -> date:
        """First day of the longest of the methodologies' windows."""
        return min(methodology.first_day(self.day) for methodology in self.methodologies)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """The people of one platform (`EVERY_PLATFORM`: of all) with whom somebody had engaged, and their figures."""

    name: str
    people: int
    with_outcome: int | None  # None if too few people had or lacked it
    covered_days: int  # among the days after the day; for all platforms together, the largest number of one platform
    figures: tuple[Figure, ...]

    def figure(self, predictor: str, name: str, leader: str = "") -> Figure | None:
        """The figure of that predictor; None if it has none."""
        wanted = (predictor, name, leader)
        return next((each for each in self.figures if (each.predictor, each.name, each.leader) == wanted), None)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """All people together, then each platform if there are several.

    `reached` is the share of the whole outcome that these people received; NaN if nobody received any. `recorded` holds the
    first methodology's rows of `validations`, for the same `ahead` and outcome.
    """

    params: Params
    platforms: tuple[Platform, ...]
    reached: float
    simulated: bool
    recorded: pa.Table

    @property
    def whole(self) -> Platform:
        """All people together."""
        return self.platforms[0]

    @property
    def predictors(self) -> list[str]:
        """The predictors that have figures, methodologies first."""
        return list(dict.fromkeys(figure.predictor for figure in self.whole.figures))


def platforms(
    predicted: Predicted, received: np.ndarray, covered_days: Mapping[str, int], params: Params
) -> Iterator[Platform]:
    """Yields the figures of all people, then those of each platform if there are several. `received`: the outcome, one number
    per person. Leaves out the people of platforms without a covered day: nothing is known of what happened to them."""
    platform = np.array(predicted.people["platform"].to_pylist(), dtype=object)
    known = np.isin(platform, list(covered_days))
    names = sorted(set(platform[known]))
    groups = {EVERY_PLATFORM: known} | ({name: platform == name for name in names} if len(names) > 1 else {})
    for name, chosen in groups.items():
        values = {predictor: each[chosen] for predictor, each in predicted.values.items()}
        seed = f"{params.day} {params.ahead} {params.outcome} {name}"
        yield Platform(
            name=name,
            people=int(chosen.sum()),
            with_outcome=int((received[chosen] > 0).sum()),
            covered_days=max(covered_days.values()) if name == EVERY_PLATFORM else covered_days[name],
            figures=tuple(figures(values, received[chosen], seed, params.versions)),
        )


def shown(of: Sequence[Platform], min_group: int) -> Iterator[Platform]:
    """Yields the first of the platforms, which is everybody, and the others that are large enough (`jobs.small_groups`). Leaves
    out figures of parts of too few people, such as tenths. Raises `CloutError` if there are fewer than `min_group` people in
    all."""
    everybody, *others = of
    if everybody.people < min_group:
        raise CloutError(f"{everybody.people} people, fewer than min_group ({min_group}), so no figures are shown")
    large = small_groups.large([each.people for each in others], min_group)
    for each, is_shown in zip(of, [True, *large], strict=True):
        if is_shown:
            figures = tuple(figure for figure in each.figures if figure.people_in_part >= min_group)
            had = each.with_outcome or 0
            is_few = 0 < had < min_group or 0 < each.people - had < min_group
            yield replace(each, figures=figures, with_outcome=None if is_few else had)


def rows(validation: Validation, version: str) -> pa.Table:
    """The rows of `validations` for one of the methodologies: the figures of its score and of the baselines."""
    params = validation.params
    about = {"day": params.day, "methodology": version, "ahead": params.ahead, "outcome": params.outcome}
    others = set(params.versions) - {version}
    records = [
        about
        | {"platform": platform.name, "predictor": SCORE if each.predictor == version else each.predictor}
        | {"figure": each.name, "people": each.people}
        | {name: None if np.isnan(getattr(each, name)) else getattr(each, name) for name in ("value", "low", "high")}
        for platform in validation.platforms
        for each in platform.figures
        if each.predictor not in others and each.leader in ("", version)
    ]
    return pa.Table.from_pylist(records, arrow.schema(VALIDATIONS))
