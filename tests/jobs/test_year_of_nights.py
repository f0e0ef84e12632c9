"""A year of nights, with maintenance, checkpoints and log clean-up as Delta does them: then days of every age are explained,
withdrawn, restored and rebuilt.

Every third day of 390 is pulled and counted, ten days at a time, and the last of them is scored and published. A night of all
steps takes one to two seconds of processor time, so a year in which every night is published would take ten minutes. DuckDB and
engine `memory` replace Spark, with the same rows: see `tests/jobs/test_same_rows.py`.
"""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from jobs import maintain, publish, score_changes
from jobs.errors import CloutError
from jobs.night_settings import nights
from jobs.publish import NotPublishedError, Params
from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.why import explain, explain_change
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.aging import age
from tests.jobs.world import OFFICIAL, World

pytestmark = pytest.mark.system  # a year takes longer than a unit test may

BETWEEN = timedelta(days=30)
YEAR = [[date(2025, 11, 2) + number * BETWEEN + timedelta(days=3 * n) for n in range(10)] for number in range(13)]
NIGHTS = [days[-1] for days in YEAR]
OLD = NIGHTS[0], NIGHTS[5], NIGHTS[-2]
BATCH = Batch("test")
NAMES = [f"p{number}" for number in range(8)]
Acts = list[tuple[str, str]]  # (actor, target), likes


class Year(World):
    """A warehouse and what nights do to it."""

    def pull(self, days: dict[date, Acts]) -> None:
        pulls = [Run("pull_activity", day, BATCH, {"source": "test"}) for day in days]
        with runs.recorded_together(self.warehouse, pulls):
            acts = [
                {"platform": "demo", "day": day, "actor_id": actor, "target_id": target}
                for day, acts in days.items()
                for actor, target in acts
            ]
            place = {"platform": "demo", "day": tuple(days), "source": "test"}
            self.write(ACTIVITY, acts, **place)
            covered = [
                {"platform": "demo", "day": day, "activity_digest": repr(sorted(acts))} for day, acts in days.items()
            ]
            self.write(COVERAGE, covered, day=tuple(days))

    def maintain(self) -> None:
        for kept in maintain.run(self.warehouse, maintain.Params(now=datetime.now(UTC), nights=nights()), BATCH):
            assert kept.skipped is None

    def pass_by(self, by: timedelta) -> None:
        age(self.warehouse.root, by)

    def scores(self, day: date) -> dict[str, float]:
        found = self.warehouse.read(SCORES, {"methodology": "2026.11", "day": day}, columns=["person_id", "influence"])
        return dict(zip(found["person_id"].to_pylist(), found["influence"].to_pylist(), strict=True))

    def explained(self, day: date) -> float:
        """The influence that the explanation of p0's score adds up to."""
        asked = explain.Params(person="demo:p0", day=day, methodology=OFFICIAL, with_acts=True)
        found = explain.explained(self.warehouse, asked)
        return sum(engager["influence"] for engager in found["engagers"])

    def restated(self, day: date) -> int:
        return self.warehouse.row_count(RESTATEMENTS, {"day": day})


def params(day: date) -> Params:
    return Params(day=day, methodology=OFFICIAL)


def change(since: date, day: date) -> score_changes.Params:
    return score_changes.Params(day=day, methodology=OFFICIAL, since_day=since, since_methodology=OFFICIAL)


def acts(day: date) -> Acts:
    """Everybody's day: p0 is liked by two, others by one, and whom one likes turns."""
    others, night = NAMES[1:], day.toordinal()
    return [(name, others[(k + night) % 7]) for k, name in enumerate(NAMES) if name != others[(k + night) % 7]] + [
        (others[night % 7], "p0"),
        (others[(night + 3) % 7], "p0"),
    ]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> Year:
    made = Year(Warehouse(str(tmp_path_factory.mktemp("year") / "warehouse")), arrow_rows)
    for number, days in enumerate(YEAR):
        made.pull({day: acts(day) for day in days})
        made.publish(days[-1])
        made.pass_by(BETWEEN)
        if number % 4 == 3:
            made.maintain()
    return made


def test_the_log_forgot_most_of_the_year(year: Year) -> None:
    for table in (ACTIVITY, COVERAGE, ENGAGEMENT, INFLUENCE, SCORES, PUBLICATIONS, RUNS):
        delta = year.warehouse.delta(table)
        assert len(delta.history()) < delta.version() / 2
        with pytest.raises(Exception, match="No files in log segment"):
            DeltaTable(year.warehouse.path(table), version=1)


