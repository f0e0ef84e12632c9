"""Measures a night on a warehouse of 200 days, and on one of ten years whose last 200 days are the same.

The two nights alternate and are compared in processor time, so that other work on the machine hardly shows in their ratio.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import TemporaryDirectory
from typing import Any

import graphs
import numpy as np
from history_tables import COMMANDS, LAST_DAY, LONG, PERSON, SHORT, SOURCE, path
from measuring import Command
from pipeline import CLOUT
from records import Measured
from rich.table import Table

from jobs.nights import readiness
from jobs.warehouse.pruning import files
from jobs.warehouse.storage import Warehouse
from jobs.why import paths, sensitivity
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.scores import SCORES

MEASURED = 3  # repetitions, of which the fastest counts

# Limits of the figures on ten years: multiples of the figure on 200 days, or seconds.
RATIOS = {"night, processor time": 1.1}
SECONDS = {"read one day": 0.09, "show PERSON": 1.0, "paths of a hub": 2.0}


@dataclass
class Figure:
    """A figure of both warehouses, in seconds or files. A figure that needs no warehouse has only `long`."""

    what: str
    short: float | None = None
    long: float | None = None
    unit: str = "s"
    name: str = "history"


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Yields the figure of a hub's paths, then each figure of both warehouses."""
    yield Figure("paths of a hub", long=_hub())
    nights: dict[int, list[list[Command]]] = {SHORT: [], LONG: []}
    measured: dict[int, dict[str, float]] = {}
    for turn in range(MEASURED):
        for days in sorted(nights, reverse=turn % 2 == 1):
            with _copy(days) as warehouse:
                nights[days].append(night(warehouse))
                if turn == MEASURED - 1:
                    measured[days] = measure(warehouse)
    short, long = (_of_nights(nights[days]) | measured[days] for days in (SHORT, LONG))
    for what in short:
        yield Figure(what, short[what], long[what], unit="files" if "files" in what else "s")


@contextmanager
def _copy(days: int) -> Iterator[Warehouse]:
    """A copy of the warehouse of `days` days, by hard links, since no command changes a file."""
    with TemporaryDirectory(dir=graphs.folder()) as copy:
        shutil.copytree(path(days), copy, copy_function=os.link, dirs_exist_ok=True)
        yield Warehouse(copy)


def night(warehouse: Warehouse) -> list[Command]:
    """Counts, scores, checks and publishes the last day."""
    return [Command(CLOUT, job, "--day", str(LAST_DAY), CLOUT_WAREHOUSE=warehouse.root) for job in COMMANDS]


def _of_nights(nights: Sequence[Sequence[Command]]) -> dict[str, float]:
    """What -> seconds: for each command its least processor time of all nights, then the sum of these times, and the wall time
    of the fastest night."""
    least = [min(command.processor_s for command in repeated) for repeated in zip(*nights, strict=True)]
    of_commands = {f"  {job}": seconds for job, seconds in zip(COMMANDS, least, strict=True)}
    wall = min(sum(command.seconds for command in commands) for commands in nights)
    return {"night, processor time": sum(least), **of_commands, "night, wall time": wall}


def measure(warehouse: Warehouse) -> dict[str, float]:
    """What -> seconds or files, on a warehouse whose last day is published."""
    root, before = warehouse.root, LAST_DAY - timedelta(days=1)
    measured: dict[str, float] = {}
    measured["read one day"] = _best(lambda: Warehouse(root).read(ACTIVITY, {"day": before}))
    measured["wait for a day"] = _best(
        lambda: readiness.missing(
            Warehouse(root), [SOURCE], before - timedelta(days=179), before, datetime.now(UTC), 12
        )
    )
    measured["explain"] = _command(root, "explain", _engaged(warehouse), "--day", str(LAST_DAY), "--json")
    measured["show PERSON, before maintenance"] = _command(root, "show", PERSON, "--json")
    measured["files before maintenance"] = _files(root)
    measured["plan all tables, before maintenance"] = _best(lambda: _files(root))
    measured["maintain"] = _command(root, "maintain", times=1)
    measured["files after maintenance"] = _files(root)
    measured["plan all tables"] = _best(lambda: _files(root))
    measured["show PERSON"] = _command(root, "show", PERSON, "--json")
    return measured


