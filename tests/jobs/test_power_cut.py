"""Whatever call a process is cut off at, and whatever a power cut loses then: nothing is lost or half seen."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

from jobs import checks, publish, pull_activity
from jobs.errors import CloutError
from jobs.sources.spec import parse_specs
from jobs.warehouse import damage, publications, salvage
from jobs.warehouse.damage import Repaired
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import publish_everybody
from tests.jobs.pulls import like
from tests.power_cut import power_cuts

DAY = date(2012, 7, 4)
OFFICIAL = load("2026.11")
BEFORE, AFTER = 3, 5  # likes, or people, that were there, and those that the action brings


def likes(count: int) -> str:
    return "".join(json.dumps(like(f"fan-{n}")) + "\n" for n in range(count))


def pull_again(root: str) -> None:
    """The action that is cut: `acts.jsonl` beside the warehouse, pulled once more."""
    (spec,) = parse_specs([f"demo:activitystreams={Path(root).parent / 'acts.jsonl'}"])
    pull_activity.run(Warehouse(root), pull_activity.Params(source=spec, first_day=DAY, last_day=DAY), Batch("test"))


def counting(warehouse: Warehouse) -> tuple[int, int]:
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


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> Path:
    """A warehouse in which a day is published, and was scored again and checked since."""
    folder = tmp_path_factory.mktemp("scored")
    warehouse = Warehouse(str(folder / "warehouse"))
    warehouse.create_tables()
    publish_everybody(warehouse)
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": DAY}]), {"day": DAY}, run_id="r", job="j")
    for count in (BEFORE, AFTER):
        rows = arrow_rows(INFLUENCE, [{"person_id": f"twitter:{n}", "day": DAY} for n in range(count)])
        place = {"methodology": OFFICIAL.version, "day": DAY}
        warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
        checks.run(warehouse, checks.Params(day=DAY, methodology=OFFICIAL.version), Batch("test"))
        if count == BEFORE:
            publish_again(warehouse.root)
    return folder


def publish_again(root: str) -> None:
    publish.run(Warehouse(root), publish.Params(day=DAY, methodology=OFFICIAL), Batch("test"))


def published(warehouse: Warehouse) -> tuple[int, int]:
    """People that `publications` records, and those whom readers of `scores` see."""
    current = publications.current(warehouse, OFFICIAL.version, DAY)
    return current.people if current else 0, warehouse.read(SCORES, {"day": DAY}).num_rows


def repair(warehouse: Warehouse) -> list[Repaired]:
    return salvage.repair(warehouse, Batch("test"), DAY)


@pytest.mark.system
@pytest.mark.parametrize(
    ("prepared", "action", "seen"), [("pulled", pull_again, counting), ("scored", publish_again, published)]
)
def test_a_command_that_is_cut_off_anywhere_is_either_done_or_not(
    prepared: str, action: Callable[..., Any], seen: Callable[..., Any], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    cuts = power_cuts(f"{__name__}:{action.__name__}", request.getfixturevalue(prepared), tmp_path)
    states = [_state_after(Warehouse(str(root)), action, seen, what) for root, what in cuts]
    assert len(states) > 20
    assert set(states) == {(BEFORE, BEFORE), (AFTER, AFTER)}


def _state_after(warehouse: Warehouse, action: Callable, seen: Callable, what: str) -> tuple[int, int]:
    """What readers see after the cut, once damage that they refuse to read is repaired; then the action is run again."""
    try:
        state = seen(warehouse)
    except CloutError as error:
        state, refusal = None, str(error)
    if state is None:
        assert "maintain --repair" in refusal or "clout doctor" in refusal, what
        assert list(damage.find(warehouse)), what
    outcomes = repair(warehouse)
    assert all(outcome.done for outcome in outcomes), what
    assert not outcomes or not list(damage.find(warehouse)), what  # without outcomes, `repair` has just found none
    state = state or seen(warehouse)
    action(warehouse.root)
    assert seen(warehouse) == (AFTER, AFTER), what
    return state
