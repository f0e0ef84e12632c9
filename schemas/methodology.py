"""A methodology: every number that shapes a score or a measure beside it, from `schemas/methodologies/VERSION.yaml`."""

import hashlib
import json
import math
from dataclasses import MISSING, dataclass, fields
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from schemas.kinds import INTERACTIONS

FOLDER = Path(__file__).parent / "methodologies"
IN_FORCE = "in_force.yaml"
EQUATIONS = (1,)
DEFAULT_PLATFORM = "default"


class MethodologyError(ValueError):
    """A methodology that is unknown, malformed or out of range. The message names every fault."""


@dataclass(frozen=True, kw_only=True)
class Methodology:
    """The constants of the score and of the measures beside it. The YAML files document each field beside its value.

    A field that was added later has a default: the value with which every earlier version was computed, or would have been.
    """

    version: str
    equations: int
    half_life_days: float
    lookback_days: int
    kind_weights: dict[str, float]
    platform_weights: dict[str, float]
    rest_weight: float
    damping: float
    rounds: int
    resolution: float
    full_scale: float
    answer_days: int = 7
    min_inbound: int = 5

    def __post_init__(self) -> None:
        faults = [message for wrong, message in self._rules() if wrong]
        if faults:
            raise MethodologyError(f"methodology {self.version}: " + "; ".join(faults))

    def _rules(self) -> list[tuple[bool, str]]:
        weights = list(self.kind_weights.values())
        return [
            (self.equations not in EQUATIONS, f"equations {self.equations}: expected one of {list(EQUATIONS)}"),
            (not self.half_life_days > 0, f"half_life_days {self.half_life_days}: expected > 0"),
            (not 1 <= self.lookback_days <= 3660, f"lookback_days {self.lookback_days}: expected 1 to 3660"),
            (
                list(self.kind_weights) != list(INTERACTIONS),
                f"kind_weights names {list(self.kind_weights)}: expected {list(INTERACTIONS)} in this order",
            ),
            (any(not 0 <= weight <= 1e6 for weight in weights), "kind_weights: expected 0 to 1e6"),
            (
                weights != sorted(weights, reverse=True),
                "kind_weights: a less specific kind outweighs a more specific one, so that a further report of an act"
                " could lower its weight",
            ),
            (DEFAULT_PLATFORM not in self.platform_weights, f"platform_weights: `{DEFAULT_PLATFORM}` is missing"),
            (any(not 0 <= w <= 1e6 for w in self.platform_weights.values()), "platform_weights: expected 0 to 1e6"),
            (not 0 <= self.rest_weight <= 1e6, f"rest_weight {self.rest_weight}: expected 0 to 1e6"),
            (not 0 < self.damping <= 1, f"damping {self.damping}: expected above 0, at most 1"),
            (not 1 <= self.rounds <= 3, f"rounds {self.rounds}: expected 1 to 3"),
            (
                not 0 < self.resolution < self.full_scale < math.inf,
                "resolution: expected above 0 and below full_scale, which is finite",
            ),
            (not 0 <= self.answer_days <= 3660, f"answer_days {self.answer_days}: expected 0 to 3660"),
            (not 1 <= self.min_inbound <= 1e6, f"min_inbound {self.min_inbound}: expected 1 to 1e6"),
        ]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the parsed values, so comments and spacing may change. A field with its default value is left out, so a
        version under which scores exist keeps its fingerprint when a field is added."""
        values = ((field, getattr(self, field.name)) for field in fields(self))
        told = {field.name: value for field, value in values if value != field.default}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def platform_weight(self, platform: str) -> float:
        return self.platform_weights.get(platform, self.platform_weights[DEFAULT_PLATFORM])

    def first_day(self, day: date) -> date:
        """First day of the window that ends with `day`."""
        return day - timedelta(days=self.lookback_days - 1)


def parse(text: str) -> Methodology:
    """Reads a methodology from YAML. Raises `MethodologyError` on unknown or missing keys and on values out of range. Only a
    field with a default may be left out."""
    values = yaml.safe_load(text)
    if not isinstance(values, dict):
        raise MethodologyError("a methodology is a mapping of names to values")
    expected = {field.name: field.type for field in fields(Methodology)}
    needed = [field.name for field in fields(Methodology) if field.default is MISSING]
    faults = [f"unknown key {key!r}" for key in values if key not in expected]
    faults += [f"missing key {key!r}" for key in needed if key not in values]
    faults += [
        f"{key}: expected {kind}, found {values[key]!r}"
        for key, kind in expected.items()
        if key in values and not _is(values[key], kind)
    ]
    if faults:
        raise MethodologyError(f"methodology {values.get('version', '?')}: " + "; ".join(faults))
    return Methodology(**{key: _number(values[key], expected[key]) for key in values})


def _is(value: Any, kind: Any) -> bool:
    if kind is str:
        return isinstance(value, str)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, dict) and all(isinstance(k, str) and _is(v, float) for k, v in value.items())


def _number(value: Any, kind: Any) -> Any:
    if kind is float:
        return float(value)
    if isinstance(value, dict):
        return {key: float(number) for key, number in value.items()}
    return value


def versions(folder: Path = FOLDER) -> list[str]:
    return sorted(path.stem for path in folder.glob("*.yaml") if path.name != IN_FORCE)


@cache
def load(version: str, folder: Path = FOLDER) -> Methodology:
    """The methodology of that version. Raises `MethodologyError` if it does not exist, naming the versions that do."""
    if version not in versions(folder):
        raise MethodologyError(f"methodology {version!r} is unknown; there is {', '.join(versions(folder)) or 'none'}")
    found = parse((folder / f"{version}.yaml").read_text(encoding="utf-8"))
    if found.version != version:
        raise MethodologyError(f"{version}.yaml names version {found.version!r}, expected {version!r}")
    return found


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
