"""Which engine is taken, and what is said where it cannot be."""

import logging

import pytest

from jobs.engines import choice
from jobs.engines.memory import MemoryEngine, need
from jobs.errors import CloutError, UsageError


@pytest.fixture
def edges(spark):
    frame = spark.createDataFrame(
        [("x:ana", "x:bö", 5), ("x:ana", "x:cy", 7)], "src string, dst string, a long"
    ).cache()
    yield frame
    frame.unpersist()


def test_need_is_measured(edges):
    asked = need(edges)
    assert (asked.pairs, asked.name_bytes) == (2, 5 + 5 + 5 + 4)
    assert asked.needed_bytes >= asked.name_bytes


@pytest.mark.parametrize(("gigabytes", "expected"), [("1", "memory"), ("0.0000001", "spark")])
def test_auto_takes_what_fits_and_says_why(edges, monkeypatch, caplog, gigabytes, expected):
    monkeypatch.setenv("CLOUT_MEMORY_GB", gigabytes)
    with caplog.at_level(logging.INFO, "jobs.engines.choice"):
        assert choice.chosen("auto", edges).name == expected
    (line,) = caplog.messages
    assert line.startswith(f"engine {expected}: 2 pairs need 0.0 GB in memory")


@pytest.mark.parametrize("name", ["memory", "spark"])
def test_who_is_asked_for_is_taken(edges, monkeypatch, name):
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.0000001")
    assert choice.chosen(name, edges).name == name


def test_memory_refuses_what_does_not_fit(edges, monkeypatch):
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.0000001")
    with pytest.raises(
        CloutError, match=r"2 pairs need .* use --engine spark or graphframes, .* raise CLOUT_MEMORY_GB"
    ):
        MemoryEngine().sums(edges, 3)


def test_unknown_engine():
    with pytest.raises(UsageError, match="engine 'pregel' is unknown; there is auto, memory, spark, graphframes"):
        choice.require("pregel")


def test_a_budget_that_is_no_number_is_told_before_any_work(monkeypatch):
    monkeypatch.setenv("CLOUT_MEMORY_GB", "lots")
    with pytest.raises(UsageError, match="CLOUT_MEMORY_GB=lots: expected a number"):
        choice.require("auto")
