"""Roll-ups of months in a warehouse: what makes them stale, and that they change no bit."""

import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pyspark.sql import SparkSession

from jobs import monthly_weights, score_inputs
from jobs.backends import duck
from jobs.backends.spark import in_spark
from jobs.days import days_between
from jobs.errors import CloutError
from jobs.people import objections
from jobs.warehouse import suppression
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import counted_window
from jobs.why import explain
from schemas.arrow import sorted_by_grain
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.kinds import KINDS, POST
from schemas.methodology import Methodology, load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from tests.fixture_types import ArrowRows
from tests.jobs.warehouse.racing import race
from tests.jobs.world import Did, World, files

DAY = date(2026, 11, 4)
SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
MONTHLY = replace(load("2026.12.1"), lookback_days=70, min_inbound=2)  # from 27 August on
DAYS = days_between(MONTHLY.first_day(DAY), DAY)


def acts() -> list[Did]:
    """Of seven people, on every third day, on two platforms."""
    rng = np.random.default_rng(5)
    found = []
    for day in DAYS[::3]:
        for _ in range(8):
            actor, target = (f"p{n}" for n in rng.choice(7, 2, replace=False))
            kind, platform = str(rng.choice(KINDS)), str(rng.choice(["x", "y"]))
            found.append(Did(day, platform, kind, actor, actor if kind == POST else target))
    return [*found, Did(date(2026, 9, 9), "x", "like", "gone", "p1")]


