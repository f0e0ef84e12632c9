"""Fits a model of what a night costs to small nights, predicts a large one and compares, then prints what a stated load takes.

A night counts all days of a warehouse, scores its last day with engine `spark`, checks and publishes it. All nights run in one
process (`cost_night`). Small nights are of two sorts. In those of many days, people, pairs and accounts grow in proportion to
the acts. Those of few days have as many people and as many acts a day as large nights: they tell what grows with people, or
with a day, from what grows with acts.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import acts
import graphs
import growth
from cost_load import Stated, answers, stated
from cost_model import (
    AT_REST,
    COLLECTING,
    COMPILING,
    DRIVER,
    FRAMES,
    KEPT,
    PLANNING,
    PROCESSOR,
    QUANTITIES,
    SHUFFLED,
    STEPS,
    TASK_S,
    Line,
    Night,
    Quantity,
    fit,
    following,
    most,
    predicted,
    total,
)
from measuring import Command
from records import Measured
from rich.console import Group
from rich.table import Table

from jobs.places import ROOT
from jobs.session import settings_file
from jobs.warehouse.storage import Warehouse

# Million acts -> people, days.
FITTED = {
    "1": (24_640, 25),
    "2.5": (61_600, 25),
    "5": (123_200, 25),
    "4, 8 days": (308_000, 8),
    "4, 2 days": (1_232_000, 2),
}
WARM = FITTED["2.5"]  # runs first, so that Java has compiled most of what nights run
PREDICTED = {"10": (246_400, 25), "25": (616_000, 25), "50": (1_232_000, 25)}
DEFAULT = "50"
MOST_OFF = 0.2  # share of the measured value by which a prediction may be wrong
# Without Comet, as on a cluster by default. With as many Spark partitions as the rows ask for, as in a large night, and none
# joined: Spark joins small ones until there is one for each core, and a cluster has many. With no side of a join sent to all
# tasks because it is small: it is not in a large night. With short texts of plans, which fill the log otherwise.
SETTINGS = """
spark.sql.shuffle.partitions                     1
spark.sql.adaptive.coalescePartitions.enabled    false
spark.sql.autoBroadcastJoinThreshold             -1
spark.comet.enabled                              false
spark.eventLog.enabled                           true
spark.eventLog.compress                          false
spark.eventLog.rolling.enabled                   false
spark.eventLog.logBlockUpdates.enabled           true
spark.sql.maxPlanStringLength                    1000
"""


@dataclass
class Figure:
    """A night, by the million acts that its name says. `is_predicted`: the model is compared with it, not fitted to it.
    `measured`: what `cost_night` printed. `asked`: the load to print, as on the command line."""

    name: str
    is_predicted: bool
    measured: dict[str, Any]
    asked: str = ""

    def night(self) -> Night:
        """The night as the model's input."""
        found = self.measured
        steps = {step: found["steps"][step] for step in STEPS}
        tasks_s = sum(used["processor_s"] for used in found["steps"].values())
        load = {name: found[name] for name in ("acts", "rows", "pairs", "people", "accounts")}
        values = {
            **{(step, PROCESSOR): used["processor_s"] for step, used in steps.items()},
            **{(step, SHUFFLED): used["shuffled_bytes"] for step, used in steps.items()},
            (COMPILING, PROCESSOR): found["compiling_s"],
            (COLLECTING, PROCESSOR): found["collecting_s"],
            (PLANNING, PROCESSOR): found["java_s"] - found["compiling_s"] - found["collecting_s"] - tasks_s,
            (FRAMES, KEPT): found["kept_bytes"],
            **{(table, AT_REST): size for table, size in found["bytes_at_rest"].items()},
        }
        for job, (seconds, peak) in found["driver"].items():
            values |= {(f"driver: {job}", PROCESSOR): seconds, (f"driver: {job}", DRIVER): peak}
        load |= {"counted": found["rows"], "day": found["rows"] / found["days"], TASK_S: tasks_s}
        return Night(load | following(*(found[name] for name in ("acts", "days", "pairs", "people"))), values)

    def task_bytes(self) -> float:
        """The most memory that a task held."""
        return max(used["task_bytes"] for used in self.measured["steps"].values())


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields the nights to fit and the one to predict. `wanted` is its key in `PREDICTED`, the load to print, and a file of
    raw figures; if the file is named, its nights are yielded and nothing is measured."""
    size, asked, file = wanted
    if file:
        lines = [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]
        nights = [line for line in lines if "is_predicted" in line]
        if not nights:
            sys.exit(f"bench: {file} holds no nights of `cost`")
        yield from (Figure(line["name"], line["is_predicted"], line["measured"], asked) for line in nights)
        return
    # In the order of their people, because the driver keeps memory of earlier nights.
    sizes = dict(sorted({**FITTED, size: PREDICTED[size]}.items(), key=lambda named: named[1]))
    for name, found in zip(sizes, measure([*sizes.values()]), strict=True):
        yield Figure(name, name == size, found, asked)


def path(people: int, days: int) -> Path:
    """A warehouse with `activity`, `coverage` and `accounts` of these people. Makes it if it does not exist."""

    def make(half: Path) -> None:
        acts.make(Warehouse(str(half)), people, days)
        growth.write_accounts(Warehouse(str(half)), graphs.crowds(people))

    return graphs.made_once(f"night-{people}-{days}.warehouse", make)


def measure(nights: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """What `cost_night` prints of the nights of such warehouses (people, days), on copies of them."""
    with TemporaryDirectory(dir=graphs.folder()) as name:  # on the same disk, for hard links
        folder = Path(name)
        events, own = folder / "events", folder / "spark.conf"
        events.mkdir()
        where = f"spark.eventLog.dir {events.as_uri()}\n"
        own.write_text(settings_file().read_text(encoding="utf-8") + SETTINGS + where, encoding="utf-8")
        copies = [
            str(shutil.copytree(path(*night), folder / str(number), copy_function=os.link))
            for number, night in enumerate([WARM, *nights])
        ]
        script = str(ROOT / "infra" / "bench" / "cost_night.py")
        ran = Command(sys.executable, script, str(events), *copies, CLOUT_SPARK_SETTINGS=str(own))
    return [json.loads(line) for _, line in ran.lines]


def compared(figures: Sequence[Figure]) -> tuple[dict[Quantity, Line], dict[Quantity, float], Night]:
    """The fitted lines, what they predict of the predicted night, and that night."""
    lines = fit([figure.night() for figure in figures if not figure.is_predicted])
    (large,) = (figure.night() for figure in figures if figure.is_predicted)
    return lines, predicted(lines, large.load), large


@dataclass(frozen=True)
class Total:
    """A sum that the model must predict."""

    what: str
    unit: str
    measured: float
    predicted: float

    @property
    def ratio(self) -> float:
        """Predicted as a multiple of measured."""
        return self.predicted / self.measured


def totals(figures: Sequence[Figure]) -> list[Total]:
    """The sums of the predicted night. Memory is what frames hold, and what the largest task holds for each core."""
    _, foreseen, large = compared(figures)
    seen = {quantity: large.value(quantity) for quantity in QUANTITIES}
    (last,) = (figure for figure in figures if figure.is_predicted)
    cores = os.cpu_count() or 1
    memory = (
        total(of, KEPT) + cores * held for of, held in ((seen, last.task_bytes()), (foreseen, task_bytes(figures)))
    )
    return [
        Total("processor time", "s", total(seen, PROCESSOR), total(foreseen, PROCESSOR)),
        Total("shuffled", "GB", total(seen, SHUFFLED) / 1e9, total(foreseen, SHUFFLED) / 1e9),
        Total("peak memory of frames and tasks", "GB", *(held / 1e9 for held in memory)),
        Total("peak memory of the driver", "GB", most(seen, DRIVER) / 1e9, most(foreseen, DRIVER) / 1e9),
    ]


def task_bytes(figures: Sequence[Figure]) -> float:
    """The most memory that a task held in the fitted nights. It does not grow with the night: `jobs.spark_partitions` bounds
    the rows of a task."""
    return max(figure.task_bytes() for figure in figures if not figure.is_predicted)


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields the sums of the predicted night, and how far each prediction was off."""
    (size,) = (figure.measured["pairs"] for figure in figures if figure.is_predicted)
    for each in totals(figures):
        yield Measured(name="cost", what=each.what, value=each.measured, unit=each.unit, size=size)
        off = abs(each.ratio - 1)
        yield Measured(
            name="cost", what=f"{each.what}: prediction off by", value=off, unit="share", size=size, limit=MOST_OFF
        )


