"""What `clout maintain --repair` puts back of damaged tables, and what it only names."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jobs import checks, publish
from jobs.cli import main
from jobs.errors import CloutError
from jobs.warehouse import damage, delta_log, salvage
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import ArrowRows
from tests.jobs.pulls import DAY, NEXT, Pulls, like

OFFICIAL = load("2026.11")
BATCH = Batch("test")


@pytest.fixture
def published(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`published("ana")`: the day with these people, scored, checked and published."""

    def write(*people: str, day: date = DAY) -> None:
        place = {"methodology": OFFICIAL.version, "day": day}
        rows = arrow_rows(INFLUENCE, [{"person_id": f"demo:{person}", "day": day} for person in people])
        warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
        warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": day}]), {"day": day}, run_id="r", job="j")
        checks.run(warehouse, checks.Params(day=day, methodology=OFFICIAL.version), BATCH)
        publish.run(warehouse, publish.Params(day=day, methodology=OFFICIAL), BATCH)

    return write


def people(warehouse: Warehouse) -> list[str]:
    return sorted(warehouse.read(SCORES, {"day": DAY}, columns=["person_id"])["person_id"].to_pylist())


def newest_file(warehouse: Warehouse, table: Table) -> Path:
    commit = delta_log.commits(Path(warehouse.path(table)))[-1].path
    return next(path for path, _ in delta_log.files_of(Path(warehouse.path(table)), commit, "add"))


def repair(warehouse: Warehouse) -> list[salvage.Repaired]:
    return salvage.repair(warehouse, BATCH, DAY)


def test_a_damaged_roll_up_is_removed(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """What it holds, the next night adds up again."""
    for month in (date(2026, 9, 1), date(2026, 10, 1)):
        row = arrow_rows(MONTHLY_WEIGHTS, [{"month": month, "basis": "b"}])
        warehouse.append(MONTHLY_WEIGHTS, row, {}, run_id="r", job="j")
    next(Path(warehouse.path(MONTHLY_WEIGHTS)).rglob("month=2026-09-01/*/*.parquet")).write_bytes(b"")
    (outcome,) = repair(warehouse)
    assert (outcome.damage.table, outcome.done) == (
        "monthly_weights",
        "removed: the next night adds up the month again",
    )
    assert warehouse.read(MONTHLY_WEIGHTS)["month"].to_pylist() == [date(2026, 10, 1)]


def test_a_whole_warehouse_is_left_alone(warehouse: Warehouse, published: Callable[..., None]) -> None:
    published("ana")
    versions = {table.name: warehouse.version(table) for table in (SCORES, COVERAGE)}
    assert not repair(warehouse)
    assert versions == {table.name: warehouse.version(table) for table in (SCORES, COVERAGE)}


@pytest.mark.parametrize("length", [0, 500])
def test_published_rows_come_back_from_influence(
    warehouse: Warehouse, published: Callable[..., None], length: int
) -> None:
    """The torn commit is undone, and the day is published as `publications` records it."""
    published("ana")
    published("ana", "bo")
    torn = delta_log.commits(Path(warehouse.path(SCORES)))[-1].path
    torn.write_bytes(torn.read_bytes()[:length])
    with pytest.raises(CloutError, match="scores"):
        people(warehouse)
    outcomes = repair(warehouse)
    assert [bool(outcome.done) for outcome in outcomes] == [True, True]
    assert people(warehouse) == ["demo:ana", "demo:bo"]


def test_published_rows_whose_file_is_missing_come_back(warehouse: Warehouse, published: Callable[..., None]) -> None:
    published("ana", "bo")
    lost = newest_file(warehouse, SCORES)
    published("cy", day=NEXT)  # so that the damage is no longer in the newest commit
    lost.unlink()
    assert all(outcome.done for outcome in repair(warehouse))
    assert people(warehouse) == ["demo:ana", "demo:bo"]
    assert not list(damage.find(warehouse))


def test_published_rows_are_not_replaced_by_others(
    warehouse: Warehouse, published: Callable[..., None], arrow_rows: ArrowRows
) -> None:
    """`influence` was computed again since: what was published is nowhere whole any more."""
    published("ana")
    lost = newest_file(warehouse, SCORES)
    published("dee", day=NEXT)
    place = {"methodology": OFFICIAL.version, "day": DAY}
    others = arrow_rows(INFLUENCE, [{"person_id": "demo:cy", "day": DAY}])
    warehouse.replace(INFLUENCE, others, place, run_id="r", job="influence")
    lost.unlink()
    left = [outcome.left for outcome in repair(warehouse) if outcome.left]
    assert any(f"score and publish {DAY} again" in each for each in left)
    with pytest.raises(CloutError, match="is missing"):
        people(warehouse)  # refused, not empty


def test_a_day_whose_activity_is_lost_is_not_covered_any_more(pull: Pulls) -> None:
    """So that it lowers no score, and is pulled again."""
    pull("demo:activitystreams=" + str(pull.file("a.jsonl", *map(like, range(3)))))
    lost = newest_file(pull.warehouse, ACTIVITY)
    next_day = [like(n, published="2012-07-05T12:00:00Z") for n in range(2)]
    pull("demo:activitystreams=" + str(pull.file("b.jsonl", *next_day)), first_day=NEXT)
    lost.write_bytes(lost.read_bytes()[:-5])
    assert all(outcome.done for outcome in repair(pull.warehouse))
    assert pull.table(COVERAGE, "day", "act_count") == [(NEXT, 2)]
    assert not list(damage.find(pull.warehouse))
    pull("demo:activitystreams=" + str(pull.folder / "a.jsonl"))
    assert pull.table(COVERAGE, "day", "act_count") == [(DAY, 3), (NEXT, 2)]


def test_coverage_that_goes_back_to_an_earlier_pull_does_not_stay(pull: Pulls) -> None:
    """The torn commit named the newer pull; the older one's rows were removed when it was superseded."""
    pull("demo:activitystreams=" + str(pull.file("a.jsonl", *map(like, range(3)))))
    pull("demo:activitystreams=" + str(pull.file("a.jsonl", *map(like, range(5)))))
    delta_log.commits(Path(pull.warehouse.path(COVERAGE)))[-1].path.write_bytes(b"")
    assert all(outcome.done for outcome in repair(pull.warehouse))
    assert pull.table(COVERAGE, "day", "act_count") == []


def test_what_is_computed_is_named_with_the_command_that_computes_it(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    for day in (DAY, NEXT):
        rows = arrow_rows(ENGAGEMENT, [{"day": day}])
        warehouse.replace(ENGAGEMENT, rows, {"day": day}, run_id="r", job="j")
        if day == DAY:
            newest_file(warehouse, ENGAGEMENT).unlink()
    (outcome,) = repair(warehouse)
    assert outcome.left == f"run `clout engagement --day {DAY}`"


def test_the_command_names_what_it_repaired(
    warehouse: Warehouse, published: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    published("ana")
    lost = newest_file(warehouse, SCORES)
    published("bo", day=NEXT)
    lost.unlink()
    first, second = (CliRunner().invoke(main.app, ["maintain", "--repair"]) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "restored from `influence`" in first.stdout
    assert second.stdout == "every file of every table is intact\n"
