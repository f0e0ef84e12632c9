"""Maintenance of a warehouse whose tables hold what nights leave behind. The clock is an argument."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from jobs import maintain
from jobs.cli import main
from jobs.night_settings import Nights
from jobs.places import landing
from jobs.sources.live import recording
from jobs.warehouse import compaction, runs
from jobs.warehouse.races import LostRaceError
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests
from schemas import arrow
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.monthly_weights import MONTHLY_WEIGHTS
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
NOW = datetime.now(UTC)
COMPACTIONS = [
    pytest.param(lambda warehouse: warehouse.compact(ACTIVITY, run_id="r", job="maintain"), id="clout's"),
    pytest.param(lambda warehouse: warehouse.delta(ACTIVITY).optimize.compact(), id="another program's"),
]


@pytest.fixture
def pulled(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`pulled("run", day)`: a pull's rows, which count if it is the newest; `decided=False` leaves `coverage` alone."""

    def pull(name: str, day: date = DAY, source: str = "a", decided: bool = True) -> None:
        place = {"platform": "twitter", "day": day, "source": source}
        acts = [place | {"actor_id": f"{name} {n}", "target_id": "bo", "pull": name} for n in range(3)]
        warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, acts), place, run_id=name, job="pull_activity")
        if decided:
            covered = arrow_rows(COVERAGE, [place | {"pull": name, "activity_digest": name}])
            warehouse.replace(COVERAGE, covered, {"day": day, "source": source}, run_id=name, job="pull_activity")

    return pull


@pytest.fixture
def maintained(warehouse: Warehouse) -> Callable[..., dict[str, maintain.Maintained]]:
    """`maintained(now)`: table -> what was done."""

    def run(now: datetime = NOW, **settings: Any) -> dict[str, maintain.Maintained]:
        params = maintain.Params(now=now, nights=Nights(**settings))
        done = maintain.run(warehouse, params, Batch("maintain"))
        return {kept.table: kept for kept in done}

    return run


def rows(warehouse: Warehouse, table: Table) -> list[dict]:
    return arrow.sorted_by_grain(table, warehouse.read(table)).to_pylist()


def test_small_files_of_a_partition_become_one_and_no_row_changes(
    warehouse: Warehouse, pulled: Callable[..., None], maintained: Callable[..., dict[str, maintain.Maintained]]
) -> None:
    for day in (DAY, DAY + timedelta(days=1)):
        for source in ("a", "b", "c"):
            pulled(f"{source} {day}", day, source)
            runs.write(warehouse, [Run("pull_activity", day, Batch("key"), {"source": source})], runs.DONE)
    before = {table: rows(warehouse, table) for table in (ACTIVITY, COVERAGE, RUNS)}
    digests = activity_digests(warehouse, DAY, DAY + timedelta(days=1))
    done = maintained()
    assert (done["coverage"].files_before, done["coverage"].compacted, done["coverage"].files) == (6, 6, 2)
    assert done["runs"].compacted == 6
    assert {table: rows(warehouse, table) for table in (ACTIVITY, COVERAGE)} | {RUNS: before[RUNS]} == before
    assert [row for row in rows(warehouse, RUNS) if row["job"] != maintain.JOB] == before[RUNS]
    assert activity_digests(warehouse, DAY, DAY + timedelta(days=1)) == digests  # no day is stale by it


def test_replaced_files_are_removed_after_their_time_and_not_before(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    maintained: Callable[..., dict[str, maintain.Maintained]],
    tmp_path: Path,
) -> None:
    pulled("old", decided=False)
    warehouse.replace(ACTIVITY, warehouse.read(ACTIVITY), {"day": DAY}, run_id="r", job="j")
    files = lambda: len(list((tmp_path / "warehouse" / "activity").glob("platform=*/**/*.parquet")))  # noqa: E731
    assert maintained(keep_replaced_days=30)["activity"].removed == 0
    there = files()
    warehouse.delta(ACTIVITY).vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert files() < there