def table(figures: list[Figure]) -> Group:
    """The nights, the lines beside the predicted night, and what the stated load takes."""
    lines, foreseen, large = compared(figures)
    asked = stated(figures[-1].asked)
    return Group(
        _nights(figures),
        _lines(lines, foreseen, large, totals(figures)),
        _load(lines, asked, task_bytes(figures)),
    )


def _table(title: str, *heads: str) -> Table:
    shown = Table(title=title)
    for place, head in enumerate(heads):
        shown.add_column(head, justify="left" if place == 0 or head == "how" else "right", overflow="fold")
    return shown


def _nights(figures: Sequence[Figure]) -> Table:
    heads = ("million acts", "days", "acts", "rows", "pairs", "people", "tasks s", "all s", "spilled GB", "")
    shown = _table("nights, in processor seconds", *heads)
    for figure in figures:
        night, found = figure.night(), figure.measured
        spilled = sum(used["spilled_bytes"] for used in found["steps"].values()) / 1e9
        shown.add_row(
            figure.name,
            f"{found['days']}",
            *(f"{night.load[name]:,.0f}" for name in ("acts", "rows", "pairs", "people", TASK_S)),
            f"{sum(value for (_, unit), value in night.values.items() if unit == PROCESSOR):,.0f}",
            f"{spilled:.2f}",
            "predicted" if figure.is_predicted else "fitted",
        )
    return shown