@pytest.fixture(scope="module")
def made(empty: Warehouse, tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> World:
    """A counted warehouse without roll-ups."""
    root = shutil.copytree(empty.root, tmp_path_factory.mktemp("months") / "warehouse")
    world = World(Warehouse(str(root)), arrow_rows)
    world.cover_days([day for day in DAYS if day.day != 17], "x")
    world.cover_days(DAYS[::2], "y")
    world.put("test", acts())
    world.count(DAY, DAYS[0])
    return world


@pytest.fixture
def copied(made: World, tmp_path: Path, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch) -> Callable[..., World]:
    """A copy of `made`, whose days are scored by DuckDB, or by Spark in a session."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_JOURNAL", str(tmp_path / "left.jsonl"))
    monkeypatch.setenv(suppression.VARIABLE, "7" * 64)

    def copy(session: SparkSession | None = None, name: str = "warehouse") -> World:
        world = World(Warehouse(str(shutil.copytree(made.warehouse.root, tmp_path / name))), arrow_rows, session)
        world.continue_from(made)
        return world

    return copy


@pytest.fixture
def world(copied: Callable[..., World]) -> World:
    return copied()


def matching(world: World, day: date = DAY) -> list[date]:
    """The months whose roll-ups a score of the day reads."""
    window = counted_window(world.warehouse, day, MONTHLY)
    return list(monthly_weights.matching(world.warehouse, window).bases)


def drop(world: World, *months: date) -> None:
    world.warehouse.delete(MONTHLY_WEIGHTS, {"month": months}, run_id="r", job="j")


def break_writes(world: World, *months: date) -> None:
    """Lets nobody write these months any longer: a file is where their folder would be."""
    for month in months:
        folder = Path(world.warehouse.path(MONTHLY_WEIGHTS), f"methodology={MONTHLY.version}", f"month={month}")
        shutil.rmtree(folder)
        folder.write_text("")


def rolled_up(world: World) -> list[dict]:
    return sorted_by_grain(MONTHLY_WEIGHTS, world.warehouse.read(MONTHLY_WEIGHTS)).to_pylist()


def test_roll_ups_change_no_bit(
    copied: Callable[..., World], session: SparkSession | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Made by the score that reads them; then there already, but one is missing and cannot be written."""
    world = copied(session)
    first = world.score_counted(DAY, MONTHLY)
    assert matching(world) == [SEPTEMBER, OCTOBER]
    break_writes(world, SEPTEMBER)
    with caplog.at_level(logging.WARNING):
        assert world.score_counted(DAY, MONTHLY) == first
    assert "monthly_weights 2026-09-01: not written, so their days are read instead" in caplog.text
    assert matching(world) == [OCTOBER]
    # Equations 1, here by DuckDB, differ in rounding alone, and the measures beside the score do not differ.
    at_once = copied(name="at once").score_counted(DAY, replace(MONTHLY, version="at once", equations=1))
    assert any(row["inclusion"] is not None for row in first.values())
    for person, row in first.items():
        for name, value in at_once[person].items():
            if name in ("influence", "direct", "second", "third", "score"):
                assert row[name] == pytest.approx(value, rel=1e-9, abs=1e-9), (person, name)
            elif name != "methodology":
                assert row[name] == value, (person, name)


def test_a_score_makes_the_roll_ups_that_are_missing_and_no_other(world: World) -> None:
    first = world.score_counted(DAY, MONTHLY)
    rows, written = rolled_up(world), files(world.warehouse, MONTHLY_WEIGHTS)
    assert world.score_counted(DAY, MONTHLY) == first
    assert files(world.warehouse, MONTHLY_WEIGHTS) == written
    drop(world, OCTOBER)
    assert world.score_counted(DAY, MONTHLY) == first
    assert rolled_up(world) == rows
    after = files(world.warehouse, MONTHLY_WEIGHTS)
    assert {place[1] for place, paths in after.items() if paths != written[place]} == {OCTOBER}


@pytest.mark.parametrize("accounts", [3, 100])
def test_accounts_in_parts_change_no_bit(
    copied: Callable[..., World], accounts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With roll-ups and other days, without roll-ups, and with nothing but roll-ups."""
    whole, in_parts = copied(), copied(name="parts")
    at_once = replace(MONTHLY, version="at once", equations=1)

    def assert_same(methodology: Methodology) -> None:
        expected = whole.score_counted(DAY, methodology)
        with monkeypatch.context() as patch:
            patch.setattr(duck, "PARTED", 0)
            patch.setattr(duck, "ACCOUNTS_OF_A_PART", accounts)
            assert in_parts.score_counted(DAY, methodology) == expected

    assert_same(MONTHLY)
    assert_same(at_once)
    for each in whole, in_parts:
        place = {"day": tuple(day for day in DAYS if day.month in (8, 11))}
        each.warehouse.delete(ENGAGEMENT, place, run_id="r", job="j")
    assert_same(MONTHLY)


def test_a_night_reads_the_roll_ups_and_the_other_days(
    world: World, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that Spark reads."""
    window = counted_window(world.warehouse, DAY, MONTHLY)
    roll_ups = monthly_weights.make(world.spark, world.warehouse, window, run_id="r")
    found = score_inputs.read(world.warehouse, window, roll_ups)
    with in_spark(spark, found.row_count) as in_session:
        monkeypatch.setattr(in_session, "kept", lambda table: table)  # Spark does not say what a kept frame read
        read = found.spread(in_session).inputFiles()
    days = {date.fromisoformat(path.split("day=")[1][:10]) for path in read if "/engagement/" in path}
    months = {date.fromisoformat(path.split("month=")[1][:10]) for path in read if "/monthly_weights/" in path}
    assert months == {SEPTEMBER, OCTOBER}
    assert days == {day for day in DAYS[::3] if day.month in (8, 11)}
    rows = world.warehouse.read(MONTHLY_WEIGHTS)
    of_days = world.warehouse.row_count
    assert found.row_count == rows.num_rows + sum(of_days(score_inputs.ENGAGEMENT, {"day": day}) for day in days)
    for row in rows.to_pylist():
        assert row["said"] < 1 << 31
        assert (row["post_count"] > 0) == (row["src"] == row["dst"])


def test_what_is_pulled_again_or_newly_covered_or_disputed_is_added_up_again(world: World) -> None:
    """Exactly the months that hold it; and the score is that of a warehouse without roll-ups."""
    world.score_counted(DAY, MONTHLY)
    on = DAYS[::3][5]
    assert on.month == 9
    assert matching(world) == [SEPTEMBER, OCTOBER]
    world.put("late", [Did(on, "x", "reply", "p1", "p2")])
    world.count(DAY, DAYS[0])
    assert matching(world) == [OCTOBER]
    monthly_weights.make(world.spark, world.warehouse, counted_window(world.warehouse, DAY, MONTHLY), run_id="r")
    assert matching(world) == [SEPTEMBER, OCTOBER]
    world.cover(date(2026, 10, 17), "x")  # nothing happened that day, but other days are one day older
    world.count(DAY, DAYS[0])
    assert matching(world) == [SEPTEMBER]
    monthly_weights.make(world.spark, world.warehouse, counted_window(world.warehouse, DAY, MONTHLY), run_id="r")
    at = datetime(2026, 11, 10, tzinfo=UTC)
    objection = objections.record(world.warehouse, "x:p2", "late-0", "not theirs", at=at, by="op")
    objections.answer(world.warehouse, objection, "we agree", upheld=True, at=at + timedelta(hours=1), by="op")
    world.count(DAY, DAYS[0])
    assert matching(world) == [OCTOBER]
    found = world.score_counted(DAY, MONTHLY)
    assert matching(world) == [SEPTEMBER, OCTOBER]
    drop(world, SEPTEMBER, OCTOBER)
    break_writes(world, SEPTEMBER, OCTOBER)
    assert world.score_counted(DAY, MONTHLY) == found


def test_any_order_of_days_gives_the_same_rows(copied: Callable[..., World]) -> None:
    """A later day first, whose roll-ups the earlier day reads, or the other way round."""
    days = [date(2026, 10, 31), DAY]
    world, other = copied(), copied(name="other")
    for day, earlier in zip(reversed(days), days, strict=True):
        world.score_counted(day, MONTHLY)
        other.score_counted(earlier, MONTHLY)
    for table in (INFLUENCE, MONTHLY_WEIGHTS):
        ours, theirs = (sorted_by_grain(table, each.warehouse.read(table)) for each in (world, other))
        assert ours.num_rows
        assert ours.equals(theirs), table.name


def test_of_two_runs_at_once_one_makes_the_roll_ups_and_both_read_them(world: World) -> None:
    window = counted_window(world.warehouse, DAY, MONTHLY)

    def make(name: str) -> None:
        made = monthly_weights.make(world.spark, Warehouse(world.warehouse.root), window, run_id=name)
        assert list(made.bases) == [SEPTEMBER, OCTOBER]

    assert race(make, "a", "b") == {"a": None, "b": None}
    assert matching(world) == [SEPTEMBER, OCTOBER]
    rows = rolled_up(world)
    keys = [tuple(row[name] for name in MONTHLY_WEIGHTS.grain) for row in rows]
    assert len(set(keys)) == len(keys) > 0


def test_a_write_that_was_killed_is_no_roll_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its files are there, but no commit names them."""
    window = counted_window(world.warehouse, DAY, MONTHLY)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Warehouse, "_replace", killed)
        with pytest.raises(KeyboardInterrupt):
            monthly_weights.make(world.spark, world.warehouse, window, run_id="r")
    assert list(Path(world.warehouse.path(MONTHLY_WEIGHTS)).rglob("*.parquet"))
    assert matching(world) == []
    monthly_weights.make(world.spark, world.warehouse, window, run_id="r")
    keys = [tuple(row[name] for name in MONTHLY_WEIGHTS.grain) for row in rolled_up(world)]
    assert len(set(keys)) == len(keys)


def test_roll_ups_that_name_who_left_are_refused(world: World) -> None:
    """Although no day that is read names them."""
    window = counted_window(world.warehouse, DAY, MONTHLY)
    roll_ups = monthly_weights.make(world.spark, world.warehouse, window, run_id="r")
    suppression.record(world.warehouse, ["x:gone"], at=datetime(2026, 11, 10, tzinfo=UTC), run_id="r")
    with pytest.raises(CloutError, match=r"^monthly_weights: names 1 accounts that left"):
        score_inputs.read(world.warehouse, window, roll_ups)
    drop(world, SEPTEMBER)
    with pytest.raises(CloutError, match=r"^engagement: names 1 accounts that left"):
        monthly_weights.make(world.spark, world.warehouse, window, run_id="r")
    assert matching(world) == [OCTOBER]


def test_a_score_by_month_can_be_explained(world: World) -> None:
    """The explanation adds up the days again, and finds what was published."""
    world.publish_counted(DAY, MONTHLY)
    for person in ("x:p1", "y:p2"):
        found = explain.explained(world.warehouse, explain.Params(person=person, day=DAY, methodology=MONTHLY))
        kinds = sum(kind["influence"] for kind in found["kinds"])
        assert kinds == pytest.approx(found["influence"], abs=1e-8)