def _best(call: Callable[[], Any]) -> float:
    def timed() -> float:
        began = time.monotonic()
        call()
        return time.monotonic() - began

    return min(timed() for _ in range(MEASURED))


def _command(root: str, *arguments: str, times: int = MEASURED) -> float:
    return min(Command(CLOUT, *arguments, CLOUT_WAREHOUSE=root).seconds for _ in range(times))


def _files(root: str) -> int:
    warehouse = Warehouse(root)
    return sum(files(warehouse.delta(table)).num_rows for table in TABLES)


def _engaged(warehouse: Warehouse) -> str:
    """The person_id of the first person by rank and person_id on `LAST_DAY`."""
    people = warehouse.read(SCORES, {"day": LAST_DAY}, columns=["person_id", "rank"])
    return people.sort_by([("rank", "ascending"), ("person_id", "ascending")])["person_id"][0].as_py()


def _hub() -> float:
    """Seconds to find the largest paths to a person with 20,000 engagers, two million paths of two steps and some sixteen
    million of three."""
    rng = np.random.default_rng(5)
    fans, others, accounts = 20_000, 380_000, 400_001
    src = [np.arange(1, fans + 1), *(rng.integers(fans + 1, accounts, count) for count in (2_000_000, 8 * others))]
    dst = [np.zeros(fans, int), rng.integers(1, fans + 1, 2_000_000), rng.integers(fans + 1, accounts, 8 * others)]
    key = np.unique(np.concatenate(src) * accounts + np.concatenate(dst))
    key = key[key // accounts != key % accounts]
    graph = sensitivity.graph((key // accounts).astype(np.int32), (key % accounts).astype(np.int32), accounts)
    share = rng.random(len(key))
    return _best(lambda: paths.largest(graph, share, 0, 3, 11))


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields each figure on ten years, with that on 200 days as its peer, and the ratios that have a limit."""
    for figure in figures:
        what = figure.what.strip()
        if figure.long is not None:
            peers = {} if figure.short is None else {f"{SHORT} days": figure.short}
            limit = SECONDS.get(what)
            yield Measured(name=figure.name, what=what, value=figure.long, unit=figure.unit, limit=limit, peers=peers)
        if what in RATIOS and figure.short and figure.long:
            ratio, limit = figure.long / figure.short, RATIOS[what]
            what = f"{what}, as a multiple of {SHORT} days"
            yield Measured(name=figure.name, what=what, value=ratio, unit="times", limit=limit)


def table(figures: list[Figure]) -> Table:
    """A row per figure. A limit applies to the seconds on the long history, or to their ratio to the seconds on the short
    one."""
    shown = Table(title=f"what history costs: {SHORT} days and {LONG:,} days that end alike")
    for head in ("", f"{SHORT} days", f"{LONG:,} days", "ratio", "limit", " "):
        shown.add_column(head, justify="left" if not head.strip() else "right", overflow="fold")
    for figure in figures:
        ratio = figure.long / figure.short if figure.short and figure.long else None
        most_s, most = SECONDS.get(figure.what), RATIOS.get(figure.what)
        over = (most_s and figure.long and figure.long > most_s) or (most and ratio and ratio > most)
        shown.add_row(
            figure.what,
            *(_written(value, figure.unit) for value in (figure.short, figure.long)),
            f"{ratio:.2f}" if ratio else "",
            f"{most_s:g} s" if most_s else f"{most:g} times" if most else "",
            "over the limit" if over else "",
        )
    return shown


def _written(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:,.0f} {unit}" if unit == "files" else f"{value:.2f} {unit}"
