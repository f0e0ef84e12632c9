"""What a night costs, as lines: each quantity is a constant and a cost of each unit of its drivers, fitted to measured nights.

Pure: numbers in, numbers out. A driver is a number that a load states, such as its acts or its pairs.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from jobs.many_acts import ACTS_OF_A_FILE
from jobs.spark_partitions import ROWS_OF_A_PARTITION

PROCESSOR, SHUFFLED, AT_REST, KEPT, DRIVER = (
    "processor s", "bytes shuffled", "bytes at rest", "bytes kept", "bytes in the driver",
)  # fmt: skip
TASK_S = "task s"  # the driver that is predicted first: processor seconds of all tasks

# Driver -> what it counts.
DRIVERS = {
    "acts": "reports of acts on the days that are counted",
    "counted": "rows of `engagement` on the days that are counted",
    "rows": "rows of `engagement` in the window",
    "day": "rows of `engagement` of one day",
    "pairs": "pairs of the window",
    "files": "files of `engagement` that are written",
    "ends": "ends of pairs: two of each",
    "closing": "pairs less people: those that can close loops",
    "people": "people who are scored",
    "accounts": "accounts ever observed",
    TASK_S: "processor seconds of Spark's tasks",
}
# Step of Spark -> its drivers.
STEPS = {
    "count acts": ("acts", "files"),
    "weigh pairs": ("rows",),
    "number accounts": ("pairs", "people"),
    "pass attention on": ("ends", "closing"),
    "write everybody": ("pairs", "people"),
}
JOBS = {"engagement": "counted", "influence": "people", "checks": "people", "publish": "people"}  # in one process
HELD = JOBS | {"engagement": "day"}  # what a job holds in memory at a time
TABLES = {
    "activity": ("acts",),
    "accounts": ("accounts",),
    "engagement": ("counted",),
    "influence": ("people", "pairs"),  # fewer pairs leave more people without attention
    "scores": ("people", "pairs"),
}
COMPILING, COLLECTING, PLANNING = "Java: compiling", "Java: collecting garbage", "Java: planning, starting tasks"
JAVA = (COMPILING, COLLECTING, PLANNING)  # beside its tasks
FRAMES = "frames"  # that Spark keeps between the steps of a night
SORTING = ("engagement",)  # jobs that sort all of their driver at once
# Steps that exchange mostly rows of their first driver, and a table with rows in the order of such an exchange.
SPLITTING = ("count acts", "weigh pairs", "number accounts", "pass attention on", "engagement")


@dataclass(frozen=True)
class Quantity:
    """What is predicted: `what` in a `unit`, in proportion to each driver n or, if it `sorts`, to n log2 n. A quantity without
    drivers is a constant.

    Spark compresses what it shuffles. The more partitions share a step's rows, the less alike are those that meet in one: with
    each doubling a row takes some bytes more. So what `splits` also grows with n log2 p, where n is the first driver and p
    the number of partitions that so many rows need.

    What happens seldom and costs much each time, a small night may miss. It `pools`: it costs for each unit of its only driver
    what it cost in all nights together.
    """

    what: str
    unit: str
    drivers: tuple[str, ...]
    sorts: bool = False
    splits: bool = False
    pools: bool = False

    def units(self, load: Mapping[str, float]) -> tuple[float, ...]:
        """How often the load pays each of the line's slopes."""
        counts = [load[driver] for driver in self.drivers]
        if self.sorts:
            return tuple(count * math.log2(max(count, 2)) for count in counts)
        if self.splits:
            counts.append(counts[0] * math.log2(max(counts[0] / ROWS_OF_A_PARTITION, 1)))
        return tuple(counts)

    @property
    def terms(self) -> tuple[str, ...]:
        """What each slope is a price of, in the order of `units`."""
        if self.sorts:
            return tuple(f"{driver}, n log2 n" for driver in self.drivers)
        return (*self.drivers, f"{self.drivers[0]}, n log2 p") if self.splits else self.drivers


QUANTITIES = (
    *(Quantity(step, PROCESSOR, drivers) for step, drivers in STEPS.items()),
    Quantity(COMPILING, PROCESSOR, ()),
    Quantity(COLLECTING, PROCESSOR, (TASK_S,), pools=True),
    Quantity(PLANNING, PROCESSOR, (TASK_S,)),
    *(Quantity(f"driver: {job}", PROCESSOR, (driver,), job in SORTING) for job, driver in JOBS.items()),
    *(Quantity(step, SHUFFLED, drivers, splits=step in SPLITTING) for step, drivers in STEPS.items()),
    Quantity(FRAMES, KEPT, ("pairs",)),
    *(Quantity(table, AT_REST, drivers, splits=table in SPLITTING) for table, drivers in TABLES.items()),
    *(Quantity(f"driver: {job}", DRIVER, (driver,)) for job, driver in HELD.items()),
)


def following(acts: float, days: float, pairs: float, people: float) -> dict[str, float]:
    """The drivers that follow from others. `days` are counted. A graph without loops has no more pairs than people."""
    files = days * (1 + acts // (days * ACTS_OF_A_FILE))
    return {"files": files, "ends": 2 * pairs, "closing": pairs - people}


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
    """A value as `constant` + the sum of `slopes` * units, none below 0."""

    constant: float
    slopes: tuple[float, ...]

    def at(self, units: Sequence[float]) -> float:
        """The value of these numbers of units, one of each slope."""
        return self.constant + sum(slope * count for slope, count in zip(self.slopes, units, strict=True))


def fitted(points: Sequence[tuple[Sequence[float], float]]) -> Line:
    """The line of least squared relative errors through points (units, value) above 0, of those without a negative constant or
    slope. Raises `ValueError` if all points have the same units, of which there is at least one."""
    units, values = (np.array(column, float) for column in zip(*points, strict=True))
    if units.shape[1] and len({tuple(row) for row in units}) < 2:
        raise ValueError(f"{len(points)} points of {units[0]} units, expected different units")
    scale = np.concatenate([[1.0], units.max(axis=0, initial=1)])  # so that all columns have a similar size
    columns = np.column_stack([np.ones(len(units)), units]) / scale / values[:, None]
    best, least = np.zeros(len(scale)), math.inf
    # The best line without negative numbers is the best of all lines on some of the columns.
    for count in range(1, len(scale) + 1):
        for chosen in map(list, combinations(range(len(scale)), count)):
            found = np.zeros(len(scale))
            found[chosen] = np.linalg.lstsq(columns[:, chosen], np.ones(len(units)))[0]
            error = float(np.square(columns @ found - 1).sum())
            if found.min() >= 0 and error < least:
                best, least = found, error
    constant, *slopes = (best / scale).tolist()
    return Line(constant, tuple(slopes))


def pooled(points: Sequence[tuple[Sequence[float], float]]) -> Line:
    """The line through 0 with the sum of the values over the sum of the units, of which each point has one."""
    return Line(0, (sum(value for _, value in points) / sum(unit for (unit,), _ in points),))


def fit(nights: Sequence[Night]) -> dict[Quantity, Line]:
    """The line of each quantity through the nights. Their loads have all drivers."""
    return {
        quantity: (pooled if quantity.pools else fitted)(
            [(quantity.units(night.load), night.value(quantity)) for night in nights]
        )
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


def most(values: Mapping[Quantity, float], unit: str) -> float:
    """The largest of the values in this unit."""
    return max(value for quantity, value in values.items() if quantity.unit == unit)
