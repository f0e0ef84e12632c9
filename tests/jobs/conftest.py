"""What the tests of jobs share."""

from pathlib import Path

import pytest

from jobs.warehouse.storage import Warehouse
from tests.jobs.pulls import Pulls


@pytest.fixture
def pull(warehouse: Warehouse, tmp_path: Path) -> Pulls:
    return Pulls(warehouse, tmp_path)