def _lines(
    lines: Mapping[Quantity, Line], foreseen: Mapping[Quantity, float], large: Night, sums: Sequence[Total]
) -> Table:
    heads = ("", "unit", "constant", "and per million", "measured", "predicted", "ratio", "")
    shown = _table("the model, and the night that it predicts", *heads)
    for quantity, line in lines.items():
        slopes = [f"{slope * 1e6:,.4g} {term}" for term, slope in zip(quantity.terms, line.slopes, strict=True)]
        value = large.value(quantity)
        shown.add_row(
            quantity.what, quantity.unit, f"{line.constant:,.4g}", "; ".join(slopes), f"{value:,.4g}",
            f"{foreseen[quantity]:,.4g}", f"{foreseen[quantity] / value:.2f}", "",
        )  # fmt: skip
    shown.add_section()
    for each in sums:
        over = "" if abs(each.ratio - 1) <= MOST_OFF else f"over the limit of {MOST_OFF:.0%}"
        numbers = (f"{each.measured:,.4g}", f"{each.predicted:,.4g}", f"{each.ratio:.2f}")
        shown.add_row(each.what, each.unit, "", "", *numbers, over)
    return shown


def _load(lines: Mapping[Quantity, Line], asked: Stated, held: float) -> Table:
    shown = _table(
        f"a night of {asked.acts:,.0f} acts a day and {asked.people:,.0f} people", "", "value", "unit", "how"
    )
    for answer in answers(lines, asked, held):
        digits = 0 if answer.value >= 100 else 2
        shown.add_row(answer.what, f"{answer.value:,.{digits}f}", answer.unit, answer.how)
    return shown
