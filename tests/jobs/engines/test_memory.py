"""Engine `memory` against oracles that an independent program computed, an enumeration of all paths, and Spark's own shares."""

import gzip
import json
import subprocess
import sys
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.backends.spark import in_spark
from jobs.engines import memory
from jobs.engines.memory import MemoryEngine, influence, numbered
from jobs.places import ROOT
from jobs.score import attention
from schemas.fixed_point import UNIT
from schemas.methodology import load
from tests.fixture_types import FindFile
from tests.jobs.equations import SCALE, Graph, Parts, engine, enumerated, graphs, shares, summed

OFFICIAL = load("2026.11")


def near(expected: float, influence: float = 0.0) -> Any:
    """Equal to 1e-9 relative to max(1, influence), as fixed point promises."""
    return pytest.approx(expected, rel=0, abs=1e-9 * max(1, influence))


def oracle(data: FindFile, name: str) -> dict:
    return json.loads(data(f"influence-oracle/{name}.json").read_text())


def weights_of(answers: dict) -> dict[tuple[str, str], int]:
    return {(src, dst): round(weight * SCALE) for src, dst, weight in answers["edge_list"]}


@pytest.mark.parametrize("name", ["hand", "random-200", "random-200-damping85"])
def test_every_message_and_part_of_the_oracle(data: FindFile, name: str) -> None:
    answers = oracle(data, name)
    a = shares(weights_of(answers), answers["credibility"], answers["damping"], answers["rest_weight"])
    messages, sums = engine(a)
    for place, pair in enumerate(a):
        expected = [answers["messages"][step][place] for step in Parts._fields]
        assert messages[pair] == tuple(near(part, sum(expected)) for part in expected), pair
    assert sums.keys() == answers["influence"].keys()
    for person, whole in answers["influence"].items():
        assert sums[person] == tuple(near(answers[step][person], whole) for step in Parts._fields), person
        assert sums[person].influence == near(whole, whole), person


def test_slashdot(data: FindFile) -> None:
    answers = oracle(data, "soc-Slashdot0902")
    with gzip.open(data("graphs/soc-Slashdot0902.txt.gz")) as lines:
        arcs = np.loadtxt(lines, np.int32)
    arcs = np.unique(arcs[arcs[:, 0] != arcs[:, 1]], axis=0)  # acts on oneself are dropped
    src, dst = arcs[:, 0].copy(), arcs[:, 1].copy()
    degree = np.bincount(src, minlength=answers["vertices"])
    a = np.rint(answers["damping"] / (answers["rest_weight"] + degree[src]) * SCALE).astype(np.int64)
    assert len(a) == answers["edges"]
    parts = np.array(influence(src, dst, a, answers["vertices"]).sums) * UNIT
    total = parts.sum(axis=0)
    for step, part in zip(Parts._fields, parts.sum(axis=1), strict=True):
        assert part == near(answers["sum"][step], answers["sum"][step])
    top = np.argsort(-total, kind="stable")[:20]
    assert list(map(str, top)) == [person["id"] for person in answers["top20"]]
    for person, expected in zip(top, answers["top20"], strict=True):
        assert parts[:, person] == pytest.approx(
            [expected[step] for step in Parts._fields], rel=0, abs=1e-9 * max(1, expected["influence"])
        )


def test_once_through_spark(data: FindFile, spark: SparkSession) -> None:
    """Weights -> Spark's shares -> the engine as the job calls it."""
    answers = oracle(data, "random-200")
    edges = pa.Table.from_pylist([{"src": u, "dst": v, "weight": w} for (u, v), w in weights_of(answers).items()])
    unbelieved = pa.Table.from_pylist([{"id": id, "credibility": c} for id, c in answers["credibility"].items()])
    with in_spark(spark, len(edges)) as backend:
        spread = attention.attention(backend, backend.local(edges), backend.local(unbelieved), OFFICIAL)
        found = MemoryEngine().sums(spread, rounds=3).toArrow()
    assert found.column_names == ["id", "one", "two", "three"]
    assert sorted(found["id"].to_pylist()) == sorted(answers["influence"])  # every account once, also who only acts
    for row in found.to_pylist():
        whole = answers["influence"][row["id"]]
        assert [row[step] * UNIT for step in ("one", "two", "three")] == [
            near(answers[step][row["id"]], whole) for step in Parts._fields
        ]


@given(graphs())
def test_all_simple_paths_of_at_most_three_steps(graph: Graph) -> None:
    a = graph.shares()
    messages, sums = engine(a)
    paths = enumerated(a)
    everybody = summed(paths)
    for pair, expected in paths.items():
        assert messages[pair] == tuple(near(part, expected.influence) for part in expected), pair
    for person, expected in everybody.items():
        assert sums[person] == tuple(near(part, expected.influence) for part in expected), person


