"""A power cut in the middle of maintenance: no row is lost or counted twice."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import CloutError
from jobs.warehouse import damage, salvage
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.engagement import ENGAGEMENT
from tests.fixture_types import ArrowRows
from tests.power_cut import power_cuts

pytestmark = pytest.mark.system

DAY = date(2026, 11, 3)
BY: dict[str, Any] = {"run_id": "r", "job": "maintain"}
LIKES = range(1, 7)


def compact(root: str) -> None:
    """The action that is cut."""
    Warehouse(root).compact(ENGAGEMENT, **BY)


def likes(warehouse: Warehouse) -> list[int]:
    return sorted(warehouse.read(ENGAGEMENT)["act_count"].to_pylist())


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> Path:
    """A warehouse with two small files for each of three days."""
    folder = tmp_path_factory.mktemp("prepared")
    warehouse = Warehouse(str(folder / "warehouse"))
    warehouse.create_tables()
    for count in LIKES:
        record = {"day": DAY.replace(day=1 + count % 3), "kind": "like", "dst": f"demo:{count}", "act_count": count}
        warehouse.append(ENGAGEMENT, arrow_rows(ENGAGEMENT, [record]), {}, **BY)
    return folder


def test_merging_of_files_that_is_cut_off_anywhere_loses_no_row(prepared: Path, tmp_path: Path) -> None:
    states = 0
    for root, what in power_cuts(f"{__name__}:compact", prepared, tmp_path):
        states += 1
        warehouse = Warehouse(str(root))
        try:
            assert likes(warehouse) == list(LIKES), what
        except CloutError:
            assert list(damage.find(warehouse)), what
        assert all(outcome.done for outcome in salvage.repair(warehouse, Batch("test"), DAY)), what
        compact(str(root))
        assert likes(warehouse) == list(LIKES), what
    assert states > 5
