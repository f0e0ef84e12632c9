"""Airflow makes its home when it is first imported: a temporary one here, whatever the user has."""

import os
import subprocess
import tempfile

import pyarrow as pa
import pytest

_home = tempfile.TemporaryDirectory(prefix="clout-airflow-")
os.environ["AIRFLOW_HOME"] = _home.name

DAYS = FIRST_DAY, LAST_DAY = "2012-07-01", "2012-07-02"  # the second one needs the first
SOURCE = "sample=people=300"


@pytest.fixture(scope="session")
def by_hand(tmp_path_factory) -> pa.Table:
    """`scores` of both days as `clout run` writes them."""
    from jobs.warehouse.storage import Warehouse
    from schemas.arrow import sorted_by_grain
    from schemas.scores import SCORES
    from tests.dags.up import BACKFILL_S, BIN, environment

    folder = tmp_path_factory.mktemp("by-hand")
    asked = (BIN / "clout", "run", "--source", SOURCE, "--first-day", FIRST_DAY, "--last-day", LAST_DAY)
    ran = subprocess.run(
        asked, env=environment(folder, SOURCE), capture_output=True, text=True, timeout=BACKFILL_S, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return sorted_by_grain(SCORES, Warehouse(str(folder / "warehouse")).read(SCORES))
