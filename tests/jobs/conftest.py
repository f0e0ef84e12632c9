"""What the tests of jobs share."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.backends import Backend
from jobs.backends.duck import DuckBackend, database
from jobs.backends.spark import in_spark
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from tests.fixture_types import ArrowRows
from tests.jobs import consenting
from tests.jobs.passing import DAY, VERSION
from tests.jobs.pulls import Pulls


@pytest.fixture
def pull(warehouse: Warehouse, tmp_path: Path) -> Pulls:
    return Pulls(warehouse, tmp_path)


@pytest.fixture
def night(warehouse: Warehouse, arrow_rows: ArrowRows) -> Warehouse:
    """A warehouse without a legal basis, in which four people are scored and checked on two days."""
    return consenting.scored(warehouse, arrow_rows)


@pytest.fixture(params=["DuckDB", pytest.param("Spark", marks=pytest.mark.spark)])
def session(request: pytest.FixtureRequest) -> SparkSession | None:
    """For a `World`: the session if Spark is to count and score its days, None if DuckDB is."""
    return request.getfixturevalue("spark") if request.param == "Spark" else None


@pytest.fixture
def backend(session: SparkSession | None) -> Iterator[Backend[Any]]:
    """Each of the two backends."""
    if session is None:
        with database() as db:
            yield DuckBackend(db)
    else:
        with in_spark(session, 1) as made:
            yield made


@pytest.fixture
def scored(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`scored([...])`: these rows are the day's `influence`, and the day is covered."""

    def write(people: list[dict[str, Any]], day: date = DAY, covered: bool = True) -> None:
        place = {"methodology": VERSION, "day": day}
        once: dict[str, dict[str, Any]] = {}
        repeats = []  # of a person: `replace` refuses them, so they come with a write of their own
        for row in people:
            if once.setdefault(row["person_id"], row) is not row:
                repeats.append(row | {"day": day})
        rows = arrow_rows(INFLUENCE, [row | {"day": day} for row in once.values()])
        warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
        if repeats:
            warehouse.append(INFLUENCE, arrow_rows(INFLUENCE, repeats), place, run_id="r", job="influence")
        coverage = arrow_rows(COVERAGE, [{"day": day}] if covered else [])
        warehouse.replace(COVERAGE, coverage, {"day": day}, run_id="r", job="j")

    return write
