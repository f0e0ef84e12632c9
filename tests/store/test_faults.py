"""An object store that throttles, is slow, loses its answers, lists what is no longer true, or ignores conditions."""

from collections.abc import Callable
from datetime import date

import pyarrow as pa
import pytest

from jobs.errors import UsageError
from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from tests.jobs.warehouse.racing import race
from tests.object_store import Fault, ObjectStore

DAY = date(2026, 11, 3)
KINDS = ("COMMIT", "COPY", "DELETE", "GET", "HEAD", "LIST", "MULTIPART", "PUT")


def place(source: str) -> dict:
    return {"platform": "twitter", "day": DAY, "source": source}


@pytest.fixture
def write(warehouse: Warehouse, reject: Callable[..., pa.Table]) -> Callable[..., None]:
    """`write("a")`: replaces the source's rows; by another process, as it were, for each call."""

    def replace(source: str, reason: str = "") -> None:
        rows = reject(source, reason=reason)
        Warehouse(warehouse.root).replace(REJECTS, rows, place(source), run_id=reason or source, job="pull")

    return replace


def sources(warehouse: Warehouse) -> list[str]:
    return sorted(Warehouse(warehouse.root).read(REJECTS)["source"].to_pylist())


@pytest.mark.parametrize("kind", ["COMMIT", "MULTIPART"])
def test_a_write_whose_answer_is_lost_happens_once(
    warehouse: Warehouse, store: ObjectStore, write: Callable[..., None], kind: str
) -> None:
    before = warehouse.version(REJECTS)
    store.fail(Fault("lost", kind, times=1))
    write("a")
    assert sources(warehouse) == ["a"]
    assert Warehouse(warehouse.root).version(REJECTS) == before + 1


def test_a_throttled_store_is_asked_again(warehouse: Warehouse, store: ObjectStore, write: Callable[..., None]) -> None:
    store.fail(*(Fault("slow_down", kind, times=3) for kind in KINDS))
    store.counts()
    write("a")
    assert sources(warehouse) == ["a"]
    assert store.counts()["COMMIT"] == 4


def test_a_store_that_throttles_without_end_keeps_nothing_of_a_write(
    warehouse: Warehouse, store: ObjectStore, write: Callable[..., None]
) -> None:
    store.fail(Fault("slow_down", "COMMIT"))
    with pytest.raises(OSError, match="non-2xx"):
        write("a")
    store.fail()
    assert sources(warehouse) == []
    write("a")
    assert sources(warehouse) == ["a"]


def test_a_slow_commit_loses_to_one_that_began_later(
    warehouse: Warehouse, store: ObjectStore, write: Callable[..., None]
) -> None:
    store.fail(Fault("slow", "COMMIT", times=1, seconds=1))
    errors = race(lambda reason: write("a", reason), "one", "two")
    (lost,) = filter(None, errors.values())
    assert isinstance(lost, LostRaceError)
    (winner,) = (reason for reason, error in errors.items() if error is None)
    assert Warehouse(warehouse.root).read(REJECTS)["reason"].to_pylist() == [winner]


def test_a_list_without_the_newest_commits_loses_none_of_them(
    warehouse: Warehouse, store: ObjectStore, write: Callable[..., None]
) -> None:
    """Who opens the table at an earlier version commits the version that is already there, which the store refuses."""
    write("a")
    newest = Warehouse(warehouse.root).version(REJECTS)
    store.fail(Fault("stale", "LIST", key=f"rejects/_delta_log/{newest:020}"))
    with pytest.raises(LostRaceError):
        write("b")
    store.fail()
    write("b")
    assert sources(warehouse) == ["a", "b"]


def test_a_store_that_ignores_conditions_is_refused(store: ObjectStore) -> None:
    store.fail(Fault("blind", "COMMIT", seconds=0.1))
    warehouse = Warehouse(store.root("blind"))
    with pytest.raises(UsageError, match="lets concurrent commits overwrite each other"):
        warehouse.create_tables()
    assert store.objects("blind") == []
    store.fail()
    warehouse.create_tables()
    assert warehouse.row_count(COVERAGE, {}) == 0