def test_rows_of_pulls_that_count_for_nobody_are_removed(
    warehouse: Warehouse, pulled: Callable[..., None], maintained: Callable[..., dict[str, maintain.Maintained]]
) -> None:
    for name in ("superseded", "counts"):
        pulled(name)
    pulled("died", decided=False)
    at_work = Run("pull_activity", DAY, Batch("key"), {"source": "b"})
    runs.write(warehouse, [at_work], runs.STARTED)
    pulled(at_work.id, source="b", decided=False)
    assert maintained()["activity"].dead_pulls == 2
    assert {row["pull"] for row in rows(warehouse, ACTIVITY)} == {"counts", at_work.id}
    assert maintained(NOW + timedelta(hours=15))["activity"].dead_pulls == 1  # it will not end any more
    assert {row["pull"] for row in rows(warehouse, ACTIVITY)} == {"counts"}


def test_old_activity_goes_only_if_the_settings_say_so(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    maintained: Callable[..., dict[str, maintain.Maintained]],
    arrow_rows: ArrowRows,
) -> None:
    today = NOW.date()
    for age in (9, 10, 11):
        pulled(f"{age}", today - timedelta(days=age))
        warehouse.replace(REJECTS, arrow_rows(REJECTS, [{"day": today - timedelta(days=age)}]),
                          {"day": today - timedelta(days=age)}, run_id="r", job="j")  # fmt: skip
    assert maintained()["activity"].expired_days == 0
    done = maintained(keep_activity_days=10)
    assert (done["activity"].expired_days, done["rejects"].expired_days) == (1, 1)
    for table in (ACTIVITY, REJECTS):
        assert {row["day"] for row in rows(warehouse, table)} == {today - timedelta(days=age) for age in (9, 10)}
    assert len(rows(warehouse, COVERAGE)) == 3


def test_the_log_gets_a_checkpoint(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    maintained: Callable[..., dict[str, maintain.Maintained]],
    tmp_path: Path,
) -> None:
    pulled("r")
    maintained()
    for table in TABLES:
        assert list((tmp_path / "warehouse" / table.name / "_delta_log").glob("*.checkpoint.parquet"))


@pytest.mark.parametrize("compact", COMPACTIONS)
def test_a_write_of_what_was_compacted_meanwhile_is_tried_again(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    arrow_rows: ArrowRows,
    monkeypatch: pytest.MonkeyPatch,
    compact: Callable[..., Any],
) -> None:
    """The night opened the table before the maintenance and commits after it."""
    for name in ("one", "two"):
        pulled(name)
    stale = warehouse.delta(ACTIVITY)
    compact(warehouse)
    opened = iter([stale])
    delta = type(warehouse).delta
    monkeypatch.setattr(type(warehouse), "delta", lambda self, *asked: next(opened, None) or delta(self, *asked))
    new = arrow_rows(ACTIVITY, [{"day": DAY, "source": "a", "actor_id": "new"}])
    warehouse.replace(ACTIVITY, new, {"day": DAY, "source": "a"}, run_id="night", job="j")
    assert [row["actor_id"] for row in rows(warehouse, ACTIVITY)] == ["new"]


@pytest.mark.parametrize("compact", COMPACTIONS)
def test_a_stream_is_read_once_though_its_commit_is_made_again(
    warehouse: Warehouse, pulled: Callable[..., None], arrow_rows: ArrowRows, compact: Callable[..., Any]
) -> None:
    for name in ("one", "two"):
        pulled(name)
    version = warehouse.version(ACTIVITY)
    compact(warehouse)
    new = arrow_rows(ACTIVITY, [{"day": DAY, "source": "a", "actor_id": "new"}]).to_reader()
    warehouse.replace(ACTIVITY, new, {"day": DAY}, run_id="night", job="j", version=version)
    assert [row["actor_id"] for row in rows(warehouse, ACTIVITY)] == ["new"]


@pytest.mark.parametrize("day", [DAY, DAY + timedelta(days=1)], ids=["same day", "another day"])
def test_a_night_that_writes_meanwhile_wins(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    maintained: Callable[..., dict[str, maintain.Maintained]],
    arrow_rows: ArrowRows,
    monkeypatch: pytest.MonkeyPatch,
    day: date,
) -> None:
    """The night's commit lands after the merged files are written and before the commit that names them."""
    for name in ("one", "two"):
        pulled(name)
        pulled(name, DAY + timedelta(days=1))
    merge, nights = compaction.merge, iter(range(1))

    def before_a_night(table: Table, *place: Any) -> Any:
        merged = merge(table, *place)
        for _ in nights if table is ACTIVITY else ():
            new = arrow_rows(ACTIVITY, [{"day": day, "source": "a", "actor_id": "night", "pull": "two"}])
            warehouse.replace(ACTIVITY, new, {"day": day}, run_id="night", job="j")
        return merged

    monkeypatch.setattr(compaction, "merge", before_a_night)
    monkeypatch.setattr(maintain, "dead_pulls", lambda *_: {})
    assert maintained()["activity"].skipped is None
    assert [row["actor_id"] for row in rows(warehouse, ACTIVITY) if row["day"] == day] == ["night"]


