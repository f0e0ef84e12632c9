"""What tests of the command line share: `clout` in this process, and a published day."""

import logging
import sys
from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from jobs.cli import main
from jobs.warehouse.storage import Warehouse
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.cli.result import Result, RunClout

DAY = date(2026, 11, 3)


@pytest.fixture
def clout(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[RunClout]:
    """`clout("show", "--day", ...)`: runs the command in this process, on the test's warehouse."""
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    monkeypatch.setenv("COLUMNS", "80")
    level = logging.getLogger("jobs").level

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["clout", *arguments])
        with pytest.raises(SystemExit) as ended:
            main.main()
        code = ended.value.code
        assert isinstance(code, int)
        return Result(code, *capsys.readouterr())

    yield run
    logging.getLogger("jobs").setLevel(level)


@pytest.fixture
def published(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Two days; two of their people share a handle, one is hostile."""
    for number in range(2):
        day = DAY + timedelta(days=number)
        people = [
            {
                "person_id": "twitter:1",
                "handle": "ana",
                "rank": 1,
                "influence": 2.0 + number,
                "direct": 2.0,
                "score": 30.0,
            },
            {"person_id": "twitter:2", "handle": "bo", "rank": 2},
            {"person_id": "twitter:\x9b31m3", "handle": "bo", "rank": 3},
        ]
        rows = arrow_rows(SCORES, [person | {"day": day} for person in people])
        warehouse.replace(SCORES, rows, {"methodology": "2026.11", "day": day}, run_id="r", job="publish")
