"""What a power cut leaves in a warehouse: each damage is named, and what is whole comes back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.errors import CloutError
from jobs.warehouse import damage, delta_log
from jobs.warehouse.storage import Warehouse
from schemas.rejects import REJECTS
from schemas.table import Table
from tests.filled_rows import DAY
from tests.fixture_types import ArrowRows

PLACE = {"platform": "twitter", "day": DAY, "source": "a"}


@pytest.fixture
def write(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[[str], None]:
    """`write("first")`: one reject with this reason, instead of the one before."""
    return lambda reason: warehouse.replace(
        REJECTS, arrow_rows(REJECTS, [{"source": "a", "reason": reason}]), PLACE, run_id="r", job="j"
    )


def log(warehouse: Warehouse, table: Table = REJECTS) -> Path:
    return Path(warehouse.path(table))


def reasons(warehouse: Warehouse) -> list[str]:
    return warehouse.read(REJECTS)["reason"].to_pylist()


def found(warehouse: Warehouse) -> list[str]:
    return [str(each) for each in damage.find(warehouse)]


def outcomes(warehouse: Warehouse) -> list[tuple[str, bool]]:
    """(what was damaged, whether something whole came back)."""
    return [(each.damage.kind, each.done is not None) for each in damage.repair_logs(warehouse)]


def test_a_whole_warehouse_has_no_damage(warehouse: Warehouse, write: Callable[[str], None]) -> None:
    write("first")
    warehouse.delta(REJECTS).create_checkpoint()
    assert not found(warehouse)
    assert not outcomes(warehouse)


@pytest.mark.parametrize("length", [0, 40, -1])
def test_a_torn_newest_commit_is_named_and_taken_back(
    warehouse: Warehouse, write: Callable[[str], None], length: int
) -> None:
    write("first")
    write("second")
    torn = delta_log.commits(log(warehouse))[-1].path
    torn.write_bytes(torn.read_bytes()[:length])
    (line,) = found(warehouse)
    assert line.startswith("rejects: commit _delta_log/00000000000000000002.json")
    assert outcomes(warehouse) == [(damage.COMMIT, True)]
    assert reasons(warehouse) == ["first"]
    assert (Path(warehouse.root) / "_damaged" / "rejects" / torn.name).exists()  # nothing is deleted
    assert not found(warehouse)
    write("third")  # the log goes on
    assert reasons(warehouse) == ["third"]


def test_several_torn_newest_commits_are_taken_back(warehouse: Warehouse, write: Callable[[str], None]) -> None:
    for reason in ("first", "second", "third"):
        write(reason)
    for entry in delta_log.commits(log(warehouse))[-2:]:
        entry.path.write_bytes(b"")
    assert outcomes(warehouse) == [(damage.COMMIT, True)] * 2
    assert reasons(warehouse) == ["first"]


def test_a_torn_commit_below_whole_ones_is_left_alone(warehouse: Warehouse, write: Callable[[str], None]) -> None:
    """Nobody can know what it changed, and what follows builds on it."""
    for reason in ("first", "second", "third"):
        write(reason)
    delta_log.commits(log(warehouse))[-2].path.write_bytes(b"")
    (outcome,) = damage.repair_logs(warehouse)
    assert outcome.done is None
    assert outcome.left is not None
    assert "from a backup" in outcome.left
    assert len(found(warehouse)) == 1


@pytest.mark.parametrize("length", [0, 100, -3])
def test_a_torn_checkpoint_is_taken_away_where_the_log_is_whole_without_it(
    warehouse: Warehouse, write: Callable[[str], None], length: int
) -> None:
    write("first")
    warehouse.delta(REJECTS).create_checkpoint()
    write("second")
    (checkpoint,) = delta_log.checkpoints(log(warehouse))
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:length])
    with pytest.raises(CloutError, match="rejects"):
        warehouse.read(REJECTS)
    assert outcomes(warehouse) == [(damage.CHECKPOINT, True)]
    assert reasons(warehouse) == ["second"]
    assert not found(warehouse)


def test_a_torn_checkpoint_stays_where_it_holds_what_nothing_else_does(
    warehouse: Warehouse, write: Callable[[str], None]
) -> None:
    write("first")
    warehouse.delta(REJECTS).create_checkpoint()
    delta_log.commits(log(warehouse))[0].path.unlink()  # as a clean-up of the log does
    (checkpoint,) = delta_log.checkpoints(log(warehouse))
    checkpoint.path.write_bytes(b"")
    (outcome,) = damage.repair_logs(warehouse)
    assert outcome.done is None
    assert checkpoint.path.exists()


@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_a_torn_or_missing_data_file_is_named(warehouse: Warehouse, write: Callable[[str], None], fault: str) -> None:
    write("first")
    (uri,) = warehouse.delta(REJECTS).file_uris()
    data = Path(uri.removeprefix("file://"))
    if fault == "missing":
        data.unlink()
    else:
        data.write_bytes(data.read_bytes()[:-4])
    (line,) = found(warehouse)
    assert line.startswith(f"rejects: data file platform=twitter/day={DAY}/source=a/{data.name}")
    assert ("is missing" if fault == "missing" else "bytes, expected") in line
    assert outcomes(warehouse) == [(damage.DATA, True)]  # its commit was the newest
    assert not reasons(warehouse)
    assert not found(warehouse)


def test_a_torn_file_of_an_older_commit_is_left_alone(
    warehouse: Warehouse, write: Callable[[str], None], arrow_rows: ArrowRows
) -> None:
    write("first")
    (uri,) = warehouse.delta(REJECTS).file_uris()
    other = arrow_rows(REJECTS, [{"source": "b"}])
    warehouse.replace(REJECTS, other, PLACE | {"source": "b"}, run_id="r", job="j")
    Path(uri.removeprefix("file://")).unlink()
    assert not outcomes(warehouse)
    assert len(found(warehouse)) == 1


def test_a_commit_is_not_taken_back_where_what_it_replaced_is_gone(
    warehouse: Warehouse, write: Callable[[str], None]
) -> None:
    """Else one missing file would bring back, in turn, every version whose files were removed long ago."""
    write("first")
    write("second")
    warehouse.delta(REJECTS).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    (uri,) = warehouse.delta(REJECTS).file_uris()
    Path(uri.removeprefix("file://")).unlink()
    version = warehouse.version(REJECTS)
    assert not outcomes(warehouse)
    assert warehouse.version(REJECTS) == version
    assert len(found(warehouse)) == 1
