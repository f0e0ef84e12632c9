"""Numbers for names: one each, whatever the names are."""

from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from jobs.engines.numbers import in_numbers, named

PAIRS = [("ana", "bo", 1), ("bo", "ana", 2), ("cy", "ana", 3), ("dee", "eve", 4)]


def three_numbers(name: Any) -> Column:
    return F.pmod(F.xxhash64(name), F.lit(3))


def one_number(name: Any) -> Column:
    return F.octet_length(name).cast("long") * 0


@pytest.mark.parametrize("hashed", [F.xxhash64, three_numbers, one_number])
def test_a_number_is_somebodys_alone(spark: SparkSession, hashed: Callable[..., Any]) -> None:
    """Also where hashes of names are the same."""
    kept = set(spark.sparkContext._jsc.getPersistentRDDs())
    with in_numbers(spark.createDataFrame(PAIRS, "src string, dst string, a long"), hashed) as (edges, names):
        name = {row.id: row.name for row in names.collect()}
        assert sorted(name.values()) == ["ana", "bo", "cy", "dee", "eve"]
        assert edges.dtypes == [("src", "bigint"), ("dst", "bigint"), ("a", "bigint")]
        assert sorted((name[src], name[dst], a) for src, dst, a in edges.collect()) == PAIRS
        sums = edges.select(F.col("dst").alias("id"), "a")
        assert named(sums, names).columns == ["id", "a"]
        assert {tuple(row) for row in named(sums, names).collect()} == {("bo", 1), ("ana", 2), ("ana", 3), ("eve", 4)}
    assert set(spark.sparkContext._jsc.getPersistentRDDs()) == kept