def test_days_of_every_age_are_explained_and_so_is_every_change(year: Year) -> None:
    for day in OLD:
        assert year.explained(day) == pytest.approx(year.scores(day)["demo:p0"], abs=1e-8)
    for since, day in pairwise(OLD):
        found = explain_change.explained(year.warehouse, "demo:p0", change(since, day), top=3)
        moved = year.scores(day)["demo:p0"] - year.scores(since)["demo:p0"]
        assert sum(reason["influence"] for reason in found["reasons"]) == pytest.approx(moved, abs=1e-8)
    score_changes.run(year.warehouse, change(NIGHTS[0], NIGHTS[1]), BATCH)


def test_days_of_every_age_are_withdrawn_and_come_back(year: Year) -> None:
    for day in OLD:
        before, others = year.scores(day), year.warehouse.row_count(SCORES, {})
        for back in (publish.restore, publish.run):
            publish.unpublish(year.warehouse, params(day), BATCH)
            assert year.scores(day) == {}
            back(year.warehouse, params(day), BATCH)
            assert year.scores(day) == before
        assert year.restated(day) == 4
        assert year.warehouse.row_count(SCORES, {}) == others
        assert year.explained(day) == pytest.approx(before["demo:p0"], abs=1e-8)


def test_an_old_day_is_pulled_again_rebuilt_and_restored_while_its_files_are_kept(year: Year) -> None:
    """First with the same acts, which changes nothing; then with others."""
    day, later = NIGHTS[2], NIGHTS[3]
    before = year.scores(day)
    year.pull({day: acts(day)})
    year.count(day)
    assert year.explained(day) == pytest.approx(before["demo:p0"], abs=1e-8)
    year.pull({day: [*acts(day), ("new", "p0")]})
    year.count(day)
    for asked in (day, later):
        with pytest.raises(
            CloutError, match=rf"^scores {asked} .*: {day} was pulled again \(20.* UTC\) since they were computed"
        ):
            year.explained(asked)
    year.publish(day)
    after = year.scores(day)
    assert after["demo:p0"] > before["demo:p0"]
    assert year.explained(day) == pytest.approx(after["demo:p0"], abs=1e-8)
    publish.restore(year.warehouse, params(day), BATCH)
    assert year.scores(day) == before
    publish.restore(year.warehouse, params(day), BATCH)  # undoes the restoring
    assert year.scores(day) == after
    assert year.restated(day) == 3
    # The day after tomorrow's month, when the replaced files are gone.
    year.pass_by(timedelta(days=nights().keep_replaced_days + 10))
    year.maintain()
    with pytest.raises(
        NotPublishedError,
        match=r"what was published before the newest restore .* cannot be restored: its files are no longer kept"
        rf" .* run `clout publish --day {day}`$",
    ):
        publish.restore(year.warehouse, params(day), BATCH)
    publish.run(year.warehouse, params(day), BATCH)  # what the message says to run
    assert (year.scores(day), year.restated(day)) == (after, 3)
    year.pull({day: acts(day)})
    year.publish(day)
    assert (year.scores(day), year.restated(day)) == (before, 4)
    for asked in (day, later):
        assert year.explained(asked) == pytest.approx(year.scores(asked)["demo:p0"], abs=1e-8)


def test_a_table_that_spark_fills_forgets_its_log_the_same_way(
    spark: SparkSession, tmp_path: Path, arrow_rows: ArrowRows
) -> None:
    """With a checkpoint every other commit. Afterwards both kinds of readers find every row."""
    warehouse = Warehouse(str(tmp_path / "warehouse"))
    warehouse.create_tables()
    warehouse.delta(ENGAGEMENT).alter.set_table_properties({"delta.checkpointInterval": "2"})

    def count(days: list[date]) -> None:
        for day in days:
            frame = spark.createDataFrame(arrow_rows(ENGAGEMENT, [{"day": day}]))
            warehouse.replace_by_spark(ENGAGEMENT, frame, {"day": day}, run_id="r", job="j")

    count(NIGHTS[:3])
    age(warehouse.root, timedelta(days=60))
    count(NIGHTS[3:6])
    with pytest.raises(Exception, match="No files in log segment"):
        DeltaTable(warehouse.path(ENGAGEMENT), version=1)
    assert sorted(warehouse.read(ENGAGEMENT)["day"].to_pylist()) == NIGHTS[:6]
    assert warehouse.frame(spark, ENGAGEMENT).count() == 6