@given(graphs(), st.randoms(use_true_random=False))
def test_neither_order_nor_names_show(graph: Graph, random: Random) -> None:
    """The same bits, whatever order edges come in and whatever numbers accounts have."""
    a = graph.shares()
    shuffled = random.sample(list(a), len(a))
    names = dict(zip(graph.people, random.sample(graph.people, len(graph.people)), strict=True))
    renamed = {(names[u], names[v]): a[u, v] for u, v in shuffled}
    messages, sums = engine(a)
    other_messages, other_sums = engine(renamed)
    assert other_messages == {(names[u], names[v]): parts for (u, v), parts in messages.items()}
    assert other_sums == {names[person]: parts for person, parts in sums.items()}


@given(graphs())
def test_fewer_rounds_are_the_first_of_three(graph: Graph) -> None:
    a = graph.shares()
    _, three = engine(a)
    assert engine(a, rounds=2)[1] == {person: parts._replace(third=0.0) for person, parts in three.items()}
    assert engine(a, rounds=1)[1] == {person: Parts(parts.direct, 0.0, 0.0) for person, parts in three.items()}


def test_no_edges() -> None:
    none = np.zeros(0, np.int32)
    found = influence(none, none, np.zeros(0, np.int64), accounts=3)
    assert [part.tolist() for part in found.messages] == [[], [], []]
    assert [part.tolist() for part in found.sums] == [[0, 0, 0]] * 3


def test_accounts_are_numbered_in_byte_order() -> None:
    src = pa.chunked_array([["b", "é"], ["Z"]])
    dst = pa.chunked_array([["é", "a"], ["😀"]])
    people, u, v = numbered(src, dst)
    assert people.to_pylist() == ["Z", "a", "b", "é", "😀"]  # bytes 5a, 61, 62, c3, f0
    assert (u.tolist(), v.tolist(), u.dtype, v.dtype) == ([2, 3, 0], [3, 1, 4], np.int32, np.int32)
    assert pc.all(pc.equal(people.take(pa.array(u)), src.combine_chunks())).as_py()


def test_names_may_come_as_codes_of_several_dictionaries() -> None:
    src = pa.chunked_array([pa.array(["b", "é"]).dictionary_encode(), pa.array(["Z"]).dictionary_encode()])
    dst = pa.chunked_array([pa.array(["é", "a"]).dictionary_encode(), pa.array(["b"]).dictionary_encode()])
    people, u, v = numbered(src, dst)
    assert (people.to_pylist(), u.tolist(), v.tolist()) == (["Z", "a", "b", "é"], [2, 3, 0], [3, 1, 2])


def test_slices_do_not_show(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names pulled in thirteen parts, of which some are empty."""
    rng = np.random.default_rng(3)
    pairs = np.unique(rng.integers(0, 9, (60, 2)), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    names = pa.array([f"x:{'é' * number}{number}" for number in range(9)])
    a = rng.integers(1, SCALE // 16, len(pairs))
    edges = pa.table({"src": names.take(pa.array(pairs[:, 0])), "dst": names.take(pa.array(pairs[:, 1])), "a": a})
    frame = spark.createDataFrame(edges)
    whole = MemoryEngine().sums(frame, 3).toArrow()
    asked = memory.need(frame)
    monkeypatch.setattr(memory, "SLICE_BYTES", (asked.name_bytes + 16 * asked.pairs) // 12)
    assert MemoryEngine().sums(frame, 3).toArrow() == whole
    assert whole["id"].to_pylist() == sorted(names.to_pylist(), key=str.encode)


def test_need(spark: SparkSession) -> None:
    edges = pa.table({"src": ["x:ana", "x:ana", "x:bö"], "dst": ["x:bö", "x:cy", "x:ana"], "a": [1, 2, 3]})
    # Distinct src and dst are 2 and 3, and a tenth more for the estimate's error.
    assert memory.need(spark.createDataFrame(edges)) == (3, 5, 29, memory.needed_bytes(3, 5, 29))


@pytest.mark.system
def test_a_process_after_warm_compiles_nothing() -> None:
    """Whatever arrays come: those of Arrow cannot be written."""
    program = """
import numpy as np
from numba.core.dispatcher import Dispatcher
from jobs.engines import edge_rows, loops, memory
src, dst, a = np.array([0, 1], np.int32), np.array([1, 2], np.int32), np.array([5, 5])
for column in (src, dst, a):
    column.flags.writeable = False
for rounds in (1, 2, 3):
    memory.influence(src, dst, a, 3, rounds)
named = [kernel for module in (loops, memory, edge_rows) for kernel in vars(module).values()]
kernels = [kernel for kernel in named if isinstance(kernel, Dispatcher)]
print(sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels))
print([kernel.__name__ for kernel in kernels if kernel.stats.cache_misses])
"""
    warm, fresh = (
        subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
        )
        for arguments in (["-m", "jobs.warm_kernels"], ["-c", program])
    )  # fmt: skip
    assert (warm.stdout, fresh.stdout.splitlines()) == ("", ["9", "[]"])
