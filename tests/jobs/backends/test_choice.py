"""Which backend a day gets, and that a database spills what exceeds its memory."""

from typing import Any

import pyarrow as pa
import pytest

from jobs.backends import Backend, choice, duck
from jobs.backends.duck import DuckBackend
from jobs.engines import budget


class StartedError(Exception):
    """In place of the start of Spark."""


def session() -> Any:
    raise StartedError


def nobody(backend: Backend[Any]) -> Any:
    return backend.local(pa.table({"name": pa.array([], pa.string())}))


@pytest.mark.parametrize("engine", ["auto", "memory"])
def test_a_day_that_fits_starts_no_session(engine: str) -> None:
    with choice.backend(session, engine, 1_000_000, nobody) as backend:
        assert isinstance(backend, DuckBackend)


@pytest.mark.parametrize("engine", ["spark", "graphframes"])
def test_an_engine_of_spark_gets_spark(engine: str) -> None:
    with pytest.raises(StartedError), choice.backend(session, engine, 1, nobody):
        pass


def test_what_exceeds_the_budget_gets_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if that is known only once its accounts are counted."""
    monkeypatch.setenv(budget.VARIABLE, "1")
    assert duck.counts(3_000_000)
    assert not duck.counts(4_000_000)
    assert duck.scores(1_000_000, 1_000_000)
    assert not duck.scores(1_000_000, 10_000_000)
    monkeypatch.setattr(duck, "needed_bytes", lambda pairs, accounts: 10**9 * accounts)

    def one(backend: Backend[Any]) -> Any:
        return backend.local(pa.table({"name": ["x:ana"]}))

    with pytest.raises(StartedError), choice.backend(session, "auto", 1, one):
        pass