def test_a_step_that_loses_again_and_again_is_left_to_the_next_maintenance(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    maintained: Callable[..., dict[str, maintain.Maintained]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pulled("r")
    monkeypatch.setattr(maintain, "_remove_dead", lambda *_: (_ for _ in ()).throw(LostRaceError("lost")))
    done = maintained()
    assert done["activity"].skipped == "a run was writing; the next maintenance tries again"
    assert done["coverage"].skipped is None


def test_old_recordings_are_removed(
    warehouse: Warehouse, maintained: Callable[..., dict[str, maintain.Maintained]]
) -> None:
    folders = [
        recording.day_folder(landing(warehouse.root), "hn", NOW.date() - timedelta(days=age)) for age in (31, 30, 29)
    ]
    for folder in folders:
        recording.Recording(folder, "u").add([1], recording.Cursor())
    maintained(landing_days=30)
    assert [folder.exists() for folder in folders] == [False, True, True]
    maintained(landing_days=None)
    assert [folder.exists() for folder in folders] == [False, True, True]


def test_copies_of_accounts_of_the_last_year_are_kept(
    warehouse: Warehouse, arrow_rows: ArrowRows, maintained: Callable[..., dict[str, maintain.Maintained]]
) -> None:
    for month in (date(2024, 1, 1), date(2025, 11, 1), date(2026, 10, 1)):
        row = arrow_rows(ACCOUNTS_KNOWN, [{"month": month, "basis": "b"}])
        warehouse.replace(ACCOUNTS_KNOWN, row, {"month": month}, run_id="r", job="j")
    maintained()
    assert {row["month"] for row in rows(warehouse, ACCOUNTS_KNOWN)} == {date(2025, 11, 1), date(2026, 10, 1)}


def test_roll_ups_that_a_score_of_the_last_year_reads_are_kept(
    warehouse: Warehouse, arrow_rows: ArrowRows, maintained: Callable[..., dict[str, maintain.Maintained]]
) -> None:
    newest, oldest, older = date(2026, 10, 1), date(2025, 5, 1), date(2025, 4, 1)  # a year and the 180 days of a window
    for methodology in ("2026.12.1", "gone"):
        for month in (newest, oldest, older):
            place = {"methodology": methodology, "month": month}
            row = arrow_rows(MONTHLY_WEIGHTS, [{**place, "basis": "b"}])
            warehouse.replace(MONTHLY_WEIGHTS, row, place, run_id="r", job="j")
    maintained()
    left = {(row["methodology"], row["month"]) for row in rows(warehouse, MONTHLY_WEIGHTS)}
    assert left == {("2026.12.1", newest), ("2026.12.1", oldest)}


def test_the_command_keeps_every_table_and_says_what_it_did(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, arrow_rows: ArrowRows
) -> None:
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)
    for kind in ("like", "reply"):
        acts = arrow_rows(ENGAGEMENT, [{"day": DAY, "kind": kind}])
        warehouse.append(ENGAGEMENT, acts, {"day": DAY}, run_id="r", job="j")
    ran = CliRunner().invoke(main.app, ["maintain", "--json"])
    assert ran.exit_code == 0, ran.output
    done = {row["table"]: row for row in json.loads(ran.stdout)}
    assert list(done) == [table.name for table in TABLES]
    assert (done["engagement"]["compacted"], done["engagement"]["files"]) == (2, 1)
    assert {row["kind"] for row in rows(warehouse, ENGAGEMENT)} == {"like", "reply"}
    ran = CliRunner().invoke(main.app, ["maintain"])
    assert "engagement" in ran.output
    assert ran.exit_code == 0
