"""A table's list of files is made once, and always that of the version that is open."""

import gc
from collections.abc import Callable

import pyarrow as pa
import pytest

from jobs.warehouse import listing
from jobs.warehouse.storage import Warehouse
from schemas.rejects import REJECTS


@pytest.fixture
def append(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> Callable[[], None]:
    return lambda: warehouse.append(REJECTS, reject(), {}, run_id="r", job="j")


def test_the_files_of_an_opened_table_are_listed_once(warehouse: Warehouse, append: Callable[[], None]) -> None:
    append()
    delta = warehouse.delta(REJECTS)
    first = listing.added(delta)
    append()
    assert listing.added(delta) is first
    assert first.num_rows == 1
    assert listing.added(warehouse.delta(REJECTS)).num_rows == 2


def test_a_table_that_advanced_is_listed_again(warehouse: Warehouse, append: Callable[[], None]) -> None:
    own = warehouse.own(REJECTS)
    assert listing.added(own).num_rows == 0
    append()
    own.update_incremental()
    assert listing.added(own).num_rows == 1
    own.load_as_version(0)
    assert listing.added(own).num_rows == 0


def test_nothing_is_kept_of_a_table_that_was_closed(warehouse: Warehouse) -> None:
    delta = warehouse.own(REJECTS)
    listing.added(delta)
    key = id(delta)
    assert key in listing._kept
    del delta
    gc.collect()
    assert key not in listing._kept
