"""Times engine `memory` on real and generated graphs, from edges in memory to influence with all its messages.

For comparison, igraph and networkx get the same edges and compute their weighted PageRank. Their time includes building their
graph.
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import graphs
import numpy as np
from graphs import Graph
from measuring import Command
from numba import njit
from records import Measured
from rich.table import Table

Seconds = dict[str, float]
AT_MOST = {"networkx": 1_000_000}  # edges, which take it a minute
REPEATED = 8_000_000  # edges of all repetitions together; a graph has two to five repetitions


@dataclass
class Figure:
    """One engine on one graph: the least seconds of all repetitions, for the whole and for its parts. `peak_gb` is the peak
    memory of the process, with the graph."""

    graph: str
    engine: str
    edges: int = 0
    people: int = 0
    seconds: Seconds = field(default_factory=dict)
    peak_gb: float = 0.0
    note: str = ""
    name: str = "engines"


def took(call: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """Returns the seconds that the call took, and its result."""
    began = time.perf_counter()
    result = call(*arguments)
    return time.perf_counter() - began, result


def least(call: Callable[..., Any], *arguments: Any) -> float:
    """The least seconds of three consecutive calls, for calls so short that cold caches and new pages dominate the first."""
    return min(took(call, *arguments)[0] for _ in range(3))


def of_memory(graph: Graph) -> Seconds:
    """Seconds of engine `memory`: `whole`, and its parts `index`, `loops` and `sums` (messages and sums of three rounds).

    `bare` is a lower bound for `sums`: three passes that access the same arrays as rounds do, without the arithmetic of rounds.
    """
    from jobs.engines.edge_rows import edge_rows
    from jobs.engines.loops import loops
    from jobs.engines.memory import in_rows, influence

    whole, _ = took(influence, graph.src, graph.dst, graph.a, graph.accounts)
    index, rows = took(edge_rows, graph.src, graph.dst, graph.a, graph.accounts)
    looping, loop = took(loops, rows)
    sums = least(in_rows, rows, 3, loop)
    arrived = np.zeros(graph.accounts, np.int64)
    bare = least(lambda: [_bare(rows.row, rows.other, rows.a, rows.twin, loop, arrived) for _ in range(3)])
    return {"whole": whole, "index": index, "loops": looping, "sums": sums, "bare": bare}


@njit
def _bare(
    row: np.ndarray, other: np.ndarray, a: np.ndarray, twin: np.ndarray, loop: np.ndarray, arrived: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    message, total = np.empty_like(a), np.zeros_like(arrived)
    for e in range(len(row)):
        message[e] = a[e] + a[np.uint32(max(0, twin[e]))] + loop[e] + arrived[np.uint32(other[e])]
        total[np.uint32(row[e] >> 1)] += message[e]
    return message, total


def of_igraph(graph: Graph) -> Seconds:
    """Seconds to build the graph (`build`), to compute PageRank (`rank`), and for both (`whole`)."""
    import igraph

    weights = graph.weight.tolist()  # not timed: igraph takes only lists
    build, built = took(igraph.Graph, graph.accounts, np.column_stack([graph.src, graph.dst]), True)
    rank, _ = took(lambda: built.pagerank(weights=weights))
    return {"whole": build + rank, "build": build, "rank": rank}


def of_networkx(graph: Graph) -> Seconds:
    """Like `of_igraph`. The conversion of the arrays to a list of edges is not timed."""
    import networkx

    edges = list(zip(graph.src.tolist(), graph.dst.tolist(), graph.weight.tolist(), strict=True))
    built = networkx.DiGraph()
    build, _ = took(built.add_weighted_edges_from, edges)
    rank, _ = took(networkx.pagerank, built)
    return {"whole": build + rank, "build": build, "rank": rank}


ENGINES: dict[str, Callable[[Graph], Seconds]] = {"memory": of_memory, "igraph": of_igraph, "networkx": of_networkx}


def figures(wanted: Sequence[str]) -> Iterator[Figure]:
    """Yields a figure per graph and engine, each measured in a process of its own. A figure of an unavailable graph has only a
    note."""
    for name in wanted:
        missing = graphs.missing(name)
        if not missing:
            graphs.path(name)
        for engine in ENGINES:
            figure = Figure(name, engine, note=missing)
            if not missing:
                ran = Command(sys.executable, __file__, name, engine)
                vars(figure).update(json.loads(ran.lines[-1][1]))
                figure.peak_gb = max(figure.peak_gb, ran.peak_gb)
            yield figure


def measure(name: str, engine: str) -> dict[str, Any]:
    """Runs the engine two to five times, after a warm-up. Returns fields of the figure: the least seconds of each part, and the
    process's peak memory in GB. For a graph that is too large for the engine it returns a note instead."""
    graph = graphs.load(name)
    size = {"edges": len(graph.src), "people": graph.accounts}
    if len(graph.src) > AT_MOST.get(engine, sys.maxsize):
        return size | {"note": f"left out above {AT_MOST[engine]:,} edges"}
    ENGINES[engine](graphs.triangle())  # loads compiled code and imports modules
    repetitions = [ENGINES[engine](graph) for _ in range(min(5, max(2, REPEATED // len(graph.src))))]
    least = {part: min(parts[part] for parts in repetitions) for part in repetitions[0]}
    return size | {"seconds": least, "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6}


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields the seconds and the peak memory of engine `memory` on each graph, with the other libraries as its peers."""
    ran = [figure for figure in figures if figure.seconds]
    for own in (figure for figure in ran if figure.engine == "memory"):
        rivals = [figure for figure in ran if figure.graph == own.graph and figure is not own]
        values = (
            ("engine memory, from edges to influence", own.seconds["whole"], "s"),
            ("peak memory of its process", own.peak_gb, "GB"),
        )
        others = (
            {each.engine: each.seconds["whole"] for each in rivals},
            {each.engine: each.peak_gb for each in rivals},
        )
        for (what, value, unit), peers in zip(values, others, strict=True):
            yield Measured(name=own.name, what=what, value=value, unit=unit, size=own.edges, peers=peers)


def table(figures: list[Figure]) -> Table:
    """A row per graph: seconds of each engine and, for `memory`, its parts, its speed-up over the others, and its time per
    edge, which shows how the time grows with the graph."""
    others = [engine for engine in ENGINES if engine != "memory"]
    beside = [head for other in others for head in (f"{other} s", "times")]
    gigabytes = [f"GB {engine}" for engine in ENGINES]
    shown = Table(title="from edges to influence (memory) or PageRank (igraph, networkx)")
    heads = ("graph", "M edges", "memory s", "index", "loops", "sums", "sums/bare", *beside, "ns/edge", *gigabytes)
    for head in heads:
        shown.add_column(head, justify="left" if head == "graph" else "right", no_wrap=head == "graph", overflow="fold")
    graphs = {figure.graph: figure for figure in figures}
    by_engine = {(figure.graph, figure.engine): figure for figure in figures}
    for name, any_engine in graphs.items():
        if not any_engine.edges:
            shown.add_row(name, any_engine.note)
            continue
        memory, *rivals = (by_engine[name, engine] for engine in ENGINES)
        own = memory.seconds
        compared = [
            cell
            for rival in rivals
            for cell in ((f"{rival.seconds['whole']:.2f}", _times(rival, memory)) if rival.seconds else ("", ""))
        ]
        shown.add_row(
            name,
            f"{memory.edges / 1e6:.2f}",
            *(f"{own[part]:.3f}" for part in ("whole", "index", "loops", "sums")),
            f"{own['sums'] / own['bare']:.1f}",
            *compared,
            f"{own['whole'] / memory.edges * 1e9:.0f}",
            *(f"{figure.peak_gb:.2f}" if figure.seconds else "" for figure in (memory, *rivals)),
        )
    return shown


def _times(rival: Figure, memory: Figure) -> str:
    return f"{rival.seconds['whole'] / memory.seconds['whole']:.1f}"


if __name__ == "__main__":  # a process that measures one engine on one graph
    print(json.dumps(measure(*sys.argv[1:])))
