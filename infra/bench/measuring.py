"""Runs a command, times it and the lines that it prints, and watches its memory. Shows figures that have a limit."""

import ctypes
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from jobs.places import ROOT

DATA = Path(os.environ.get("CLOUT_TEST_DATA", ROOT.parent / "shared" / "data"))
HIGGS = DATA / "twitter-higgs" / "higgs-activity_time.txt.gz"
LOOK_EVERY_S = 1.0  # not more often: each look walks the page tables of a JVM of 3 GB
WHOLE = frozenset({"", "files", "people", "components"})  # units of numbers without a fraction
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


@dataclass
class Figure:
    """A measured value. `limit` is the most that it may be, None if it has no limit."""

    what: str
    measured: float
    unit: str
    limit: float | None = None


def table(title: str, figures: Sequence[Figure]) -> Table:
    """A row per figure, with its limit."""
    shown = Table(title=title)
    for head in ("", "limit", "measured", " "):
        shown.add_column(head, justify="left" if not head.strip() else "right")
    for figure in figures:
        limit = "" if figure.limit is None else f"{figure.limit:g} {figure.unit}"
        is_over = figure.limit is not None and figure.measured > figure.limit
        digits = 2 if figure.unit not in WHOLE and figure.measured < 100 else 0
        shown.add_row(
            figure.what, limit, f"{figure.measured:,.{digits}f} {figure.unit}", "over the limit" if is_over else ""
        )
    return shown


class Command:
    """A command that has ended. `lines`: what it printed, each line with the seconds after the start. `seconds`: how long it
    took. `processor_s`: the processor time of all its processes. `peak_gb`: their peak memory (PSS, so that shared pages count
    once), sampled each second.

    Creating it runs the command and waits until all its processes have ended. If the command fails, this process exits with the
    command's last lines.
    """

    def __init__(self, *arguments: str, **environment: str) -> None:
        self.lines: list[tuple[float, str]] = []
        self.peak_gb = 0.0
        # A JVM ends after the process that started it. To get the JVM's processor time, this process must then wait for the
        # JVM.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        others, before = _children(), _processor_s()
        began = time.monotonic()
        with subprocess.Popen(
            arguments, env=os.environ | environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            ended = threading.Event()
            watcher = threading.Thread(target=self._watch, args=(process.pid, ended), daemon=True)
            watcher.start()
            for line in process.stdout or ():
                self.lines.append((time.monotonic() - began, line.rstrip()))
            status = process.wait()
            self.seconds = time.monotonic() - began
            ended.set()
            watcher.join()
        for orphan in _children() - others:
            os.waitpid(orphan, 0)
        self.processor_s = _processor_s() - before
        if status:
            sys.exit("\n".join([*(line for _, line in self.lines[-20:]), f"bench: failed: {' '.join(arguments)}"]))

    def _watch(self, root: int, ended: threading.Event) -> None:
        while not ended.wait(LOOK_EVERY_S):
            self.peak_gb = max(self.peak_gb, sum(map(_pss, _tree(root))) / 1e9)


def _processor_s() -> float:
    """User and system time of this process's children that have ended, and of those for which they waited."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def _children() -> set[int]:
    """The ids of this process's children."""
    return {child for child, parent in _parents().items() if parent == os.getpid()}


def _tree(root: int) -> set[int]:
    """The ids of the process and of all its descendants."""
    parents, tree = _parents(), {root}
    while grown := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return tree


def _parents() -> dict[int, int]:
    """Process -> its parent, of all processes."""
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # the process has ended
    return parents


def _pss(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
