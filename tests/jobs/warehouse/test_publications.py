"""What is published is on record, whatever Delta's log forgot and wherever a process died."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pyarrow.compute as pc
import pytest
from deltalake import DeltaTable

from jobs import checks, publish
from jobs.publish import Params
from jobs.user import user
from jobs.warehouse import digests, publications, runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
OFFICIAL = load("2026.11")
PARAMS = Params(day=DAY, methodology=OFFICIAL)
BATCH = Batch("test")
COVERED = {"twitter": [str(DAY)]}


class Died(BaseException):
    """The process was killed: nothing after it is done, not even what handles errors."""


@pytest.fixture
def checked(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., str]:
    """`checked(10, 20)`: a day of people with this influence, computed by a run of `influence`, that passed its checks."""
    coverage = arrow_rows(COVERAGE, [{"day": DAY}])
    warehouse.replace(COVERAGE, coverage, {"day": DAY}, run_id="r", job="j")

    def write(*influences: float, activity: str = "a") -> str:
        people = [
            {"person_id": f"twitter:{number}", "influence": value, "direct": value, "score": value}
            for number, value in enumerate(map(float, influences))
        ]
        with runs.recorded(warehouse, "influence", DAY, BATCH, methodology="2026.11") as row:
            warehouse.replace(INFLUENCE, arrow_rows(INFLUENCE, people), PARAMS.partition, run_id=row.id, job=row.job)
            row.parameters |= {"activity_digests": {str(DAY): activity}, "accounts_digest": "accounts"}
            row.parameters[digests.INFLUENCE] = digests.of_stream(
                INFLUENCE, warehouse.reader(INFLUENCE, PARAMS.partition)
            )
            row.uncovered_days = {"twitter": [str(DAY - timedelta(days=n)) for n in range(1, 180)]}
        checks.run(warehouse, checks.Params(day=DAY, methodology="2026.11"), BATCH)
        return row.id

    return write


def published(warehouse: Warehouse) -> list[float]:
    return sorted(warehouse.read(SCORES)["score"].to_pylist())


def on_record(warehouse: Warehouse) -> list[tuple]:
    """(sequence, change, people, total influence) of the day."""
    found = publications.history(warehouse, "2026.11", DAY)
    return [(row.sequence, row.change, row.people, row.influence) for row in found]


def restated(warehouse: Warehouse) -> list[str]:
    found = warehouse.read(RESTATEMENTS).sort_by("restated_at").to_pylist()
    return [json.loads(row["why"])["change"] for row in found]


def test_every_change_is_a_row_that_names_what_it_was_computed_from(
    warehouse: Warehouse, checked: Callable[..., str]
) -> None:
    scored = checked(10, 20)
    publish.run(warehouse, PARAMS, BATCH)
    publish.unpublish(warehouse, Params(day=DAY, methodology=OFFICIAL, why="a wrong source"), BATCH)
    publish.restore(warehouse, PARAMS, BATCH)
    assert on_record(warehouse) == [(1, "publish", 2, 30.0), (2, "unpublish", 0, 0.0), (3, "restore", 2, 30.0)]
    first, withdrawn, restored = warehouse.read(PUBLICATIONS).sort_by("sequence").to_pylist()
    content = digests.of_stream(SCORES, warehouse.reader(SCORES, {}))
    expected = {
        "influence_run": scored,
        "scores_digest": content,
        "activity_digests": json.dumps({str(DAY): "a"}),
        "accounts_digest": "accounts",
        "covered_days": json.dumps(COVERED),
        "code_version": runs.__version__,
    }
    for row in (first, restored):
        assert {name: row[name] for name in expected} == expected
    assert {name: withdrawn[name] for name in expected} == dict.fromkeys(expected)
    assert [row["why"] for row in (first, withdrawn, restored)] == [None, "a wrong source", None]
    assert {row["published_by"] for row in (first, withdrawn, restored)} == {user()}
    made = {row["run_id"]: row for row in warehouse.read(RUNS).to_pylist()}
    for row in (first, withdrawn, restored):
        run = made[row["run_id"]]
        assert (run["job"], run["started_at"] <= row["published_at"] <= run["finished_at"]) == (row["change"], True)
        assert publications.PLANNED not in json.loads(run["parameters"])


def dies(monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse, change: Any, at: str, table: Any = None) -> None:
    """The change is killed at the write `at`, of that table if one is named."""
    with monkeypatch.context() as patch:
        write = getattr(Warehouse, at)

        def killed(self: Warehouse, written: Table, *given: Any, **named: Any) -> Any:
            if table is None or written is table:
                raise Died
            return write(self, written, *given, **named)

        ended = runs.write

        def not_recorded(found: Warehouse, rows: list[Run], status: str, error: str | None = None) -> None:
            if status == runs.STARTED:  # who is killed cannot say so any more
                ended(found, rows, status, error)

        patch.setattr(Warehouse, at, killed)
        patch.setattr(runs, "write", not_recorded)
        with pytest.raises(Died):
            change(warehouse, PARAMS, BATCH)


POINTS = {
    "scores": ("replace", SCORES),
    "restatements": ("replace_bookkeeping", RESTATEMENTS),
    "publications": ("replace_bookkeeping", PUBLICATIONS),
}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("change", ["publish", "unpublish", "restore"])
def test_a_change_that_died_between_its_commits_is_read_as_what_it_did_and_completed_by_the_next(
    warehouse: Warehouse, checked: Callable[..., str], monkeypatch: pytest.MonkeyPatch, point: str, change: str
) -> None:
    checked(10, 20)
    publish.run(warehouse, PARAMS, BATCH)
    checked(10, 22, activity="b")
    if change == "restore":
        publish.run(warehouse, PARAMS, BATCH)
    before, recorded, restatements_before = published(warehouse), on_record(warehouse), restated(warehouse)
    how = {"publish": publish.run, "unpublish": publish.unpublish, "restore": publish.restore}[change]
    dies(monkeypatch, warehouse, how, *POINTS[point])
    was_made = point != "scores"
    after = {"publish": [10.0, 22.0], "unpublish": [], "restore": [10.0, 20.0]}[change] if was_made else before
    assert (published(warehouse), on_record(warehouse)) == (after, recorded)
    versions = warehouse.version(PUBLICATIONS), warehouse.version(RUNS)
    now = publications.current(warehouse, "2026.11", DAY)
    assert (now and now.scores_digest) == digests.of_stream(SCORES, warehouse.reader(SCORES, {}))
    assert (now and now.activity_digests) == ((after and {str(DAY): "b" if after == [10.0, 22.0] else "a"}) or None)
    assert (warehouse.version(PUBLICATIONS), warehouse.version(RUNS)) == versions  # reading writes nothing
    publish.run(warehouse, PARAMS, BATCH)
    recorded += [(len(recorded) + 1, change, len(after), sum(after))] * was_made
    assert on_record(warehouse) == [*recorded, (len(recorded) + 1, "publish", 2, 32.0)]
    said = {"publish": "scored again", "unpublish": "withdrawn", "restore": "brought back"}
    last = [] if after == [10.0, 22.0] else ["brought back"] if not after else ["scored again"]
    assert restated(warehouse) == [*restatements_before, *[said[change]] * was_made, *last]
    by = [row["run_id"] for row in warehouse.read(RESTATEMENTS).to_pylist()]
    assert len(set(by)) == len(by)


def test_a_change_that_comes_while_another_is_decided_on_makes_that_one_lose(
    warehouse: Warehouse, checked: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both would be the day's second change."""
    checked(10, 20)
    publish.run(warehouse, PARAMS, BATCH)
    checked(10, 22)
    record = publications.complete
    plan: list[str] = []

    def meanwhile(*given: Any) -> Any:
        found = record(*given)
        if not plan:
            plan.append("once")
            publish.unpublish(warehouse, PARAMS, BATCH)
        return found

    monkeypatch.setattr(publications, "complete", meanwhile)
    with pytest.raises(LostRaceError, match=r"lost to run \w+ \(unpublish\), which wrote it meanwhile"):
        publish.run(warehouse, PARAMS, BATCH)
    assert (published(warehouse), on_record(warehouse)) == ([], [(1, "publish", 2, 30.0), (2, "unpublish", 0, 0.0)])


