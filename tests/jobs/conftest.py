"""What the tests of jobs share."""

from pathlib import Path

import pytest

from jobs import day_range, engagement, influence, session
from jobs.warehouse.storage import Warehouse
from tests.jobs import consenting, without_spark
from tests.jobs.pulls import Pulls


@pytest.fixture
def pull(warehouse: Warehouse, tmp_path: Path) -> Pulls:
    return Pulls(warehouse, tmp_path)


@pytest.fixture
def night(warehouse: Warehouse, arrow_rows) -> Warehouse:
    """A warehouse without a legal basis, in which four people are scored and checked on two days."""
    return consenting.scored(warehouse, arrow_rows)


@pytest.fixture
def sparkless(monkeypatch: pytest.MonkeyPatch) -> None:
    """`clout` counts and scores without a JVM."""
    for module in (session, day_range):
        monkeypatch.setattr(module, "build", lambda: None)
    monkeypatch.setattr(engagement, "run", without_spark.count)
    monkeypatch.setattr(influence, "run", without_spark.score)
