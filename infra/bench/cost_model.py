"""What a night costs, as lines: each quantity is a constant and a cost of each unit of its driver, fitted to measured nights.

Pure: numbers in, numbers out. A driver is a number that a load states, such as its acts or its pairs.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

PROCESSOR, SHUFFLED, AT_REST, KEPT, DRIVER = (
    "processor s", "bytes shuffled", "bytes at rest", "bytes kept", "bytes in the driver",
)  # fmt: skip
TASK_S = "task s"  # the driver that is predicted first: processor seconds of all tasks

# Driver -> what it counts.
DRIVERS = {
    "acts": "reports of acts on the days that are counted",
    "counted": "rows of `engagement` on the days that are counted",
    "rows": "rows of `engagement` in the window",
    "pairs": "pairs of the window",
    "people": "people who are scored",
    "accounts": "accounts ever observed",
    TASK_S: "processor seconds of Spark's tasks",
}
STEPS = {
    "count acts": "acts",
    "weigh pairs": "rows",
    "number accounts": "pairs",
    "pass attention on": "pairs",
    "write everybody": "pairs",
}  # of Spark -> driver
JOBS = {"engagement": "counted", "influence": "people", "checks": "people", "publish": "people"}  # in one process
TABLES = {
    "activity": "acts",
    "accounts": "accounts",
    "engagement": "counted",
    "influence": "people",
    "scores": "people",
}
JAVA = "Java beside its tasks"  # collects garbage, compiles, plans
FRAMES = "frames"  # that Spark keeps between the steps of a night
SORTING = ("engagement",)  # jobs that sort all of their driver at once


@dataclass(frozen=True)
class Quantity:
    """What is predicted: `what` in a `unit`, in proportion to a driver n or, if it `sorts`, to n log2 n."""

    what: str
    unit: str
    driver: str
    sorts: bool = False

    def units(self, load: Mapping[str, float]) -> float:
        """How often the load pays the line's slope."""
        count = load[self.driver]
        return count * math.log2(max(count, 2)) if self.sorts else count


QUANTITIES = (
    *(Quantity(step, PROCESSOR, driver) for step, driver in STEPS.items()),
    Quantity(JAVA, PROCESSOR, TASK_S),
    *(Quantity(f"driver: {job}", PROCESSOR, driver, job in SORTING) for job, driver in JOBS.items()),
    *(Quantity(step, SHUFFLED, driver) for step, driver in STEPS.items()),
    Quantity(FRAMES, KEPT, "pairs"),
    *(Quantity(table, AT_REST, driver) for table, driver in TABLES.items()),
    *(Quantity(f"driver: {job}", DRIVER, driver) for job, driver in JOBS.items()),
)


@dataclass(frozen=True)
class Night:
    """A measured night: its load by driver, and (what, unit) -> value."""

    load: Mapping[str, float]
    values: Mapping[tuple[str, str], float]

    def value(self, quantity: Quantity) -> float:
        """The measured value of the quantity."""
        return self.values[quantity.what, quantity.unit]


@dataclass(frozen=True)
class Line:
    """A value as `constant` + `slope` * units, both at least 0."""

    constant: float
    slope: float

    def at(self, units: float) -> float:
        """The value of this number of units."""
        return self.constant + self.slope * units


def fitted(points: Sequence[tuple[float, float]]) -> Line:
    """The line of least squared relative errors through points (units, value) above 0. A line that would cross zero goes
    through it, and a falling one is flat. Raises `ValueError` without points of two different numbers of units."""
    units, values = (np.array(column, float) for column in zip(*points, strict=True))
    if len(set(units)) < 2:
        raise ValueError(f"{len(points)} points of {units[0]:g} units, expected two different numbers of units")
    weights = 1 / np.maximum(values, np.finfo(float).tiny)
    ones = np.ones_like(units)

    def least(*columns: np.ndarray) -> np.ndarray:
        return np.linalg.lstsq(np.stack([column * weights for column in columns], 1), values * weights)[0]

    scale = float(units.max())  # so that both columns have a similar size
    constant, slope = least(ones, units / scale)
    if constant < 0:
        constant, (slope,) = 0.0, least(units / scale)
    elif slope < 0:
        slope, (constant,) = 0.0, least(ones)
    return Line(float(constant), float(slope) / scale)


def fit(nights: Sequence[Night]) -> dict[Quantity, Line]:
    """The line of each quantity through the nights. Their loads have all drivers."""
    return {
        quantity: fitted([(quantity.units(night.load), night.value(quantity)) for night in nights])
        for quantity in QUANTITIES
    }


def predicted(lines: Mapping[Quantity, Line], load: Mapping[str, float]) -> dict[Quantity, float]:
    """The value of each quantity for a load, which needs all drivers but `TASK_S`: the seconds of tasks are predicted."""
    tasks = (quantity for quantity in lines if quantity.unit == PROCESSOR and quantity.what in STEPS)
    whole = {**load, TASK_S: sum(lines[quantity].at(quantity.units(load)) for quantity in tasks)}
    return {quantity: line.at(quantity.units(whole)) for quantity, line in lines.items()}


def total(values: Mapping[Quantity, float], unit: str, whats: Iterable[str] | None = None) -> float:
    """The sum of the values in this unit; of these `whats` only, if given."""
    chosen = None if whats is None else set(whats)
    return sum(
        value
        for quantity, value in values.items()
        if quantity.unit == unit and (chosen is None or quantity.what in chosen)
    )
