"""Ranks and percentiles, which are relative."""

from bisect import bisect_left, bisect_right

import pytest
from pyspark.sql import SparkSession

from jobs.score.ranks import PEOPLE_OF_A_TASK, ranked

SUMS = "id string, one long, two long, three long"

both_ways = pytest.mark.parametrize("most_people", [PEOPLE_OF_A_TASK, PEOPLE_OF_A_TASK + 1])


@both_ways
def test_rank_and_percentile_of_equals(spark: SparkSession, most_people: int) -> None:
    """By the whole, whatever its parts; 1 is the highest, the next rank is as much lower as there are equals."""
    sums = [("a", 5, 0, 0), ("b", 3, 1, 1), ("c", 9, 0, 0), ("d", 0, 0, 0), ("e", 0, 0, 0), ("f", 0, 0, 4)]
    found = {
        row.id: (row.total, row["rank"], row.percentile)
        for row in ranked(spark.createDataFrame(sums, SUMS), most_people).collect()
    }
    assert found == {
        "c": (9, 1, 5 / 6),
        "a": (5, 2, 3 / 6),
        "b": (5, 2, 3 / 6),
        "f": (4, 4, 2 / 6),
        "d": (0, 5, 0.0),
        "e": (0, 5, 0.0),
    }


@both_ways
def test_ranks_follow_across_ranges_of_totals(spark: SparkSession, most_people: int) -> None:
    """Ranges are sorted apart: totals around each power of two, where a range ends, beside many of nothing."""
    totals = [0] * 30 + [2**power + near for power in range(1, 62) for near in (-1, 0, 0, 1)]
    sums = [(f"p{number}", total // 2, total - total // 2, 0) for number, total in enumerate(totals)]
    found = ranked(spark.createDataFrame(sums, SUMS), most_people).collect()
    ordered = sorted(totals)
    assert {row.id: (row.total, row["rank"], row.percentile) for row in found} == {
        f"p{number}": (
            total,
            len(ordered) - bisect_right(ordered, total) + 1,
            bisect_left(ordered, total) / len(ordered),
        )
        for number, total in enumerate(totals)
    }
