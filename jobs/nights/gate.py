"""Whether a day's people and total influence are plausible beside those of the days published before it. Pure.

A day is compared with the published days nearest before it, however old. So whoever runs a range decides its days in ascending
order, in whatever order they are computed: `clout run` does, and so does the DAG `score_influence` of a backfill at any
concurrency. Then a verdict depends on the days' figures and not on the order of their runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

OK, WARNING, ACCEPTED = "ok", "warning: ", "accepted: "
LOWEST_SHARE, HIGHEST_FACTOR = 0.5, 10.0  # good data grew elevenfold in one of the first days of a real week

BOUNDS = ("people_within_trailing_bounds", "influence_within_trailing_bounds")


@dataclass(frozen=True)
class Figures:
    """A day's people and their influence in total, in accounts' worth."""

    people: int
    influence: float


def nearest(published: Mapping[date, Figures], day: date, gate_days: int) -> dict[date, Figures]:
    """The `gate_days` newest published days before `day`, ascending."""
    before = sorted(other for other in published if other < day)[-gate_days:]
    return {other: published[other] for other in before}


def verdicts(found: Figures, before: Mapping[date, Figures], gate_days: int) -> dict[str, str]:
    """Check of `BOUNDS` -> `ok`, or what is wrong: a figure below half the lowest or above ten times the highest of the
    published days before. It begins with `warning: ` if there are fewer than `gate_days` of those: too few to refuse by."""
    people, influence = BOUNDS
    return {
        people: _verdict("people", found.people, {day: each.people for day, each in before.items()}, gate_days),
        influence: _verdict(
            "influence", found.influence, {day: each.influence for day, each in before.items()}, gate_days
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
    """The results after an operator accepted what is out of bounds; nothing else can be accepted."""
    out_of_bounds = {name: problem for name, problem in refusals(results).items() if name in BOUNDS}
    return {**results, **{name: f"{ACCEPTED}{problem}" for name, problem in out_of_bounds.items()}}


def accepted_findings(results: Mapping[str, str]) -> dict[str, str]:
    """Check -> its finding, of those that an operator accepted."""
    return {name: result.removeprefix(ACCEPTED) for name, result in results.items() if result.startswith(ACCEPTED)}


def refusals(results: Mapping[str, str]) -> dict[str, str]:
    """Those results for which a day must not be published."""
    return {name: result for name, result in results.items() if result != OK and not _is_noted(result)}


def warnings(results: Mapping[str, str]) -> list[str]:
    """What did not keep a day from being published, and somebody should know: `check: result`, with its `warning: `."""
    return [f"{name}: {result}" for name, result in results.items() if _is_noted(result)]


def _is_noted(result: str) -> bool:
    return result.startswith((WARNING, ACCEPTED))
