"""Checks whether a day's number of people and total influence are plausible compared with earlier published days. Pure.

A day is compared with the nearest earlier published days, however old. So the days of a range must be checked in ascending
order, even if they were computed in another. `clout run` does so, and so does a backfill of the DAG `score_influence` at any
concurrency. A verdict then depends on the days' figures, not on the order of their runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

OK, WARNING, ACCEPTED = "ok", "warning: ", "accepted: "
LOWEST_SHARE, HIGHEST_FACTOR = 0.5, 10.0  # good data grew elevenfold in one of the first days of a real week

BOUNDS = ("people_within_trailing_bounds", "influence_within_trailing_bounds")


@dataclass(frozen=True)
class Figures:
    """A day's number of people and their total influence, in accounts' worth of attention."""

    people: int
    influence: float


def nearest(published: Mapping[date, Figures], day: date, gate_days: int) -> dict[date, Figures]:
    """The `gate_days` newest published days before `day`, ascending."""
    before = sorted(other for other in published if other < day)[-gate_days:]
    return {other: published[other] for other in before}


def verdicts(figures: Figures, before: Mapping[date, Figures], gate_days: int) -> dict[str, str]:
    """Check of `BOUNDS` -> `ok` or the problem: a figure below half the lowest or above ten times the highest of the earlier
    published days. If there are fewer than `gate_days` such days, they are too few to refuse a day, and the problem begins with
    `warning: `. Without any, the result is `ok`."""
    people, influence = BOUNDS
    return {
        people: _verdict("people", figures.people, {day: earlier.people for day, earlier in before.items()}, gate_days),
        influence: _verdict(
            "influence", figures.influence, {day: earlier.influence for day, earlier in before.items()}, gate_days
        ),
    }


def _verdict(name: str, value: float, before: Mapping[date, float], gate_days: int) -> str:
    if not before:
        return OK
    low, high = LOWEST_SHARE * min(before.values()), HIGHEST_FACTOR * max(before.values())
    if low <= value <= high:
        return OK
    problem = (
        f"{name} {value:,.1f}, expected {low:,.1f} to {high:,.1f} after the {len(before)} days published before"
        f" ({min(before)}..{max(before)})"
    )
    return problem if len(before) >= gate_days else f"{WARNING}{problem}"


def accepted(results: Mapping[str, str]) -> dict[str, str]:
    """The results after an operator accepted figures out of bounds. No other problem can be accepted."""
    out_of_bounds = {name: problem for name, problem in refusals(results).items() if name in BOUNDS}
    return {**results, **{name: f"{ACCEPTED}{problem}" for name, problem in out_of_bounds.items()}}


def accepted_findings(results: Mapping[str, str]) -> dict[str, str]:
    """Check -> its problem, for the checks that an operator accepted."""
    return {name: result.removeprefix(ACCEPTED) for name, result in results.items() if result.startswith(ACCEPTED)}


def refusals(results: Mapping[str, str]) -> dict[str, str]:
    """The results that forbid publishing the day."""
    return {name: result for name, result in results.items() if result != OK and not _is_noted(result)}


def warnings(results: Mapping[str, str]) -> list[str]:
    """Results to report although the day may be published, as `check: result`, including the prefix `warning: `."""
    return [f"{name}: {result}" for name, result in results.items() if _is_noted(result)]


def _is_noted(result: str) -> bool:
    return result.startswith((WARNING, ACCEPTED))
