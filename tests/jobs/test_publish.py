"""Making a checked day visible, withdrawing it, and bringing back what was published before."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from jobs import checks, publish
from jobs.errors import CloutError
from jobs.publish import NotPublishedError, Params
from jobs.warehouse.commits import commits
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodologies import METHODOLOGIES
from schemas.methodology import load
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
OFFICIAL = load("2026.11")
BATCH = Batch("test")


@pytest.fixture
def checked(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`checked(2.0)`: a day of two people, the first with this influence, that passed its checks."""

    def write(influence: float, day: date = DAY) -> None:
        people = [
            {"person_id": "twitter:1", "handle": "ana", "influence": influence, "direct": influence, "score": 24.9},
            {"person_id": "twitter:2", "influence": 0.0, "rank": 2, "percentile": 0.0},
        ]
        scored(warehouse, arrow_rows(INFLUENCE, [person | {"day": day} for person in people]), day)
        coverage = arrow_rows(COVERAGE, [{"day": day}])
        warehouse.replace(COVERAGE, coverage, {"day": day}, run_id="r", job="j")
        checks.run(warehouse, checks.Params(day=day, methodology=OFFICIAL.version), BATCH)

    return write


def scored(warehouse: Warehouse, rows: pa.Table, day: date = DAY) -> None:
    place = {"methodology": OFFICIAL.version, "day": day}
    warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")


@pytest.fixture
def change(warehouse: Warehouse) -> Callable[..., dict[str, float]]:
    """`change(publish.run)`: changes the day's scores and returns the counts."""
    return lambda how, day=DAY, methodology=OFFICIAL: how(warehouse, Params(day=day, methodology=methodology), BATCH)


def table(warehouse: Warehouse, which: Table) -> list[dict[str, Any]]:
    return arrow.sorted_by_grain(which, warehouse.read(which)).to_pylist()


def influences(warehouse: Warehouse) -> list[tuple[date, float]]:
    return [(row["day"], row["influence"]) for row in table(warehouse, SCORES)]


def changes(warehouse: Warehouse) -> list[tuple]:
    """(job, status, people) of what changed `scores`, oldest first."""
    found = warehouse.read(RUNS).sort_by("started_at").to_pylist()
    return [
        (row["job"], row["status"], json.loads(row["counts"]).get("people"))
        for row in found
        if row["job"] in ("publish", "unpublish", "restore")
    ]


def test_scores_are_unchanged_copies_of_influence_and_other_days_stay(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]]
) -> None:
    for day in (DAY, NEXT):
        checked(2.0, day)
        assert change(publish.run, day) == {"people": 2, "withheld": 0}
    assert table(warehouse, SCORES) == table(warehouse, INFLUENCE)
    files = set(warehouse.delta(SCORES).file_uris())
    checked(3.0)
    version = warehouse.version(SCORES)
    change(publish.run)
    assert warehouse.version(SCORES) == version + 1  # one commit
    assert table(warehouse, SCORES) == table(warehouse, INFLUENCE)
    assert influences(warehouse) == [(DAY, 3.0), (DAY, 0.0), (NEXT, 2.0), (NEXT, 0.0)]
    assert len(files & set(warehouse.delta(SCORES).file_uris())) == 1  # the file of the next day


def test_a_day_that_was_written_after_its_checks_is_not_published(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]], arrow_rows: ArrowRows
) -> None:
    with pytest.raises(
        NotPublishedError, match=r"^influence 2026-11-03 \(2026.11\): its current rows were not checked;"
    ):
        change(publish.run)  # never scored
    checked(2.0)
    scored(warehouse, arrow_rows(INFLUENCE, [{"influence": 99.0, "direct": 99.0}]))
    with pytest.raises(NotPublishedError, match=r"nothing published. Run `clout checks --day 2026-11-03`"):
        change(publish.run)
    assert table(warehouse, SCORES) == []
    assert changes(warehouse) == [("publish", "failed", None)] * 2


def test_another_day_that_is_written_after_the_checks_does_not_matter(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]], arrow_rows: ArrowRows
) -> None:
    checked(2.0)
    scored(warehouse, arrow_rows(INFLUENCE, [{"day": NEXT}]), NEXT)
    assert change(publish.run) == {"people": 2, "withheld": 0}


