"""Airflow makes its home when it is first imported: a temporary one here, whatever the user has."""

import os
import tempfile

import pyarrow as pa
import pytest

_home = tempfile.TemporaryDirectory(prefix="clout-airflow-")
os.environ["AIRFLOW_HOME"] = _home.name

DAYS = FIRST_DAY, LAST_DAY = "2012-07-01", "2012-07-02"  # the second one needs the first
SOURCE = "sample=people=300"


@pytest.fixture(scope="session")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    """`scores` of both days as `clout run` writes them."""
    from jobs.cli import main
    from jobs.warehouse.storage import Warehouse
    from schemas.arrow import sorted_by_grain
    from schemas.scores import SCORES

    warehouse = Warehouse(str(tmp_path_factory.mktemp("by-hand") / "warehouse"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUT_WAREHOUSE", warehouse.root)
        asked = ("run", "--source", SOURCE, "--first-day", FIRST_DAY, "--last-day", LAST_DAY)
        main.app(asked, standalone_mode=False)
    return sorted_by_grain(SCORES, warehouse.read(SCORES))
