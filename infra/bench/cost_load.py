"""What a night of a stated load takes, from the lines of `cost_model`: cores, memory, bytes, requests and money.

Pure. Whatever is neither measured nor computed from measured lines is a field of `Stated`, which the command line can change.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from cost_model import (
    AT_REST,
    DRIVER,
    JAVA,
    KEPT,
    PROCESSOR,
    SHUFFLED,
    STEPS,
    Line,
    Quantity,
    following,
    most,
    predicted,
    total,
)

from jobs.many_acts import ACTS_OF_A_FILE

GB, HOUR_S, MONTH_DAYS = 1e9, 3600, 30

# Requests of a night, for each file that it reads, and for each file that it writes. Counted by the object store of the tests,
# with windows of 1, 5 and 25 days (589, 699 and 1,085 requests) whose files were read as large ones are, and with a day in 1
# and in 3 files.
REQUESTS, REQUESTS_OF_A_READ, REQUESTS_OF_A_WRITE = 550, 22, 30


@dataclass(frozen=True)
class Stated:
    """A load, and what the machines are assumed to be. The load is what Klout published (Rao and others, "Klout Score", IEEE
    Big Data 2015, arXiv 1510.08487); everything after `people` is an assumption."""

    acts: float = 45e9  # a day
    people: float = 750e6
    pairs: float = 150  # with how many others a person engages within the window
    acts_a_row: float = 1.5  # acts of one account on one other's content on a day, of one kind
    days: float = 180  # of the window
    hours: float = 8  # from the first job until scores are published
    busy: float = 0.7  # share of the cores' time in which they work; the rest is waiting for the last task of a stage
    core_hour: float = 0.05  # price, with 4 GB of memory
    gb_month: float = 0.023  # price of a GB at rest
    requests: float = 0.005  # price of 1,000 requests of the store

    def load(self) -> dict[str, float]:
        """The drivers of `cost_model`."""
        rows = self.acts / self.acts_a_row
        return {
            "acts": self.acts,
            "counted": rows,
            "rows": rows * self.days,
            "day": rows,
            "pairs": self.people * self.pairs,
            "people": self.people,
            "accounts": self.people,
            **following(self.acts, 1, self.people * self.pairs, self.people),
        }


NAMES = ", ".join(field.name for field in fields(Stated))


def stated(text: str) -> Stated:
    """`acts=2e6,people=1e5` -> the load with these fields and the others' defaults. Raises `ValueError` if a field does not
    exist or is no number above 0."""
    values: dict[str, float] = {}
    for item in filter(None, text.split(",")):
        name, _, number = item.partition("=")
        if name not in NAMES.split(", "):
            raise ValueError(f"{item}: expected one of {NAMES}")
        values[name] = float(number)
        if not 0 < values[name] < math.inf:
            raise ValueError(f"{item}: expected a number above 0")
    return replace(Stated(), **values)


@dataclass(frozen=True)
class Answer:
    """A line of the table: a value and how it comes about."""

    what: str
    value: float
    unit: str
    how: str


def answers(lines: Mapping[Quantity, Line], asked: Stated, task_bytes: float) -> Iterator[Answer]:
    """Yields what the night takes. `task_bytes` is the most that a task holds."""
    load = asked.load()
    values = predicted(lines, load)
    for name, count in load.items():
        yield Answer(name, count, "", _LOAD[name])
    steps = {step: total(values, PROCESSOR, [step]) / HOUR_S for step in (*STEPS, *JAVA)}
    for step, hours in steps.items():
        yield Answer(step, hours, "core hours", "constant + slopes of its drivers, as fitted above")
    cluster_h = sum(steps.values())
    cores = math.ceil(cluster_h / (asked.hours * asked.busy))
    yield Answer(
        "cores", cores, "", f"{cluster_h:,.0f} core hours in {asked.hours:g} h, busy {asked.busy:.0%} of the time"
    )
    one_h = (total(values, PROCESSOR) - cluster_h * HOUR_S) / HOUR_S
    over = ". Longer than the night" if one_h > asked.hours else ""
    yield Answer(
        "in one process", one_h, "hours", f"what the driver does alone; no core of the cluster shortens it{over}"
    )
    task_gb, kept_gb = cores * task_bytes / GB, total(values, KEPT) / GB
    yield Answer(
        "memory of tasks", task_gb, "GB", f"{task_bytes / GB:.2f} GB, the most that a task held, for each core"
    )
    yield Answer("memory of kept frames", kept_gb, "GB", "what is not in memory lies on the executors' disks")
    yield Answer(
        "memory of the driver", most(values, DRIVER) / GB, "GB", "the job that holds most; without Java's heap"
    )
    yield Answer("shuffled", total(values, SHUFFLED) / GB, "GB", "written once and read once, compressed")
    day_gb, person_gb = (
        total(values, AT_REST, of) / GB for of in (("activity", "engagement"), ("influence", "scores"))
    )
    at_rest_gb = (day_gb + person_gb) * asked.days + total(values, AT_REST, ["accounts"]) / GB
    yield Answer(
        "at rest", at_rest_gb, "GB", "a window's days of activity, engagement, influence and scores, and accounts"
    )
    a_day = math.ceil(asked.acts / ACTS_OF_A_FILE)
    requests = REQUESTS + REQUESTS_OF_A_READ * a_day * (asked.days + 1) + REQUESTS_OF_A_WRITE * a_day
    yield Answer("store requests", requests, "", f"files of {ACTS_OF_A_FILE:,} acts: a day written, a window read")
    night = {
        "cores": (cores * asked.hours * asked.core_hour, f"{asked.core_hour:g} an hour of a core, all night"),
        "at rest": (at_rest_gb * asked.gb_month / MONTH_DAYS, f"{asked.gb_month:g} a GB and month"),
        "store requests": (requests / 1000 * asked.requests, f"{asked.requests:g} for 1,000"),
    }
    for what, (price, how) in night.items():
        yield Answer(f"price: {what}", price, "a night", how)
    yield Answer("price", sum(price for price, _ in night.values()), "a night", "all of them")


_LOAD = {
    "acts": "stated: a day's reports of acts, which the night counts",
    "counted": "acts / acts_a_row",
    "rows": "counted * days",
    "day": "counted: a night counts one day",
    "pairs": "people * pairs",
    "people": "stated",
    "accounts": "as many as people",
    "files": f"of {ACTS_OF_A_FILE:,} acts, at most",
    "ends": "pairs * 2",
    "closing": "pairs - people: those that can close loops",
}
