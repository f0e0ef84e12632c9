"""Whatever call a process is cut off at, and whatever a power cut loses then: nothing is lost or half seen."""

import json
import shutil
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pytest

from jobs import damage, pull_activity
from jobs.errors import CloutError
from jobs.runs import Batch
from jobs.sources.spec import parse_specs
from jobs.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.jobs.pulls import like
from tests.power_cut import LOSSES, power_cuts

DAY = date(2012, 7, 4)
BEFORE, AFTER = 3, 5  # likes in the file that was pulled, and in the one that is pulled again


def likes(count: int) -> str:
    return "".join(json.dumps(like(f"fan-{n}")) + "\n" for n in range(count))


def pull_again(root: str) -> None:
    """The action that is cut: `acts.jsonl` beside the warehouse, pulled once more."""
    (spec,) = parse_specs([f"demo:activitystreams={Path(root).parent / 'acts.jsonl'}"])
    pull_activity.run(Warehouse(root), pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))


def seen(warehouse: Warehouse) -> tuple[int, int]:
    """Acts of the day that `coverage` reports, and those that count by the rule for readers."""
    (row,) = warehouse.read(COVERAGE, {"day": DAY}).to_pylist()
    pulls = warehouse.read(ACTIVITY, {"day": DAY}, columns=["pull"])["pull"]
    return row["act_count"], pc.sum(pc.equal(pulls, row["pull"])).as_py() or 0


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which the day is pulled, beside a file that holds other acts of it since."""
    folder = tmp_path_factory.mktemp("pulled")
    (folder / "acts.jsonl").write_text(likes(BEFORE))
    Warehouse(str(folder / "warehouse")).create_tables()
    pull_again(str(folder / "warehouse"))
    (folder / "acts.jsonl").write_text(likes(AFTER))
    return folder


def test_a_pull_that_is_cut_off_anywhere_is_either_done_or_not(pulled, tmp_path):
    states = set()
    with power_cuts(f"{__name__}:pull_again", tmp_path) as cuts:
        for call in range(1, 1000):
            root = fresh(pulled, tmp_path)
            if not cuts.at(call, root):
                break
            unflushed = cuts.unflushed()
            for loss in LOSSES if call % 3 == 0 else list(LOSSES)[call % 2 :: 2]:
                copy = fresh(root.parent, tmp_path / "copy")
                for path in unflushed:
                    LOSSES[loss](copy / path.relative_to(root))
                states.add(_state_after(copy, f"cut at call {call}, losing {loss}"))
    assert call > 50
    assert states == {(BEFORE, BEFORE), (AFTER, AFTER)}


def _state_after(root: Path, what: str) -> tuple[int, int]:
    """What readers see after the cut, once damage that they refuse to read is repaired; then the pull is run again."""
    warehouse = Warehouse(str(root))
    try:
        state = seen(warehouse)
    except CloutError as error:
        state, refusal = None, str(error)
    if state is None:
        assert "maintain --repair" in refusal or "clout doctor" in refusal, what
        assert list(damage.find(warehouse)), what
        assert all(outcome.done for outcome in damage.repair_logs(warehouse)), what
        state = seen(warehouse)
    damage.repair_logs(warehouse)
    assert not list(damage.find(warehouse)), what
    pull_again(str(root))
    assert seen(warehouse) == (AFTER, AFTER), what
    return state


def fresh(folder: Path, target: Path) -> Path:
    """A copy of the warehouse in this folder, and of what lies beside it; returns its root."""
    copy = target / "case"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder, copy)
    return copy / "warehouse"
