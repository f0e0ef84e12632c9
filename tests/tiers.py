"""Each test belongs to one tier, and `-m unit`, `-m integration`, `-m "unit or integration"` and the like select by it:

- `system`: everything under `tests/dags` and `tests/infra`, tests on a Spark cluster or an object store, and tests that carry
  the marker: they start a process, or walk a warehouse through many nights or through every commit.
- `spark`: of the others those that use the fixture `spark`, directly or through another fixture.
- `integration`: of the others those that carry the marker, or use a fixture whose name is `warehouse`, `world`, `higgs`,
  `platform` or `server`: they commit to tables on disk, or talk to a server on loopback.
- `unit`: all others.

Tests of the last two start no process and no JVM, and those of the last make no table. One that does fails, and names the
marker that it needs.

- `rehearsal`: real Airflow for many minutes. Such a test runs only when asked for: `-m rehearsal`.

A test may carry a marker of its own instead: `@pytest.mark.system`, or `pytestmark = pytest.mark.system` for a file. A test
that starts a process, however short, is a `system` test.
"""

import multiprocessing.process
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from deltalake import DeltaTable

TIERS = ("system", "spark", "integration", "unit")  # the longest first
IN_PROCESS = ("integration", "unit")
WITH_TABLES_OR_A_SERVER = {"empty", "higgs", "platform", "server", "warehouse", "world"}
SYSTEM = [Path(__file__).with_name(name) for name in ("dags", "infra")]


def tier(item: pytest.Function) -> str:
    """The marker that a test carries, or the one that follows from where it is and what it uses."""
    carried = [name for name in TIERS if item.get_closest_marker(name)]
    if carried:
        return carried[0]
    if {"cluster", "store"}.intersection(item.fixturenames) or any(map(item.path.is_relative_to, SYSTEM)):
        return "system"
    if "spark" in item.fixturenames:
        return "spark"
    return "integration" if WITH_TABLES_OR_A_SERVER.intersection(item.fixturenames) else "unit"


@contextmanager
def in_its_tier(item: pytest.Item) -> Iterator[None]:
    """While a test of `integration` or `unit` is set up or runs, whoever starts a process or a JVM fails; while one of `unit`
    is, whoever makes a table."""

    def refuse(*_: object, **__: object) -> None:
        pytest.fail(f"{item.nodeid} starts a process or a JVM: mark it `system`, or use fixture `spark`")

    def refuse_table(*_: object, **__: object) -> None:
        pytest.fail(f"{item.nodeid} makes a table: mark it `integration`, or use fixture `warehouse`")

    with pytest.MonkeyPatch.context() as patch:
        if any(map(item.get_closest_marker, IN_PROCESS)):
            patch.setattr(subprocess.Popen, "__init__", refuse)
            patch.setattr(multiprocessing.process.BaseProcess, "start", refuse)
            patch.setattr(os, "fork", refuse)
            if sql := sys.modules.get("pyspark.sql"):  # another test's JVM may be there already
                patch.setattr(sql.SparkSession.Builder, "getOrCreate", refuse)
        if item.get_closest_marker("unit"):
            patch.setattr(DeltaTable, "create", refuse_table)
        yield
