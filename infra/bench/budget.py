"""Measures the memory that engine `memory` adds to its process with edges from Spark, against the bound of `needed_bytes`."""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import graphs
import pyarrow as pa
from measuring import Command
from records import Measured
from rich.table import Table

NAME_BYTES = 22  # as `sample-birdsong:123456` has
OTHER_NAMES = {"realistic-4M": (9, 40)}


@dataclass
class Figure:
    """One graph with names of one length. `added_gb` is the peak during `MemoryEngine.sums` minus the memory held before it
    (1 GB = 10^9 bytes)."""

    graph: str
    name_bytes: int
    pairs: int = 0
    people: int = 0
    seconds: float = 0.0
    added_gb: float = 0.0
    needed_gb: float = 0.0
    note: str = ""
    name: str = "budget"


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per graph and length of names, each measured in a process of its own. A figure of an unavailable graph
    has only a note."""
    for name in wanted:
        for length in (NAME_BYTES, *OTHER_NAMES.get(name, ())):
            figure = Figure(name, length, note=graphs.missing(name))
            if not figure.note:
                graphs.path(name)
                ran = Command(sys.executable, __file__, name, str(length))
                vars(figure).update(json.loads(ran.lines[-1][1]))
            yield figure


def measure(name: str, length: int) -> dict[str, Any]:
    """Measures one graph, and returns fields of the figure. Spark reads the edges from a file; when it scores a day, it reads
    them from its cache."""
    from jobs import session
    from jobs.engines.memory import MemoryEngine, need

    os.environ["CLOUT_MEMORY_GB"] = "1000"
    graph = graphs.load(name)
    with TemporaryDirectory() as folder:
        file = str(Path(folder) / "edges.parquet")
        graphs.write(graph, file, length)
        people = graph.accounts
        del graph
        pa.default_memory_pool().release_unused()
        spark = session.build()
        edges = spark.read.parquet(file)
        MemoryEngine().sums(edges.limit(10_000), 3)  # loads compiled code
        needed = need(edges)
        Path("/proc/self/clear_refs").write_text("5")  # resets the peak
        before, began = _held("VmRSS"), time.monotonic()
        MemoryEngine().sums(edges, 3)
        took, peak = time.monotonic() - began, _held("VmHWM")
        spark.stop()
    return {
        "pairs": needed.pairs,
        "people": people,
        "seconds": took,
        "added_gb": (peak - before) / 1e9,
        "needed_gb": needed.needed_bytes / 1e9,
    }


def _held(what: str) -> int:
    """Bytes of this process's memory: `VmRSS` now, `VmHWM` at its peak."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields the memory that the engine added, of each graph and length of names. Its limit is the engine's own estimate."""
    for figure in figures:
        if not figure.note:
            what = f"memory that engine memory adds, names of {figure.name_bytes} bytes"
            yield Measured(
                name=figure.name, what=what, value=figure.added_gb, unit="GB", limit=figure.needed_gb, size=figure.pairs
            )


def table(figures: list[Figure]) -> Table:
    """A row per figure. A ratio below 1 means that `needed_bytes` is no upper bound."""
    shown = Table(title="engine memory, with edges from Spark")
    heads = (
        "graph",
        "bytes a name",
        "pairs",
        "people",
        "seconds",
        "added GB",
        "per pair",
        "needed_bytes says",
        "ratio",
    )
    for head in heads:
        shown.add_column(head, justify="left" if head == "graph" else "right", overflow="fold")
    for figure in figures:
        if figure.note:
            shown.add_row(figure.graph, figure.note)
            continue
        shown.add_row(
            figure.graph,
            str(figure.name_bytes),
            f"{figure.pairs:,}",
            f"{figure.people:,}",
            f"{figure.seconds:.1f}",
            f"{figure.added_gb:.2f}",
            f"{figure.added_gb * 1e9 / figure.pairs:.0f} B",
            f"{figure.needed_gb:.2f} GB",
            f"{figure.needed_gb / figure.added_gb:.2f}",
        )
    return shown


if __name__ == "__main__":  # a process that measures one graph
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
