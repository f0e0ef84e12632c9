"""All engines give the same bits: on oracles, real graphs and graphs built to break them, however the rows lie."""

import gzip
import json
import sys
from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import score_inputs
from jobs.backends.spark import in_spark
from jobs.engines import Engine
from jobs.engines.graphframes import GraphFramesEngine
from jobs.engines.memory import influence
from jobs.engines.numbers import in_numbers
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.window import counted_window
from schemas.fixed_point import UNIT
from schemas.influence import INFLUENCE
from tests.fixture_types import FindFile
from tests.jobs.equations import SCALE, Parts, shares
from tests.jobs.higgs import LAST, OFFICIAL
from tests.tiny_days import large_days

Graph = tuple[np.ndarray, np.ndarray, np.ndarray]  # src, dst, a
WRITTEN_OUT = ("hand", "random-200", "random-200-damping85")  # oracles that name every edge and everybody's sums


def answers_of(data: FindFile, name: str) -> dict:
    return json.loads(data(f"influence-oracle/{name}.json").read_text())


def oracle(data: FindFile, name: str) -> Graph:
    """People are numbered in order of their names."""
    answers = answers_of(data, name)
    weights = {(src, dst): round(weight * SCALE) for src, dst, weight in answers["edge_list"]}
    found = shares(weights, answers["credibility"], answers["damping"], answers["rest_weight"])
    number = {person: place for place, person in enumerate(sorted({person for pair in found for person in pair}))}
    src, dst = (np.array([number[pair[end]] for pair in found], np.int32) for end in (0, 1))
    return src, dst, np.array(list(found.values()), np.int64)


def slashdot(data: FindFile) -> Graph:
    """The first 2,000 people of a real network: 21,000 edges, nearly all of them mutual, and very many loops. Everybody spends
    as much on each. `test_memory.py` compares engine `memory` with an independent program on the whole network."""
    with gzip.open(data("graphs/soc-Slashdot0902.txt.gz")) as lines:
        arcs = np.loadtxt(lines, np.int32)
    arcs = np.unique(arcs[(arcs[:, 0] != arcs[:, 1]) & (arcs < 2_000).all(axis=1)], axis=0)
    src, dst = arcs[:, 0].copy(), arcs[:, 1].copy()
    return src, dst, np.rint(0.5 / (1 + np.bincount(src)[src]) * SCALE).astype(np.int64)


def spent(pairs: np.ndarray, rng: np.random.Generator) -> Graph:
    """Distinct pairs with weights over six decades; one actor in twenty is not believed."""
    pairs = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    weight = 10.0 ** rng.uniform(-3, 3, len(pairs))
    everybody = pairs.max() + 1
    rest = np.bincount(pairs[:, 0], weight, everybody) + 1
    believed = rng.random(everybody) >= 0.05
    a = np.rint(0.85 * believed[pairs[:, 0]] * weight / rest[pairs[:, 0]] * SCALE)
    return pairs[:, 0].astype(np.int32), pairs[:, 1].astype(np.int32), a.astype(np.int64)


