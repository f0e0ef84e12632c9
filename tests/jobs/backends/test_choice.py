"""Which backend a day gets."""

from typing import Any

import pytest

from jobs.backends import choice, duck
from jobs.backends.duck import DuckBackend


def no_session() -> Any:
    raise AssertionError("a day of few rows starts Spark")


@pytest.mark.parametrize("engine", ["auto", "memory"])
def test_a_small_day_starts_no_session(engine: str) -> None:
    with choice.backend(no_session, engine, duck.MOST_ROWS) as backend:
        assert isinstance(backend, DuckBackend)


@pytest.mark.parametrize("engine", ["spark", "graphframes"])
def test_an_engine_of_spark_gets_spark(engine: str) -> None:
    assert not duck.suits(engine, 1)


def test_a_large_day_gets_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not duck.suits("auto", duck.MOST_ROWS + 1)
    monkeypatch.setenv("CLOUT_MEMORY_GB", "0.001")
    assert duck.suits("auto", 100)
    assert not duck.suits("auto", 10_000)  # these do not fit the budget
