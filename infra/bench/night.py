"""Measures a big night from a file of acts to published scores: each command in a process of its own, on the warehouse that the
nights before have left (`night_tables`). Then nights of the same size of which one account receives, or does, very much."""

import json
import math
import os
import shutil
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import event_log
import graphs
from history_tables import PLATFORM, SOURCE
from measuring import Command
from night_tables import ACTOR, DAY, EVEN, LINES, METHODOLOGY, PARQUET, RECEIVER, SHAPES, WINDOW, Night
from pipeline import CLOUT
from records import Measured
from rich.console import Group
from rich.table import Table

from jobs.session import settings_file
from jobs.warehouse.storage import Warehouse
from schemas.runs import RUNS

PULL, PULL_LINES = "pull", "pull from JSON lines"
COMMANDS = (PULL, "engagement", "influence", "checks", "publish")
SKEW = "skew"
SIZES = ("1", "5", "10", "20", "50", SKEW)  # million acts, or the skewed nights
DEFAULT = ("1", "5", "50", SKEW)
SKEWED = 1  # million acts of the nights that are compared
LIMITS = {"50": (900, 16)}  # seconds of all commands, peak GB
MOST_SKEW = 1.2  # times the even night's processor time and seconds
EVENTS = """
spark.eventLog.enabled                           true
spark.eventLog.compress                          false
spark.eventLog.rolling.enabled                   false
spark.sql.maxPlanStringLength                    1000
"""


@dataclass
class Figure:
    """A night. By command: seconds, processor seconds and peak memory of its processes. `pairs` and `people` are those of the
    window, `engine` the one that summed. `longest`: name of a stage that read a shuffle -> its longest task as a multiple of
    its median task, of the stages that took longer than a second. Empty if the night fits one process, which needs no Spark."""

    millions: str
    shape: str = EVEN
    is_compared: bool = False
    acts: int = 0
    pairs: int = 0
    people: int = 0
    engine: str = ""
    seconds: dict[str, float] = field(default_factory=dict)
    processor_s: dict[str, float] = field(default_factory=dict)
    peak_gb: dict[str, float] = field(default_factory=dict)
    longest: dict[str, float] = field(default_factory=dict)
    name: str = "night"

    @property
    def limits(self) -> tuple[float | None, float | None]:
        """The most seconds and GB that the night may take."""
        return LIMITS.get(self.millions, (None, None)) if self.shape == EVEN else (None, None)

    def take(self, command: str, ran: Command) -> None:
        """Takes what the command used."""
        self.seconds[command], self.processor_s[command], self.peak_gb[command] = (
            ran.seconds,
            ran.processor_s,
            ran.peak_gb,
        )

    @property
    def totals(self) -> tuple[float, float, float]:
        """Seconds and processor seconds of `COMMANDS`, and their highest peak memory."""
        seconds, processor_s, peak_gb = (
            [used[command] for command in COMMANDS] for used in (self.seconds, self.processor_s, self.peak_gb)
        )
        return sum(seconds), sum(processor_s), max(peak_gb)


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per size in millions of acts; for `SKEW`, one per shape of `SKEWED` million acts."""
    for size in wanted:
        if size == SKEW:
            yield from (measure(Figure(str(SKEWED), shape, True)) for shape in SHAPES)
        else:
            yield measure(Figure(size))


def measure(figure: Figure) -> Figure:
    """Runs the commands of the night on a copy of its window's warehouse."""
    kept = Night(int(figure.millions) * 1_000_000, figure.shape).path()
    with TemporaryDirectory(dir=graphs.folder()) as name:  # on the same disk, for hard links; no command changes a file
        folder = Path(name)
        root, own, events = folder / "warehouse", folder / "spark.conf", folder / "events"
        events.mkdir()
        shutil.copytree(kept / WINDOW, root, copy_function=os.link)
        where = f"spark.eventLog.dir {events.as_uri()}\n"
        own.write_text(settings_file().read_text(encoding="utf-8") + EVENTS + where, encoding="utf-8")
        for command in COMMANDS:
            options = ("--methodology", METHODOLOGY) if command != PULL else _source("parquet", kept / PARQUET)
            figure.take(command, _clout(root, command, *options, CLOUT_SPARK_SETTINGS=str(own)))
        if (kept / LINES).exists() and not figure.is_compared:  # last, because it replaces the acts
            figure.take(PULL_LINES, _clout(root, PULL, *_source("activitystreams", kept / LINES)))
        for log in sorted(events.iterdir()):
            with log.open(encoding="utf-8") as lines:
                figure.longest |= longest(event_log.stages(lines))
        _describe(figure, Warehouse(str(root)))
    return figure


def _source(kind: str, path: Path) -> tuple[str, str]:
    return "--source", f"{SOURCE}:{kind}@{PLATFORM}={path}"


