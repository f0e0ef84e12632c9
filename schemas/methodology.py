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

FOLDER = Path(__file__).parent / "methodologies"
IN_FORCE = "in_force.yaml"
DEFAULT_PLATFORM = "default"


class MethodologyError(ValueError):
    """A methodology that is unknown, malformed or out of range. The message names every fault."""


Weight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(strict=True, extra="forbid"))
class Methodology:
    """The constants of the score and of the measures beside it. The YAML files document each field.

    A field that was added later has a default: the value that earlier versions were computed with.
    """

    version: str
    equations: Literal[1]
    half_life_days: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    lookback_days: Annotated[int, Field(ge=1, le=3660)]
    kind_weights: dict[str, Weight]
    platform_weights: dict[str, Weight]
    rest_weight: Weight
    damping: Annotated[float, Field(gt=0, le=1)]
    rounds: Annotated[int, Field(ge=1, le=3)]
    resolution: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    full_scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    answer_days: Annotated[int, Field(ge=0, le=3660)] = 7
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


def versions(folder: Path = FOLDER) -> list[str]:
    """The versions that the folder holds, sorted, whether or not in force."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.name != IN_FORCE)


@cache
def load(version: str, folder: Path = FOLDER) -> Methodology:
    """The methodology of that version. Raises `MethodologyError` if it does not exist, naming the versions that do."""
    if version not in versions(folder):
        raise MethodologyError(f"methodology {version!r} is unknown; known: {', '.join(versions(folder)) or 'none'}")
    methodology = parse((folder / f"{version}.yaml").read_text(encoding="utf-8"))
    if methodology.version != version:
        raise MethodologyError(f"{version}.yaml names version {methodology.version!r}, expected {version!r}")
    return methodology


@dataclass(frozen=True)
class InForce:
    """A version and the inclusive days for which it is official; `last_day` is None while it is in force."""

    version: str
    first_day: date
    last_day: date | None


@cache
def in_force(folder: Path = FOLDER) -> tuple[InForce, ...]:
    """The official versions in order of time. Raises `MethodologyError` unless days ascend and versions exist."""
    entries = yaml.safe_load((folder / IN_FORCE).read_text(encoding="utf-8")) or []
    if not all(isinstance(entry, dict) and set(entry) == {"version", "from"} for entry in entries):
        raise MethodologyError(f"{IN_FORCE}: expected a list of `version` and `from`, found {entries}")
    days = [entry["from"] for entry in entries]
    if not all(type(day) is date for day in days) or days != sorted(set(days)):
        raise MethodologyError(f"{IN_FORCE}: expected ascending, distinct days, found {days}")
    named = [entry["version"] for entry in entries]
    if len(set(named)) != len(named):
        raise MethodologyError(f"{IN_FORCE}: a version is official once, found {named}")
    for version in named:
        load(version, folder)
    ends = [*(day - timedelta(days=1) for day in days[1:]), None][: len(days)]
    return tuple(InForce(entry["version"], day, end) for entry, day, end in zip(entries, days, ends, strict=True))


def official(day: date, folder: Path = FOLDER) -> str:
    """The version that is official for that day. Raises `MethodologyError` if there is none."""
    for entry in in_force(folder):
        if entry.first_day <= day and (entry.last_day is None or day <= entry.last_day):
            return entry.version
    raise MethodologyError(f"no methodology is official on {day}; see schemas/methodologies/{IN_FORCE}")
