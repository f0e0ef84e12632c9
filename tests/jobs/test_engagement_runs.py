"""Which days a run of engagement counts, and what it does when pulls and other runs commit meanwhile."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow.dataset as ds
import pytest
from pyspark.sql import SparkSession

from jobs import engagement as job
from jobs import many_acts
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import LostRaceError, Warehouse
from jobs.warehouse.window import activity_digests, stale_days
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.runs import RUNS
from schemas.table import Table
from tests.fixture_types import ArrowRows
from tests.jobs.world import Did, World, files

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
NOON_PLUS_1S = NOON + timedelta(seconds=1)


@pytest.fixture
def world(session: SparkSession | None, warehouse: Warehouse, arrow_rows: ArrowRows) -> World:
    return World(warehouse, arrow_rows, session)


def test_a_run_counts_its_day_and_what_changed_in_its_window(world: World) -> None:
    def like(day: date) -> Did:
        return Did(day, "twitter", "like", "ana", "bo")

    week = [DAY - timedelta(6 - n) for n in range(7)]
    for day in week:
        world.cover(day, "twitter")
    world.put("test", map(like, week))
    assert world.count(week[-2], first_day=week[1]) == week[1:-1]  # neither what comes after it nor what is before
    before = files(world.warehouse, ENGAGEMENT)
    assert world.count(week[-2], first_day=week[1]) == [week[-2]]  # in any case
    world.put("test", map(like, week[:2] + week[3:]))  # the third day has nothing now, later acts have other ids
    after_all = world.count(week[-1], first_day=week[1])
    assert after_all == week[2:]  # the second day was pulled again, and is what it was
    assert world.count(week[-1], first_day=week[1]) == [week[-1]]  # the empty day is counted too
    assert files(world.warehouse, ENGAGEMENT).keys() == before.keys() - {(week[2],)} | {(week[-1],)}


def test_a_large_day_is_written_by_several_tasks(
    spark: SparkSession, warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(warehouse, arrow_rows, spark)
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", f"u{number % 20}", f"v{number}") for number in range(100)])
    for acts_of_a_file, most in ((100_000, 1), (25, 5)):
        monkeypatch.setattr(many_acts, "ACTS_OF_A_FILE", acts_of_a_file)
        world.count(DAY, first_day=DAY)
        (paths,) = files(world.warehouse, ENGAGEMENT).values()
        assert min(most, 2) <= len(paths) <= most
        assert world.warehouse.row_count(ENGAGEMENT, {}) == 100


def test_an_act_on_either_side_of_midnight_counts_once_and_makes_both_days_depend_on_the_first(world: World) -> None:
    """`late` reports on the second day what `test` reported on the first, and nothing else covers the third."""
    days = [DAY - timedelta(2), DAY - timedelta(1), DAY]
    for day in days:
        world.cover(day, "twitter")
    same = {"platform": "twitter", "kind": "like", "actor": "ana", "target": "bo", "id": "same"}
    alone = Did(days[1], "twitter", "like", "cy", "bo")
    world.put("test", [Did(days[0], **same), Did(days[2], "twitter", "like", "ana", "bo")])
    world.put("late", [Did(days[1], **same), alone])
    assert world.count(DAY, first_day=days[0]) == days

    def acts() -> list[tuple]:
        counts = world.warehouse.read(ENGAGEMENT).sort_by([("day", "ascending"), ("src", "ascending")]).to_pylist()
        return [(row["day"], row["src"].removeprefix("twitter:"), row["act_count"]) for row in counts]

    assert acts() == [(days[0], "ana", 1), (days[1], "cy", 1), (DAY, "ana", 1)]
    world.put("test", [Did(days[2], "twitter", "like", "ana", "bo", "test-1")])  # it is removed from the first day
    assert world.count(DAY, first_day=days[0]) == days
    assert acts() == [(days[1], "ana", 1), (days[1], "cy", 1), (DAY, "ana", 1)]


def test_a_day_whose_acts_have_expired_is_not_counted_as_empty(world: World) -> None:
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", "ana", "bo")])
    assert world.count(DAY, first_day=DAY) == [DAY]
    world.warehouse.delete(ACTIVITY, {"day": DAY}, run_id="r", job="j")  # as `keep_activity_days` does
    assert world.count(DAY, first_day=DAY) == []
    assert world.warehouse.read(ENGAGEMENT, columns=["dst"])["dst"].to_pylist() == ["twitter:bo"]
    world.put("test", [Did(DAY, "twitter", "like", "ana", "cy")])  # pulled again
    assert world.count(DAY, first_day=DAY) == [DAY]


def test_rows_of_pulls_that_coverage_does_not_name_do_not_count(world: World, arrow_rows: ArrowRows) -> None:
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", "ana", "bo")])
    dead = [{"actor_id": "dead", "pull": "killed"}, {"actor_id": "dead", "source": "uncovered"}]
    place = {"day": DAY, "platform": "twitter"}
    world.warehouse.append(ACTIVITY, arrow_rows(ACTIVITY, dead), place, run_id="killed", job="test")
    assert world.warehouse.row_count(ACTIVITY, {}) == 3
    world.count(DAY, first_day=DAY)
    assert world.warehouse.read(ENGAGEMENT, columns=["src"])["src"].to_pylist() == ["twitter:ana"]


def test_a_pull_that_lands_while_a_day_is_counted_is_not_half_seen(world: World) -> None:
    """The count uses the pulls that `coverage` named when it began; the next count uses those that came meanwhile."""
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", "ana", "bo")])

    class Meanwhile(Warehouse):
        def dataset(self, *arguments: Any, **named: Any) -> ds.FileSystemDataset:
            world.put("test", [Did(DAY, "twitter", "reply", "cy", "dee")])
            return super().dataset(*arguments, **named)

    version = world.warehouse.version(COVERAGE)
    job.run(world.spark, Meanwhile(world.warehouse.root), job.Params(day=DAY, first_day=DAY), Batch("test"))
    assert world.warehouse.read(ENGAGEMENT, columns=["src"])["src"].to_pylist() == ["twitter:ana"]
    (run,) = world.warehouse.read(RUNS).to_pylist()
    assert json.loads(run["inputs"])["coverage"] == version < world.warehouse.version(COVERAGE)
    assert stale_days(world.warehouse, activity_digests(world.warehouse, DAY, DAY), DAY, DAY) == [DAY]


class Overtaken(Warehouse):
    """Before this one's first write of engagement another run writes the same days, which Delta then refuses."""

    def __init__(self, root: str, other: Callable[[], object] | None) -> None:
        super().__init__(root)
        self.other = other

    def _replace(self, table: Table, *change: Any) -> None:
        if self.other and table is ENGAGEMENT:
            other, self.other = self.other, None
            other()
            raise LostRaceError(f"{table.name}: lost to another")
        super()._replace(table, *change)


