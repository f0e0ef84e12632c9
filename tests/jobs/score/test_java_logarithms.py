"""Java's logarithms: beside Spark's, on arguments of every kind."""

import math
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.score import java_logarithms

COUNT = 200_000


def arguments() -> np.ndarray:
    """Of the score, of every magnitude, and around each place at which the algorithms branch."""
    rng = np.random.default_rng(1)
    near = [1, 2, math.sqrt(2), math.sqrt(0.5), math.sqrt(2) - 1, 2.0**-29, 2.0**-54, 2.0**53]
    kinds = [
        1 + rng.integers(0, 100_000, COUNT) * 0.05,  # weighted acts
        rng.random(COUNT) * 2 + 2.0**-60,  # shares
        10 ** (rng.random(COUNT) * 24 - 12),  # influence by resolution
        2.0 ** rng.uniform(-300, 300, COUNT),
        2.0 ** rng.integers(-300, 300, COUNT),
        *(value * (1 + (rng.random(COUNT) - 0.5) * 2.0**-19) for value in near),
    ]
    return np.concatenate(kinds)


@pytest.mark.parametrize(
    ("name", "computed"), [("log2", java_logarithms.log2), ("log1p", java_logarithms.log1p)], ids=["log2", "log1p"]
)
def test_every_bit_is_sparks(spark: SparkSession, name: str, computed: Callable[[np.ndarray], np.ndarray]) -> None:
    given = spark.createDataFrame(pa.table({"x": arguments()}))
    rows = given.selectExpr("x", f"{name}(x) as logarithm").toArrow()
    found = computed(rows["x"].to_numpy())
    assert len(found) == 13 * COUNT
    assert (found.view(np.int64) == rows["logarithm"].to_numpy().view(np.int64)).all()


def test_values_that_need_no_spark() -> None:
    assert java_logarithms.log2(np.array([1.0, 2.0, 8.0, 0.25])).tolist() == [0.0, 1.0, 3.0, -2.0]
    assert java_logarithms.log1p(np.array([0.0, 2.0**-60])).tolist() == [0.0, 2.0**-60]
