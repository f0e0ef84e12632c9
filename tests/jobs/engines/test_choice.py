"""Which engine is taken, and what is said where it cannot be."""

import logging
from collections.abc import Iterator

import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs.engines import choice, memory
from jobs.engines.memory import MemoryEngine, need
from jobs.errors import CloutError, UsageError


@pytest.fixture
def edges(spark: SparkSession) -> Iterator[DataFrame]:
    frame = spark.createDataFrame(
        [("x:ana", "x:bö", 5), ("x:ana", "x:cy", 7)], "src string, dst string, a long"
    ).cache()
    yield frame
    frame.unpersist()


def test_need_is_measured(edges: DataFrame) -> None:
    asked = need(edges)
    assert (asked.pairs, asked.name_bytes) == (2, 5 + 5 + 5 + 4)
    assert asked.needed_bytes >= asked.name_bytes


@pytest.mark.parametrize(
    ("gigabytes", "pairs", "people", "names", "expected"),
    [
        ("1", 2, 3, 10**9, "memory"), ("0.0000001", 2, 3, 10**9, "spark"), ("1", 1, 3, 10**9, "spark"),
        ("1", 2, 2, 10**9, "spark"), ("1", 2, 3, 13, "spark"),
    ],
)  # fmt: skip
def test_auto_takes_what_fits_and_says_why(
    edges: DataFrame,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    gigabytes: str,
    pairs: int,
    people: int,
    names: int,
    expected: str,
) -> None:
    """In its budget, and in the numbers of 32 bits that count pairs, people and bytes of names."""
    monkeypatch.setenv("CLOUT_MEMORY_GB", gigabytes)
    monkeypatch.setattr(memory, "MAX_EDGES", pairs)
    monkeypatch.setattr(memory, "MAX_ACCOUNTS", people)
    monkeypatch.setattr(memory, "MAX_NAMES", names)
    with caplog.at_level(logging.INFO, "jobs.engines.choice"):
        assert choice.chosen("auto", need(edges)).name == expected
    (line,) = caplog.messages
    assert line.startswith(
        f"engine {expected}: 2 pairs of up to 3 people need 0.0 GB in memory, {float(gigabytes):.1f} GB may be"
    )
    assert line.endswith(
        f"used (CLOUT_MEMORY_GB), at most {pairs} pairs, {people} people and {names / 1e9:.1f} GB of names"
    )


@pytest.mark.parametrize("name", ["memory", "spark"])
def test_who_is_asked_for_is_taken(edges: DataFrame, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.0000001")
    assert choice.chosen(name, need(edges)).name == name


def test_memory_refuses_what_does_not_fit(edges: DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.0000001")
    with pytest.raises(
        CloutError,
        match=r"2 pairs of up to 3 people need .* use --engine spark or graphframes, .* raise CLOUT_MEMORY_GB",
    ):
        MemoryEngine().sums(edges, 3)


@pytest.mark.parametrize(
    ("limit", "most", "limit_text"),
    [("MAX_EDGES", 1, "1 pairs"), ("MAX_ACCOUNTS", 2, "2 people"), ("MAX_NAMES", 13, "0.0 GB of names")],
)
def test_memory_refuses_more_than_32_bits_can_count(
    edges: DataFrame, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, limit_text: str
) -> None:
    """Whatever it may take."""
    monkeypatch.setenv("CLOUT_MEMORY_GB", "1000")
    monkeypatch.setattr(memory, limit, most)
    with pytest.raises(CloutError, match=rf"\(at most .*\b{limit_text}.*\); use --engine spark or graphframes"):
        MemoryEngine().sums(edges, 3)


def test_unknown_engine() -> None:
    with pytest.raises(UsageError, match="engine 'pregel' is unknown; known: auto, memory, spark, graphframes"):
        choice.require("pregel")


def test_a_budget_that_is_no_number_is_reported_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "lots")
    with pytest.raises(UsageError, match="CLOUT_MEMORY_GB=lots: expected a number"):
        choice.require("auto")
