"""Which pull's rows count: what readers see of a pull that did not end, lands meanwhile, or is of an earlier version."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from jobs.warehouse import counted
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.table import Table
from tests.jobs.warehouse.deciding import (
    EARLIER,
    NEWER,
    NEXT,
    PLATFORMS,
    Killed,
    Reports,
    Walked,
    assert_nothing_is_left_of_others,
    pull,
    seen,
)

pytestmark = pytest.mark.integration


def kill_at(name: str) -> Callable[[str], None]:
    def at(commit: str) -> None:
        if commit == name:
            raise Killed

    return at


@pytest.mark.parametrize("before", ["a pull"], indirect=True)
@pytest.mark.parametrize("table", [ACTIVITY, ACCOUNTS])
def test_a_pull_that_lands_while_tables_are_opened_is_not_half_seen(before: Callable[[], str], table: Table) -> None:
    """It names its rows and removes the earlier ones after a reader opened `coverage`, before it opened the rows."""

    class Meanwhile(Warehouse):
        landed = False

        def version(self, opened: Table) -> int:
            if opened is table and not self.landed:
                self.landed = True
                pull(Warehouse(self.root), NEWER)
            return super().version(opened)

    assert seen(Meanwhile(before())) is NEWER


@pytest.mark.parametrize("before", ["a pull"], indirect=True)
def test_duckdb_sees_only_rows_that_count(before: Callable[[], str]) -> None:
    warehouse = Warehouse(before())
    with pytest.raises(Killed):
        pull(Walked(warehouse.root, kill_at("replace coverage")), NEWER)
    now = counted.snapshot(warehouse)
    acts = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage)
    with duckdb.connect() as db:
        db.register("acts", acts)
        found = db.sql("select count(*) from acts where actor_id <> 'earlier0'").fetchall()
    assert found == [((EARLIER.count - 1) * len(PLATFORMS),)]
    assert warehouse.row_count(ACTIVITY, {}) == (EARLIER.count + NEWER.count) * len(
        PLATFORMS
    )  # the dead one's lie beside


@pytest.mark.parametrize("before", ["nothing"], indirect=True)
def test_a_file_holds_rows_of_one_pull(before: Callable[[], str]) -> None:
    """So that statistics of files say which pull they are of."""
    warehouse = Warehouse(before())
    for _ in range(2):
        with pytest.raises(Killed):
            pull(Walked(warehouse.root, kill_at("replace coverage")), NEWER)
    files = pa.table(warehouse.delta(ACTIVITY).get_add_actions(flatten=True)).to_pylist()
    assert len(files) == 2 * len(PLATFORMS)
    assert all(file["min.pull"] == file["max.pull"] for file in files)


@pytest.mark.parametrize("before", ["a pull"], indirect=True)
def test_a_failure_to_remove_what_no_longer_counts_fails_no_pull(
    before: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    class Stuck(Warehouse):
        def delete(self, *_: Any, **__: Any) -> None:
            raise OSError("the store is away")

    warehouse = Stuck(before())
    caplog.set_level("INFO", "jobs")
    pull(warehouse, NEWER)
    assert seen(warehouse) is NEWER
    assert "could not be removed yet (the store is away)" in caplog.text
    pull(Warehouse(warehouse.root), NEXT)
    assert_nothing_is_left_of_others(warehouse)


@pytest.mark.parametrize("before", ["a pull of an earlier version"], indirect=True)
def test_rows_of_an_earlier_version_count_until_the_next_pull(before: Callable[[], str]) -> None:
    warehouse = Warehouse(before())
    assert seen(warehouse) is EARLIER
    pull(warehouse, NEWER)
    assert seen(warehouse) is NEWER
    assert_nothing_is_left_of_others(warehouse)


@pytest.mark.parametrize("before", ["nothing"], indirect=True)
def test_days_and_sources_that_are_decided_at_once_do_not_collide(before: Callable[[], str]) -> None:
    """Each commit of `coverage` meets those of others: it is tried again, and looks again whether it has lost."""
    warehouse = Warehouse(before())
    sources = [Reports(f"s{number}", 1, id=f"s{number}") for number in range(6)]
    with ThreadPoolExecutor(len(sources)) as threads:
        list(threads.map(lambda reports: pull(warehouse, reports), sources))
    decided = [row for row in warehouse.read(COVERAGE).to_pylist() if row["source"] != "test"]
    assert len(decided) == len(sources) * len(PLATFORMS)
    now = counted.snapshot(warehouse)
    acts = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage).to_table().to_pylist()
    assert len([act for act in acts if act["source"] != "test"]) == len(decided)
