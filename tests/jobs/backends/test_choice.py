"""Which backend a day gets."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import pyarrow as pa
import pytest

from jobs.backends import choice, duck
from jobs.backends.duck import DuckBackend
from jobs.engines import memory
from jobs.sql import ENDS

PAIRS = 10_000_000


def no_session() -> Any:
    raise NoSessionError


class NoSessionError(Exception):
    """A day would start Spark."""


def day(backend: DuckBackend, accounts: int = 3, pairs: int = 1, rows: int = 1) -> list[tuple[str, Sequence[str]]]:
    names = pa.table({"name": [f"test:{number}" for number in range(accounts)] * 2})
    src, dst = (f"'test:' || row % {pairs} {half} 10000" for half in ("//", "%"))
    in_days = f"(select {src} as src, {dst} as dst from range({rows}) r(row))"
    return [(backend.local(names), ["name"]), (in_days, ENDS)]


def gigabytes(pairs: int, accounts: int) -> str:
    """The least `CLOUT_MEMORY_GB` for a day of so many pairs of accounts."""
    return str((memory.numbered_bytes(pairs, accounts) + duck.LEAST_BYTES) / 1e9)


@pytest.mark.parametrize("engine", ["auto", "memory"])
def test_a_day_that_fits_starts_no_session(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", gigabytes(PAIRS, 3))
    with choice.backend(no_session, engine, PAIRS, day) as backend:
        assert isinstance(backend, DuckBackend)
        assert backend.accounts == 3


@pytest.mark.parametrize("engine", ["spark", "graphframes"])
def test_an_engine_of_spark_gets_spark(engine: str) -> None:
    with pytest.raises(NoSessionError), choice.backend(no_session, engine, 1, day):
        pass


@pytest.mark.parametrize(("pairs", "accounts"), [(PAIRS, 10_000), (100, 30_000)])
def test_pairs_or_accounts_that_do_not_fit_get_spark(
    pairs: int, accounts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", gigabytes(int(0.98 * pairs), accounts - 100))
    with (
        pytest.raises(NoSessionError),
        choice.backend(no_session, "auto", pairs, lambda backend: day(backend, accounts, pairs, pairs)),
    ):
        pass


@pytest.mark.parametrize(("rows", "fits"), [(3_000_000, True), (5_000_000, False)])
def test_rows_that_repeat_few_pairs_fit_and_so_many_are_not_read(
    rows: int, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", gigabytes(1_000_000, 10_000))
    expected = nullcontext() if fits else pytest.raises(NoSessionError)
    with expected, choice.backend(no_session, "auto", rows, lambda backend: day(backend, 1, 900_000, rows)) as backend:
        assert isinstance(backend, DuckBackend)
        assert backend.pairs(day(backend, 1, 900_000, rows)) == pytest.approx(900_000, rel=0.03)


def test_pairs_are_counted_where_rows_fit_only_without_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, accounts = 1_050_000, 30_000
    monkeypatch.setenv("CLOUT_MEMORY_GB", gigabytes(1_000_000, accounts))
    assert duck.scores("auto", rows)
    assert not duck.scores("auto", rows, accounts)
    with choice.backend(no_session, "auto", rows, lambda backend: day(backend, accounts, 900_000, rows)) as backend:
        assert isinstance(backend, DuckBackend)


def test_acts_that_do_not_fit_are_left_to_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "1.6")
    assert duck.counts(10_000_000)
    assert not duck.counts(10_000_001)


def test_pairs_beyond_the_limits_of_the_engine_get_spark_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "1e6")
    assert duck.scores("auto", memory.MAX_EDGES, memory.MAX_ACCOUNTS)
    assert not duck.scores("auto", memory.MAX_EDGES + 1)
    assert not duck.scores("auto", 1, memory.MAX_ACCOUNTS + 1)
