"""Engines on Spark against all simple paths of random graphs. One run takes seconds whatever is in it, so it gets many.

The promises are about sums of such paths: `tests/jobs/test_promises.py` shows them for thousands, with engine `memory`.
"""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.engines import Engine
from tests.jobs.equations import SCALE, Graph, enumerated, graphs, summed


@settings(max_examples=2)  # of which the first is the simplest
@given(st.lists(graphs(), min_size=50, max_size=50))
def test_all_simple_paths_of_at_most_three_steps(
    distributed: Engine, spark: SparkSession, examples: list[Graph]
) -> None:
    rows = [
        {"src": f"{number}:{u}", "dst": f"{number}:{v}", "a": a}
        for number, graph in enumerate(examples)
        for (u, v), a in graph.shares().items()
    ]
    found = distributed.sums(spark.createDataFrame(pa.Table.from_pylist(rows)).cache(), 3)
    sums = {row["id"]: [row[step] / SCALE for step in ("one", "two", "three")] for row in found.toArrow().to_pylist()}
    spark.catalog.clearCache()
    expected = {
        f"{number}:{person}": parts
        for number, graph in enumerate(examples)
        for person, parts in summed(enumerated(graph.shares())).items()
    }
    assert expected.keys() <= sums.keys()
    for person, parts in expected.items():
        assert sums[person] == pytest.approx([*parts], rel=0, abs=1e-9 * max(1, parts.influence)), person
