"""Graphs to measure engines on, generated once and kept in `$CLOUT_BENCH_CACHE` or the user's data folder (`folder`)."""

import gzip
import os
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pyarrow as pa
from measuring import DATA, HIGGS
from pyarrow import parquet

from jobs.places import data_home
from jobs.sources.sample_world import PLATFORMS, Crowd, platform_sizes
from schemas.fixed_point import SCALE

SLASHDOT = DATA / "graphs" / "soc-Slashdot0902.txt.gz"
DAMPING, REST_WEIGHT = 0.5, 1
FIRST_DAY, DAYS = date(2026, 10, 1), 50  # of the simulation; in 50 days a person engages with 14 others on average
PEOPLE = {"realistic-1M": 77_000, "realistic-4M": 308_000, "realistic-16M": 1_232_000}  # of the simulation, by pairs
Ints = np.ndarray


class Graph(NamedTuple):
    """Edges without duplicates or self-loops, in random order, as Spark's partitions return them."""

    src: Ints  # int32, below `accounts`
    dst: Ints
    weight: np.ndarray
    a: Ints  # multiples of 2^-36
    accounts: int


def slashdot() -> Graph:
    """soc-Slashdot0902: 870 thousand edges to friends and foes, five of six of them mutual; many loops."""
    with gzip.open(SLASHDOT) as lines:
        arcs = np.loadtxt(lines, np.int64)
    return _graph(arcs[:, 0], arcs[:, 1])


def higgs() -> Graph:
    """A week of Twitter, 461 thousand pairs. A few accounts hold most of the attention; hardly any loops."""
    acts = f"""
        select u, v, count(*) as acts from read_csv('{HIGGS}', delim = ' ', header = false,
            columns = {{'u': 'int', 'v': 'int', 't': 'int', 'kind': 'varchar'}}) group by u, v
    """
    columns = duckdb.connect().execute(acts).fetchnumpy()
    return _graph(*(np.asarray(columns[name]) for name in ("u", "v", "acts")))


def rmat(edges: int, scale: int) -> Graph:
    """R-MAT (Chakrabarti, Zhan, Faloutsos, SDM 2004) with Graph500's 0.57, 0.19, 0.19, 0.05. Hubs link to hubs, which gives
    hundreds of millions of triangles: the worst case for loops."""
    rng = np.random.default_rng(20)
    pairs = np.zeros(0, np.int64)
    while len(pairs) < edges:
        u, v = np.zeros((2, (edges - len(pairs)) * 5 // 4), np.int64)
        for _ in range(scale):
            quadrant = np.searchsorted([0.57, 0.76, 0.95], rng.random(len(u)))
            u, v = u << 1 | quadrant >> 1, v << 1 | quadrant & 1
        pairs = np.unique(np.concatenate([pairs, (u << scale | v)[u != v]]))
    pairs = rng.choice(pairs, edges, replace=False)
    number = rng.permutation(1 << scale)
    return _graph(number[pairs >> scale], number[pairs & ((1 << scale) - 1)], rng.integers(1, 30, edges))


def crowds(people: int) -> list[Crowd]:
    """The simulated people of each platform."""
    sizes = zip(PLATFORMS, platform_sizes(people), strict=True)
    return [Crowd(platform, size, seed=1) for platform, size in sizes]


def realistic(people: int) -> Graph:
    """The pairs of people of the simulation who engage within `DAYS` days: communities, friends and fans; few loops."""
    counted, below = [], 0
    for crowd in crowds(people):
        for block in crowd.blocks():
            days = [crowd.acts(FIRST_DAY + timedelta(days=day), block) for day in range(DAYS)]
            pairs = np.concatenate([(acts.actor + below) << 32 | (acts.target + below) for acts in days])
            counted.append(np.unique(pairs, return_counts=True))
        below += crowd.size
    pairs, acts = map(np.concatenate, zip(*counted, strict=True))
    return _graph(pairs >> 32, pairs & 0xFFFFFFFF, acts)


def _graph(u: Ints, v: Ints, acts: Ints | int = 1) -> Graph:
    """Numbers accounts from 0 without gaps, and computes shares as a methodology does for acts of a single day. Drops
    self-loops."""
    apart = u != v
    ids, numbers = np.unique(np.concatenate([u[apart], v[apart]]), return_inverse=True)
    order = np.random.default_rng(7).permutation(len(numbers) // 2)
    src, dst = (ends[order].astype(np.int32) for ends in np.split(numbers, 2))
    weight = np.log2(1.0 + np.broadcast_to(acts, len(apart))[apart][order])
    spent = np.bincount(src, weight, len(ids))
    a = np.rint(DAMPING * weight / (REST_WEIGHT + spent[src]) * SCALE).astype(np.int64)
    return Graph(src, dst, weight, a, len(ids))


GRAPHS: dict[str, Callable[[], Graph]] = {
    "slashdot": slashdot,
    "higgs": higgs,
    "rmat-2M": lambda: rmat(2_000_000, scale=18),
    "rmat-16M": lambda: rmat(16_000_000, scale=20),
    **{name: partial(realistic, people) for name, people in PEOPLE.items()},
}
NEEDS = {"slashdot": SLASHDOT, "higgs": HIGGS}  # files that a machine may lack


def missing(name: str) -> str:
    """Why the graph is not available on this machine; empty if it is available."""
    file = NEEDS.get(name)
    return "" if not file or file.exists() else f"skipped: no {file} (CLOUT_TEST_DATA)"


def folder() -> Path:
    """The folder for generated files, created if it does not exist."""
    kept = Path(os.environ.get("CLOUT_BENCH_CACHE") or data_home() / "bench" / "graphs")
    kept.mkdir(parents=True, exist_ok=True)
    return kept


def made_once(name: str, make: Callable[[Path], None]) -> Path:
    """A folder of this name beside the graphs, which `make` fills if it does not exist."""
    kept = folder() / name
    if not kept.exists():
        half = folder() / f"half-{name}"
        shutil.rmtree(half, ignore_errors=True)  # from an interrupted bench
        make(half)
        half.rename(kept)
    return kept


def path(name: str) -> Path:
    """The graph's file. Generates it if it does not exist, which takes two minutes for the largest graph."""
    file = folder() / f"{name}.npz"
    if not file.exists():
        half = folder() / f"{name}.half.npz"
        np.savez(half, **GRAPHS[name]()._asdict())
        half.rename(file)
    return file


def load(name: str) -> Graph:
    """Reads the graph from its file; generates the file if it does not exist."""
    with np.load(path(name)) as kept:
        return Graph(**{column: kept[column] for column in Graph._fields[:-1]}, accounts=int(kept["accounts"]))


def write(graph: Graph, file: str, name_bytes: int = 22) -> None:
    """Writes (src, dst, a) as Parquet for Spark, with names of `name_bytes` bytes; `sample-birdsong:123456` has 22."""
    names = pa.array([f"{number:0{name_bytes}}" for number in range(graph.accounts)])
    ends = {"src": names.take(pa.array(graph.src)), "dst": names.take(pa.array(graph.dst))}
    parquet.write_table(pa.table({**ends, "a": graph.a}), file, row_group_size=1_000_000)


def triangle() -> Graph:
    """Three accounts in a loop, and one edge back: enough to load all compiled code."""
    return _graph(np.array([0, 1, 2, 1]), np.array([1, 2, 0, 0]))
