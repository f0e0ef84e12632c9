"""Ranks and percentiles, which are relative."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pyarrow as pa
import pytest

from jobs.backends import Backend
from jobs.backends.duck import DuckBackend, database
from jobs.backends.spark import in_spark
from jobs.score.ranks import PEOPLE_OF_A_TASK, ranked_sql

Sums = list[tuple[str, int, int, int]]
Ranked = Callable[[Sums], dict[str, tuple[int, int, float]]]


@pytest.fixture(params=["together", pytest.param("by ranges", marks=pytest.mark.spark)])
def ranked(request: pytest.FixtureRequest) -> Iterator[Ranked]:
    """(id, one, two, three) -> id -> (total, rank, percentile). Only Spark ranks by ranges."""
    if request.param == "together":
        with database() as db:
            yield partial(ranks, DuckBackend(db), PEOPLE_OF_A_TASK)
    else:
        with in_spark(request.getfixturevalue("spark"), 1) as backend:
            yield partial(ranks, backend, PEOPLE_OF_A_TASK + 1)


def ranks(backend: Backend[Any], most_people: int, sums: Sums) -> dict[str, tuple[int, int, float]]:
    ids, one, two, three = zip(*sums, strict=True)
    given = backend.local(pa.table({"id": ids, "one": one, "two": two, "three": three}))
    rows = backend.arrow(backend.query(ranked_sql("{sums}", most_people), sums=given)).to_pylist()
    assert len(rows) == len(sums)
    return {row["id"]: (row["total"], row["rank"], row["percentile"]) for row in rows}


def test_rank_and_percentile_of_equals(ranked: Ranked) -> None:
    """By the whole, whatever its parts; 1 is the highest, the next rank is as much lower as there are equals."""
    sums = [("a", 5, 0, 0), ("b", 3, 1, 1), ("c", 9, 0, 0), ("d", 0, 0, 0), ("e", 0, 0, 0), ("f", 0, 0, 4)]
    assert ranked(sums) == {
        "c": (9, 1, 5 / 6),
        "a": (5, 2, 3 / 6),
        "b": (5, 2, 3 / 6),
        "f": (4, 4, 2 / 6),
        "d": (0, 5, 0.0),
        "e": (0, 5, 0.0),
    }


def test_ranks_follow_across_ranges_of_totals(ranked: Ranked) -> None:
    """Ranges are sorted apart: totals around each power of two, where a range ends, beside many of nothing."""
    totals = [0] * 30 + [2**power + near for power in range(1, 62) for near in (-1, 0, 0, 1)]
    sums = [(f"p{number}", total // 2, total - total // 2, 0) for number, total in enumerate(totals)]
    ordered = sorted(totals)
    assert ranked(sums) == {
        f"p{number}": (
            total,
            len(ordered) - bisect_right(ordered, total) + 1,
            bisect_left(ordered, total) / len(ordered),
        )
        for number, total in enumerate(totals)
    }
