"""Rows are changed wherever they are, and other files stay as they are."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from jobs.warehouse.rewriting import Rewriting
from jobs.warehouse.storage import Warehouse
from schemas.engagement import ENGAGEMENT
from tests.fixture_types import ArrowRows

BY: dict[str, Any] = {"run_id": "r", "job": "j"}
IS_ANA = pc.field("src") == "x:ana"
WITHOUT_ANA = Rewriting(["src"], lambda rows: rows.filter(IS_ANA).num_rows > 0, lambda rows: rows.filter(~IS_ANA))


def test_one_commit_replaces_only_the_files_that_hold_such_rows(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    for day, actors in enumerate((("ana", "bo"), ("bo",), ("ana",)), 1):
        edges = [{"src": f"x:{actor}", "dst": "x:cy", "day": date(2026, 11, day)} for actor in actors]
        warehouse.append(ENGAGEMENT, arrow_rows(ENGAGEMENT, edges), {}, **BY)
    before = {uri for uri in warehouse.delta(ENGAGEMENT).file_uris() if "2026-11-02" in uri}
    version = warehouse.version(ENGAGEMENT)
    warehouse.rewrite(ENGAGEMENT, {}, WITHOUT_ANA, **BY)
    assert warehouse.version(ENGAGEMENT) == version + 1
    assert warehouse.read(ENGAGEMENT)["src"].to_pylist() == ["x:bo", "x:bo"]
    after = set(warehouse.delta(ENGAGEMENT).file_uris())
    assert before < after
    assert len(after) == 2  # nothing is left of the third day
    log = Path(warehouse.path(ENGAGEMENT), "_delta_log", f"{version + 1:020d}.json").read_text()
    assert sorted(name for line in log.splitlines() for name in json.loads(line)) == [
        "add", "commitInfo", "remove", "remove",
    ]  # fmt: skip


def test_nothing_to_change_is_no_commit(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    warehouse.append(ENGAGEMENT, arrow_rows(ENGAGEMENT, [{"src": "x:bo", "day": date(2026, 11, 1)}]), {}, **BY)
    version = warehouse.version(ENGAGEMENT)
    warehouse.rewrite(ENGAGEMENT, {}, WITHOUT_ANA, **BY)
    assert warehouse.version(ENGAGEMENT) == version


def test_rows_of_other_partitions_stay(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    days = [date(2026, 11, 1), date(2026, 11, 2)]
    warehouse.append(ENGAGEMENT, arrow_rows(ENGAGEMENT, [{"src": "x:ana", "day": day} for day in days]), {}, **BY)
    warehouse.rewrite(ENGAGEMENT, {"day": days[0]}, WITHOUT_ANA, **BY)
    assert warehouse.read(ENGAGEMENT)["day"].to_pylist() == days[1:]