@pytest.mark.parametrize("theirs", [2, 3])
def test_the_count_of_another_run_meanwhile_stays(world: World, theirs: int) -> None:
    """Of three days the other one counted the first two, or all; only what is left falls to this one."""
    days = [DAY - timedelta(2), DAY - timedelta(1), DAY]
    for day in days:
        world.cover(day, "twitter")
    world.put("test", [Did(day, "twitter", "like", "ana", "bo") for day in days])
    overtaken = Overtaken(world.warehouse.root, lambda: world.count(days[theirs - 1]))
    mine = days[theirs:]
    assert job.run(world.spark, overtaken, job.Params(day=DAY, first_day=days[0]), Batch("test")) == mine
    assert world.warehouse.read(ENGAGEMENT, columns=["day"]).sort_by("day")["day"].to_pylist() == days
    rows = world.warehouse.read(RUNS).sort_by([("started_at", "ascending"), ("day", "ascending")]).to_pylist()
    assert (
        [(row["day"], row["status"]) for row in rows]
        == [
            *[(day, "failed") for day in days],  # lost
            *[(day, "done") for day in days[:theirs]],  # the other's
            *[(day, "done") for day in mine],
        ]
    )


def test_a_run_that_always_loses_says_so(world: World) -> None:
    class Loser(Warehouse):
        def _replace(self, table: Table, *change: Any) -> None:
            if table is ENGAGEMENT:
                raise LostRaceError("engagement: lost to another")
            super()._replace(table, *change)

    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", "ana", "bo")])
    with pytest.raises(LostRaceError, match="lost to another"):
        job.run(world.spark, Loser(world.warehouse.root), job.Params(day=DAY, first_day=DAY), Batch("test"))
    assert set(world.warehouse.read(RUNS)["status"].to_pylist()) == {"failed"}