def test_unpublish_withdraws_and_restore_brings_back_each_in_one_recorded_commit(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]]
) -> None:
    checked(2.0)
    change(publish.run)
    before, version = table(warehouse, SCORES), warehouse.version(SCORES)
    assert change(publish.unpublish) == {"people": 2}
    assert (table(warehouse, SCORES), warehouse.version(SCORES)) == ([], version + 1)
    assert len(table(warehouse, INFLUENCE)) == 2  # kept
    assert change(publish.restore) == {"people": 2}
    assert (table(warehouse, SCORES), warehouse.version(SCORES)) == (before, version + 2)
    assert changes(warehouse) == [("publish", "done", 2), ("unpublish", "done", 2), ("restore", "done", 2)]
    runs = {row["job"]: row["run_id"] for row in warehouse.read(RUNS).to_pylist()}
    assert [(commit.job, commit.run_id) for commit in commits(warehouse.delta(SCORES).history())] == [
        (job, runs[job]) for job in ("restore", "unpublish", "publish")
    ]


def test_restore_brings_back_what_was_published_before_the_newest_change_whatever_other_days_did(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]]
) -> None:
    checked(2.0)
    change(publish.run)
    checked(3.0)
    change(publish.run)
    checked(5.0, NEXT)
    change(publish.run, NEXT)
    change(publish.restore)
    assert influences(warehouse) == [(DAY, 2.0), (DAY, 0.0), (NEXT, 5.0), (NEXT, 0.0)]
    change(publish.restore)  # undoes the restoring
    assert influences(warehouse) == [(DAY, 3.0), (DAY, 0.0), (NEXT, 5.0), (NEXT, 0.0)]


def test_what_is_not_there_can_be_neither_withdrawn_nor_brought_back(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]]
) -> None:
    with pytest.raises(
        NotPublishedError, match=r"^scores 2026-11-03 \(2026.11\): not published, so there is nothing to with"
    ):
        change(publish.unpublish)
    with pytest.raises(NotPublishedError, match=r"never published, so there is nothing to restore$"):
        change(publish.restore)
    checked(2.0)
    change(publish.run)
    with pytest.raises(NotPublishedError, match=r"nothing was published before the newest publish$"):
        change(publish.restore)
    assert influences(warehouse) == [(DAY, 2.0), (DAY, 0.0)]
    change(publish.unpublish)
    with pytest.raises(NotPublishedError, match="not published"):
        change(publish.unpublish)


def test_what_neither_influence_nor_kept_files_hold_cannot_be_brought_back(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]]
) -> None:
    """A withdrawn day comes back from `influence` although its files are gone; rows that were computed again do not."""
    checked(2.0)
    change(publish.run)
    change(publish.unpublish)
    warehouse.delta(SCORES).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    change(publish.restore)
    assert influences(warehouse) == [(DAY, 2.0), (DAY, 0.0)]
    checked(3.0)
    change(publish.run)
    warehouse.delta(SCORES).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(
        NotPublishedError,
        match=r"before the newest publish \(2 people, until 20.* UTC\) cannot be restored: its files are no longer kept"
        r" .* and `influence` holds other rows\. To publish what `influence` holds, run `clout publish --day 2026-11-03`$",
    ):
        change(publish.restore)
    assert influences(warehouse) == [(DAY, 3.0), (DAY, 0.0)]


def test_a_methodology_whose_values_changed_is_refused(
    warehouse: Warehouse, checked: Callable[..., None], change: Callable[..., dict[str, float]]
) -> None:
    checked(2.0)
    change(publish.run)
    assert table(warehouse, METHODOLOGIES) == [
        {
            "version": "2026.11",
            "fingerprint": OFFICIAL.fingerprint,
            "in_force_from": date(2000, 1, 1),
            "in_force_to": date(2026, 11, 30),
        }
    ]
    version = warehouse.version(METHODOLOGIES)
    change(publish.run)
    assert warehouse.version(METHODOLOGIES) == version  # says nothing new, so writes nothing
    changed = replace(OFFICIAL, damping=0.85)
    for how in (publish.run, publish.restore):
        with pytest.raises(
            CloutError, match=r"^methodology 2026.11: its values differ from those under which scores were"
        ):
            change(how, methodology=changed)
    assert influences(warehouse) == [(DAY, 2.0), (DAY, 0.0)]
