"""A methodology: all constants of the score and of the measures beside it, from `schemas/methodologies/VERSION.yaml`."""

import hashlib
import json
from dataclasses import fields
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from schemas.faults import described
from schemas.kinds import INTERACTIONS
from schemas.versions import FOLDER, MethodologyError, versions

DEFAULT_PLATFORM = "default"

Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="forbid"))
class Methodology:
    """The constants of the score and of the measures beside it. The YAML files document each field.

    A field that was added later has a default: the value that earlier versions were computed with.
    """

    version: str
    equations: Literal[1, 2]
    half_life_days: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    lookback_days: Annotated[int, Field(ge=1, le=3660)]
    kind_weights: dict[str, Weight]
    platform_weights: dict[str, Weight]
    rest_weight: Weight
    damping: Annotated[float, Field(gt=0, le=1)]
    rounds: Annotated[int, Field(ge=1, le=3)]
    resolution: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    full_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    answer_days: Annotated[int, Field(ge=0, le=61)] = 7  # fewer than the days of a column (`jobs.score.measures`)
    min_inbound: Annotated[int, Field(ge=1, le=1_000_000)] = 5

    @field_validator("kind_weights")
    @classmethod
    def _in_order_of_specificity(cls, weights: dict[str, float]) -> dict[str, float]:
        if list(weights) != list(INTERACTIONS):
            raise ValueError(f"expected {list(INTERACTIONS)} in this order")
        if list(weights.values()) != sorted(weights.values(), reverse=True):
            raise ValueError(
                "a less specific kind outweighs a more specific one, so another report of an act could lower its weight"
            )
        return weights

    @field_validator("platform_weights")
    @classmethod
    def _has_default(cls, weights: dict[str, float]) -> dict[str, float]:
        if DEFAULT_PLATFORM not in weights:
            raise ValueError(f"expected an entry `{DEFAULT_PLATFORM}`")
        return weights

    @field_validator("full_scale")
    @classmethod
    def _above_resolution(cls, full_scale: float, others: ValidationInfo) -> float:
        if full_scale <= others.data.get("resolution", 0):
            raise ValueError("expected more than resolution")
        return full_scale

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the parsed values, so comments and spacing may change. A field with its default value is left out, so a
        version under which scores exist keeps its fingerprint when a field is added."""
        values = ((field, getattr(self, field.name)) for field in fields(self))
        stated = {field.name: value for field, value in values if value != field.default}
        return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()

    def platform_weight(self, platform: str) -> float:
        """The platform's weight; that of `default` if the platform is not named."""
        return self.platform_weights.get(platform, self.platform_weights[DEFAULT_PLATFORM])

    def first_day(self, day: date) -> date:
        """First day of the window that ends with `day`."""
        return day - timedelta(days=self.lookback_days - 1)


def parse(text: str) -> Methodology:
    """Reads a methodology from YAML. Raises `MethodologyError` naming every unknown or missing key and every value of a wrong
    type or out of range. Only a field with a default may be left out."""
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        raise MethodologyError("a methodology is a mapping of names to values")
    try:
        return Methodology(**{str(key): value for key, value in values.items()})
    except ValidationError as error:
        raise MethodologyError(f"methodology {values.get('version', '?')}: {described(error)}") from error


@cache
def load(version: str, folder: Path = FOLDER) -> Methodology:
    """The methodology of that version. Raises `MethodologyError` if it does not exist, naming the versions that do."""
    if version not in versions(folder):
        raise MethodologyError(f"methodology {version!r} is unknown; known: {', '.join(versions(folder)) or 'none'}")
    methodology = parse((folder / f"{version}.yaml").read_text(encoding="utf-8"))
    if methodology.version != version:
        raise MethodologyError(f"{version}.yaml names version {methodology.version!r}, expected {version!r}")
    return methodology
