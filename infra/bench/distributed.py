"""Times engines `spark` and `graphframes`, from edges to influence, against two sweeps of GraphFrames' PageRank.

All run on the same graph, in the same session. PageRank does less: it ignores weights, and a sweep is one round, while the
engines compute three rounds and the loops. Most of PageRank's time goes into numbering the accounts, which the engines do too.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import graphs
from measuring import Command
from records import Measured
from rich.table import Table

MEASURED = ("slashdot", "higgs", "rmat-2M", "realistic-16M")  # the loops of rmat-16M would take hours by joins
TWICE = 4_000_000  # graphs of up to this many edges run twice, so that the second run is warm
SWEEPS = 2


@dataclass
class Figure:
    """One graph: the least seconds of all repetitions, by part, and the peak memory of the whole process and its JVM."""

    graph: str
    edges: int = 0
    people: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    peak_gb: float = 0.0
    note: str = ""
    name: str = "distributed"


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per graph of `MEASURED`, each measured in a process of its own. A figure of an unavailable graph has only
    a note."""
    for name in wanted:
        if name in MEASURED:
            figure = Figure(name, note=graphs.missing(name))
            if not figure.note:
                graphs.path(name)
                ran = Command(sys.executable, __file__, name)
                vars(figure).update(json.loads(ran.lines[-1][1]), peak_gb=ran.peak_gb)
            yield figure


def measure(name: str) -> dict[str, Any]:
    """Measures one graph in a session of its own. Returns the numbers of its edges and people, and the least seconds of each
    part."""
    from jobs import session

    graph = graphs.load(name)
    size = {"edges": len(graph.src), "people": graph.accounts}
    repetitions = 2 if len(graph.src) <= TWICE else 1
    with TemporaryDirectory() as folder:
        file = str(Path(folder) / "edges.parquet")
        graphs.write(graph, file)
        del graph
        spark = session.build()
        edges = spark.read.parquet(file).persist()
        edges.count()
        seconds: dict[str, float] = {}
        for _ in range(repetitions):
            for part, run in _parts(bool(session.graphframes_jars())).items():
                began = time.perf_counter()
                run(edges)
                seconds[part] = min(time.perf_counter() - began, seconds.get(part, float("inf")))
                print(f"{name}: {part} {seconds[part]:.1f} s", flush=True)
        spark.stop()
    return size | {"seconds": seconds}


def _parts(with_graphframes: bool) -> dict[str, Callable[[Any], object]]:
    from jobs.engines.choice import ENGINES

    def of_engine(name: str) -> Callable[[Any], object]:
        return lambda edges: ENGINES[name]().sums(edges, 3).unpersist()

    if not with_graphframes:
        return {"spark": of_engine("spark")}
    return {"spark": of_engine("spark"), "graphframes": of_engine("graphframes"), "sweeps": _page_rank}


def _page_rank(edges: Any) -> None:
    from graphframes import GraphFrame

    people = edges.selectExpr("src as id").union(edges.selectExpr("dst as id")).distinct()
    ranked = GraphFrame(people, edges.select("src", "dst")).pageRank(maxIter=SWEEPS)
    ranked.vertices.count()
    ranked.unpersist()


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields the seconds of engine `spark` on each graph, with the others as its peers, and the peak memory of all."""
    names = {"graphframes": "engine graphframes", "sweeps": f"{SWEEPS} sweeps of PageRank"}
    for figure in figures:
        if figure.seconds:
            peers = {names[part]: seconds for part, seconds in figure.seconds.items() if part in names}
            values = (
                ("engine spark, from edges to influence", figure.seconds["spark"], "s"),
                ("peak memory of all of them", figure.peak_gb, "GB"),
            )
            for (what, value, unit), beside in zip(values, (peers, {}), strict=True):
                yield Measured(name=figure.name, what=what, value=value, unit=unit, size=figure.edges, peers=beside)


def table(figures: list[Figure]) -> Table:
    """A row per graph. `to spark` is the ratio of the times of `graphframes` and `spark`; `spark to sweeps` is the ratio of the
    times of `spark` and PageRank."""
    shown = Table(title=f"engines on Spark, and {SWEEPS} sweeps of GraphFrames' PageRank")
    heads = ("graph", "M edges", "spark s", "graphframes s", "to spark", "sweeps s", "spark to sweeps", "GB", "")
    for head in heads:
        shown.add_column(head, justify="left" if head in ("graph", "") else "right", no_wrap=head == "graph")
    for figure in figures:
        seconds, note = figure.seconds, figure.note
        beside = ["", "", "", ""]
        if "graphframes" in seconds:
            spark, graphframes, sweeps = seconds["spark"], seconds["graphframes"], seconds["sweeps"]
            beside = [f"{graphframes:.1f}", f"{graphframes / spark:.2f}", f"{sweeps:.1f}", f"{spark / sweeps:.2f}"]
        elif seconds:
            note = "no GraphFrames here (CLOUT_GRAPHFRAMES_JARS)"
        measured = [f"{figure.edges / 1e6:.2f}", f"{seconds['spark']:.1f}"] if seconds else ["", ""]
        shown.add_row(figure.graph, *measured, *beside, f"{figure.peak_gb:.2f}" if seconds else "", note)
    return shown


if __name__ == "__main__":  # a process that measures one graph
    print(json.dumps(measure(sys.argv[1])))