def _clout(root: Path, command: str, *options: str, **environment: str) -> Command:
    return Command(CLOUT, command, "--day", str(DAY), *options, CLOUT_WAREHOUSE=str(root), **environment)


def _describe(figure: Figure, warehouse: Warehouse) -> None:
    """Sets what the runs of the night have recorded."""
    runs = {run["job"]: run for run in warehouse.read(RUNS, {"day": DAY}).to_pylist()}
    counts = json.loads(runs["influence"]["counts"])
    figure.acts = int(json.loads(runs["pull_activity"]["counts"])["acts"])
    figure.pairs, figure.people, figure.engine = (
        int(counts["pairs"]),
        int(counts["people"]),
        runs["influence"]["engine"],
    )


def longest(stages: Sequence[event_log.Stage]) -> dict[str, float]:
    """Step and number of a stage -> its longest task as a multiple of its median task, of the stages of several tasks that read
    a shuffle for more than a second."""
    return {
        f"{stage.step or 'other'}, stage {number}": max(stage.task_s) / max(statistics.median(stage.task_s), 1e-3)
        for number, stage in enumerate(stages)
        if stage.shuffle_read and len(stage.task_s) > 1 and sum(stage.task_s) > 1
    }


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields what each night took, and how much more the skewed nights took than the even one."""
    for figure in figures:
        if not figure.is_compared:
            seconds, processor_s, peak_gb = figure.totals
            for what, value, unit, limit in (
                ("from a file of acts to published scores", seconds, "s", figure.limits[0]),
                ("peak memory", peak_gb, "GB", figure.limits[1]),
                ("processor time of a million acts", processor_s / figure.acts * 1e6, "s of a processor", None),
            ):
                yield Measured(name="night", what=what, value=value, unit=unit, limit=limit, size=figure.pairs)
    for figure, ratios in skewed(figures):
        for what, ratio in zip(("seconds", "processor time"), ratios, strict=True):
            yield Measured(
                name="night", what=f"{figure.shape}: {what}", value=ratio, unit="times those of an even night",
                limit=MOST_SKEW,
            )  # fmt: skip


def skewed(figures: Sequence[Figure]) -> Iterator[tuple[Figure, tuple[float, float]]]:
    """The skewed nights, with their seconds and processor seconds as multiples of those of the even night."""
    compared = {figure.shape: figure for figure in figures if figure.is_compared}
    for shape in (RECEIVER, ACTOR):
        if shape in compared and EVEN in compared:
            (seconds, processor_s, _), even = compared[shape].totals, compared[EVEN].totals
            yield compared[shape], (seconds / even[0], processor_s / even[1])


def table(figures: list[Figure]) -> Group:
    """A row per night and command, then the skewed nights beside the even one."""
    shown = Table(title="a night, from a file of acts to published scores")
    for head in (
        "night",
        "pairs",
        "people",
        "command",
        "s",
        "processor s",
        "for a million acts",
        "peak GB",
        "limit",
        "",
    ):
        shown.add_column(head, justify="left" if head in ("night", "command", "") else "right", overflow="fold")
    for figure in figures:
        for command in figure.seconds:
            used = (figure.seconds[command], figure.processor_s[command], figure.peak_gb[command])
            shown.add_row("", "", "", command, *_used(figure, used))
        over = any(value > (limit or math.inf) for value, limit in zip(figure.totals[::2], figure.limits, strict=True))
        shown.add_row(
            f"{figure.acts:,} acts, {figure.shape}",
            f"{figure.pairs:,}",
            f"{figure.people:,}",
            f"all ({figure.engine})",
            *_used(figure, figure.totals),
            "{:g} s, {:g} GB".format(*figure.limits) if figure.limits[0] else "",
            "over the limit" if over else "",
            end_section=True,
        )
    beside = Table(title="skewed nights, as multiples of an even one; tasks as multiples of their stage's median task")
    for head in ("night", "s", "processor s", "limit", "longest tasks", ""):
        beside.add_column(head, justify="left" if head in ("night", "longest tasks", "") else "right")
    for figure, ratios in skewed(figures):
        highest = sorted(figure.longest.items(), key=lambda item: -item[1])[:3]
        tasks = "; ".join(f"{stage}: {ratio:.1f}" for stage, ratio in highest)
        judged = "over the limit" if max(ratios) > MOST_SKEW else ""
        beside.add_row(figure.shape, *(f"{ratio:.2f}" for ratio in ratios), f"{MOST_SKEW:g}", tasks, judged)
    return Group(shown, beside) if beside.row_count else Group(shown)


def _used(figure: Figure, used: tuple[float, float, float]) -> tuple[str, str, str, str]:
    seconds, processor_s, peak_gb = used
    return f"{seconds:.1f}", f"{processor_s:.1f}", f"{processor_s / figure.acts * 1e6:.1f}", f"{peak_gb:.2f}"
