"""The versions of the methodology: which ones exist, and which one is official on a day."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "methodologies"
IN_FORCE = "in_force.yaml"


class MethodologyError(ValueError):
    """A methodology that is unknown, malformed or out of range. The message names every fault."""


def versions(folder: Path = FOLDER) -> list[str]:
    """The versions that the folder holds, sorted, whether or not in force."""
    return sorted(path.stem for path in folder.glob("*.yaml") if path.name != IN_FORCE)


@dataclass(frozen=True)
class InForce:
    """A version and the inclusive days for which it is official; `last_day` is None while it is in force."""

    version: str
    first_day: date
    last_day: date | None


@cache
def in_force(folder: Path = FOLDER) -> tuple[InForce, ...]:
    """The official versions in order of time. Raises `MethodologyError` unless days ascend and versions have files."""
    entries = yaml.safe_load((folder / IN_FORCE).read_text(encoding="utf-8")) or []
    if not all(isinstance(entry, dict) and set(entry) == {"version", "from"} for entry in entries):
        raise MethodologyError(f"{IN_FORCE}: expected a list of `version` and `from`, found {entries}")
    days = [entry["from"] for entry in entries]
    if not all(type(day) is date for day in days) or days != sorted(set(days)):
        raise MethodologyError(f"{IN_FORCE}: expected ascending, distinct days, found {days}")
    named = [entry["version"] for entry in entries]
    if len(set(named)) != len(named):
        raise MethodologyError(f"{IN_FORCE}: a version is official once, found {named}")
    if missing := set(named).difference(versions(folder)):
        known = ", ".join(versions(folder)) or "none"
        raise MethodologyError(f"{IN_FORCE}: methodology {min(missing)!r} is unknown; known: {known}")
    ends = [*(day - timedelta(days=1) for day in days[1:]), None][: len(days)]
    return tuple(InForce(entry["version"], day, end) for entry, day, end in zip(entries, days, ends, strict=True))


def official(day: date, folder: Path = FOLDER) -> str:
    """The version that is official for that day. Raises `MethodologyError` if there is none."""
    for entry in in_force(folder):
        if entry.first_day <= day and (entry.last_day is None or day <= entry.last_day):
            return entry.version
    raise MethodologyError(f"no methodology is official on {day}; see schemas/methodologies/{IN_FORCE}")