def hub(fans: int, rng: np.random.Generator) -> Graph:
    """Everybody acts on the first; the first answers half of them; some act on each other, so that triangles go through it.
    Some only act, some are only acted on."""
    others = np.arange(1, fans + 1)
    answered = rng.choice(others, fans // 2, replace=False)
    chat = rng.integers(1, fans + 1, (fans // 4, 2))
    return spent(np.concatenate([np.stack([others, 0 * others], 1), np.stack([0 * answered, answered], 1), chat]), rng)


def crowd(people: int, rng: np.random.Generator) -> Graph:
    """Few people and many acts: mutual pairs and triangles everywhere."""
    return spent(rng.integers(0, people, (people * 8, 2)), rng)


def beside(*graphs: Graph) -> Graph:
    """Graphs that do not touch, as one."""
    shifts = np.cumsum([0, *(max(src.max(), dst.max()) + 1 for src, dst, _ in graphs)])
    moved = [(src + shift, dst + shift, a) for (src, dst, a), shift in zip(graphs, shifts, strict=False)]
    src, dst, a = map(np.concatenate, zip(*moved, strict=True))
    return src, dst, a


def assert_same_bits(
    spark: SparkSession, engine: Engine, graph: Graph, rounds: int = 3, partitions: int | None = None
) -> np.ndarray:
    """The engine's sums, given rows in a shuffled order, against those of the engine in memory. Returns them as accounts'
    worth: a row for each step, a column for each person."""
    src, dst, a = graph
    people = int(max(src.max(), dst.max())) + 1
    order = np.random.default_rng(1).permutation(len(a))
    names = pa.array([f"test:{number:07d}" for number in range(people)])
    edges = pa.table({"src": names.take(pa.array(src[order])), "dst": names.take(pa.array(dst[order])), "a": a[order]})
    kept = set(spark.sparkContext._jsc.getPersistentRDDs())
    frame = spark.createDataFrame(edges)
    found = engine.sums(frame.repartition(partitions) if partitions else frame, rounds)
    pulled = found.toArrow().sort_by("id")
    found.unpersist()
    expected = influence(src, dst, a, people, rounds).sums
    there = np.unique(np.concatenate([src, dst]))
    assert pulled.column_names == ["id", "one", "two", "three"]
    assert pulled["id"].equals(pa.chunked_array([names.take(pa.array(there))]))
    for name, whole in zip(("one", "two", "three"), expected, strict=True):
        assert np.array_equal(pulled[name].to_numpy(), whole[there]), name
    assert set(spark.sparkContext._jsc.getPersistentRDDs()) == kept, "what was kept on the way is let go"
    worth = np.zeros((3, people))
    worth[:, there] = [pulled[name].to_numpy() * UNIT for name in ("one", "two", "three")]
    return worth


@pytest.fixture(scope="module")
def small(data: FindFile) -> Graph:
    rng = np.random.default_rng(7)
    oracles = [oracle(data, name) for name in WRITTEN_OUT]
    return beside(*oracles, hub(300, rng), crowd(60, rng))


@pytest.fixture
def partitions(spark: SparkSession, request: pytest.FixtureRequest) -> Iterator[int]:
    """This many after each exchange: Spark would make one of several that hold little."""
    ours = {"spark.sql.shuffle.partitions": request.param, "spark.sql.adaptive.coalescePartitions.enabled": False}
    before = {name: str(spark.conf.get(name)) for name in ours}
    for name, value in ours.items():
        spark.conf.set(name, value)
    yield request.param
    for name, value in before.items():
        spark.conf.set(name, value)


@pytest.mark.parametrize("partitions", [1, 5], indirect=True)
def test_however_rows_are_spread(spark: SparkSession, distributed: Engine, small: Graph, partitions: int) -> None:
    assert_same_bits(spark, distributed, small, partitions=partitions)


@pytest.mark.parametrize("rounds", [1, 2])
def test_fewer_rounds(spark: SparkSession, distributed: Engine, small: Graph, rounds: int) -> None:
    assert_same_bits(spark, distributed, small, rounds)


def test_where_hashes_of_names_meet(
    spark: SparkSession, distributed: Engine, small: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_few = partial(in_numbers, hashed=lambda name: F.pmod(F.xxhash64(name), F.lit(50)))
    monkeypatch.setattr(sys.modules[type(distributed).__module__], "in_numbers", of_few)
    assert_same_bits(spark, distributed, small)


def test_nobody_passes_anything_on(spark: SparkSession, distributed: Engine) -> None:
    """Every actor without credibility: accounts are there, with nothing."""
    none = np.zeros(2, np.int64)
    assert_same_bits(spark, distributed, (np.array([0, 1], np.int32), np.array([1, 2], np.int32), none))


def test_large_graphs_and_every_oracle(spark: SparkSession, distributed: Engine, data: FindFile) -> None:
    """A hub of 30,000 edges beside a real graph with many loops, and beside the oracles whose sums an independent program
    computed. Larger graphs are measured by `infra/bench.sh distributed`."""
    rng = np.random.default_rng(9)
    graphs = [*(oracle(data, name) for name in WRITTEN_OUT), slashdot(data), hub(20_000, rng), crowd(500, rng)]
    src, dst, _ = graphs[-2]
    assert np.count_nonzero((src == 0) | (dst == 0)) > 29_000
    with large_days(spark):
        found = assert_same_bits(spark, distributed, beside(*graphs))

    for name in WRITTEN_OUT:
        answers = answers_of(data, name)
        parts, found = np.split(found, [answers["vertices"]], axis=1)
        expected = np.array(
            [[answers[step][person] for person in sorted(answers["influence"])] for step in Parts._fields]
        )
        assert np.all(np.abs(parts - expected) <= 1e-9 * np.maximum(1, expected.sum(axis=0))), name


@pytest.mark.parametrize("distributed", [GraphFramesEngine], indirect=True, ids=lambda kind: kind.name)
def test_a_real_day(spark: SparkSession, distributed: Engine, request: pytest.FixtureRequest) -> None:
    """Higgs day 7 against what is published; engine `spark` scores it on a cluster (`tests/dags/test_cluster.py`)."""
    higgs = request.getfixturevalue("higgs")  # a minute's work, only where the engine is
    inputs = score_inputs.read(higgs, counted_window(higgs, LAST, OFFICIAL), RollUps("any", 0, {}))
    with in_spark(spark, inputs.row_count) as backend:
        found = distributed.sums(inputs.spread(backend), OFFICIAL.rounds)
        pulled = found.toArrow().sort_by("id")
    found.unpersist()
    published = higgs.read(INFLUENCE).sort_by("person_id")
    assert pulled["id"].equals(published["person_id"])
    for name, part in (("one", "direct"), ("two", "second"), ("three", "third")):
        assert np.array_equal(pulled[name].to_numpy() * UNIT, published[part].to_numpy()), name