def test_rows_that_no_finished_run_computed_are_published_with_an_unknown_basis(
    warehouse: Warehouse, checked: Callable[..., str], arrow_rows: ArrowRows
) -> None:
    """A run of `influence` that was killed after its commit: the rows are whole, what it read is not on record."""
    checked(10, 20)
    person = arrow_rows(INFLUENCE, [{"influence": 1.0, "direct": 1.0}])
    warehouse.replace(INFLUENCE, person, PARAMS.partition, run_id="killed", job="influence")
    checks.run(warehouse, checks.Params(day=DAY, methodology="2026.11"), BATCH)
    publish.run(warehouse, PARAMS, BATCH)
    (made,) = publications.history(warehouse, "2026.11", DAY)
    assert (made.influence_run, made.activity_digests, made.covered_days) == (None, None, None)


def test_another_methodology_has_changes_of_its_own(warehouse: Warehouse, checked: Callable[..., str]) -> None:
    checked(10, 20)
    publish.run(warehouse, PARAMS, BATCH)
    assert publications.current(warehouse, "2026.12", DAY) is None
    assert publications.current(warehouse, "2026.11", DAY - timedelta(days=1)) is None


def test_nothing_of_this_asks_the_log(
    warehouse: Warehouse, checked: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeltaTable, "history", None)
    checked(10, 20)
    for change in (publish.run, publish.unpublish, publish.run, publish.unpublish, publish.restore):
        change(warehouse, PARAMS, BATCH)
    assert published(warehouse) == [10.0, 20.0]
    assert pc.max(warehouse.read(PUBLICATIONS)["sequence"]).as_py() == 5
