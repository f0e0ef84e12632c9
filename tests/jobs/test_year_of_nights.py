"""A year of nights, with checkpoints, log clean-up and vacuums as Delta does them: then days of every age are explained,
withdrawn, restored and rebuilt.

There is a night every thirty days. The tables that Spark writes are filled by DuckDB and engine `memory`, from the same
equations and with the same rows of `runs`; all else is the real thing.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable

from jobs import checks, publish, score_changes
from jobs.engines import memory
from jobs.errors import CloutError
from jobs.night_settings import nights
from jobs.publish import NotPublishedError, Params
from jobs.scratch import scratch
from jobs.warehouse import counted, digests, runs
from jobs.warehouse.basis import Basis
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests, covered_days, uncovered_days
from jobs.why import attention_graph, explain, explain_change
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.fixed_point import UNIT
from schemas.influence import INFLUENCE
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.grounds import publish_everybody
from tests.jobs.aging import age
from tests.jobs.world import OFFICIAL

pytestmark = pytest.mark.system  # whole nights take longer than a unit test may

FIRST = date(2025, 11, 2)
BETWEEN = timedelta(days=30)
NIGHTS = [FIRST + number * BETWEEN for number in range(13)]
OLD = NIGHTS[0], NIGHTS[4], NIGHTS[-2]
BATCH = Batch("test")
NAMES = [f"p{number}" for number in range(8)]


class Year:
    """A warehouse and what nights do to it. An act is (actor, target), a like."""

    def __init__(self, warehouse: Warehouse, arrow_rows) -> None:
        self.warehouse, self.arrow_rows = warehouse, arrow_rows

    def _write(self, table, records: list[dict[str, Any]], **partition) -> None:
        self.warehouse.replace(table, self.arrow_rows(table, records), partition, run_id="test", job="test")

    def pull(self, day: date, acts: list[tuple[str, str]]) -> None:
        with runs.recorded(self.warehouse, "pull_activity", day, BATCH, source="test"):
            at = {"platform": "demo", "day": day, "occurred_at": datetime.combine(day, time(12), UTC)}
            found = [at | {"actor_id": actor, "target_id": target} for actor, target in acts]
            self._write(ACTIVITY, found, platform="demo", day=day, source="test")
            row = {"day": day, "platform": "demo", "activity_digest": repr(sorted(acts))}
            self._write(COVERAGE, [row], day=day)

    def count(self, day: date) -> None:
        digest = activity_digests(self.warehouse, day, day)[day]
        with runs.recorded(self.warehouse, "engagement", day, BATCH, activity_digest=digest):
            acts = self.warehouse.read(ACTIVITY, {"day": day}, columns=["actor_id", "target_id"]).to_pylist()
            at = {"day": day, "platform": "demo"}
            found = [at | {"src": f"demo:{act['actor_id']}", "dst": f"demo:{act['target_id']}"} for act in acts]
            self._write(ENGAGEMENT, found, day=day)

    def score(self, day: date) -> None:
        """As `jobs.influence`, without its measures beside the score."""
        first = OFFICIAL.first_day(day)
        covered = covered_days(self.warehouse, first, day)
        with runs.recorded(self.warehouse, "influence", day, BATCH, methodology="2026.11") as row:
            now = counted.snapshot(self.warehouse)
            found = Basis(day=day, methodology=OFFICIAL, covered=covered, now=now)
            with scratch() as db:
                attention_graph.prepare(db, self.warehouse, found, "now")
                edges = db.sql("from spread_now order by src, dst").to_arrow_table()
            people, src, dst = memory.numbered(edges["src"], edges["dst"])
            sums = memory.influence(src, dst, edges["a"].to_numpy(), len(people), OFFICIAL.rounds).sums
            direct, second, third = (np.asarray(part) * UNIT for part in sums)
            influence = direct + second + third
            score = (
                100 * np.log1p(influence / OFFICIAL.resolution) / np.log1p(OFFICIAL.full_scale / OFFICIAL.resolution)
            )
            columns = {"influence": influence, "direct": direct, "second": second, "third": third, "score": score}
            records = [
                {"person_id": person, "platform": "demo", "day": day}
                | {name: float(values[number]) for name, values in columns.items()}
                for number, person in enumerate(people.to_pylist())
            ]
            place = {"methodology": "2026.11", "day": day}
            self._write(INFLUENCE, records, **place)
            row.parameters[digests.INFLUENCE] = digests.of_stream(INFLUENCE, self.warehouse.reader(INFLUENCE, place))
            counted_from = activity_digests(self.warehouse, first, day)
            row.parameters["activity_digests"] = {str(on): digest for on, digest in counted_from.items()}
            row.uncovered_days = uncovered_days(covered, (), first, day)

    def publish(self, day: date) -> None:
        checks.run(self.warehouse, checks.Params(day=day, methodology="2026.11"), BATCH)
        publish.run(self.warehouse, params(day), BATCH)

    def rebuild(self, day: date) -> None:
        self.count(day)
        self.score(day)
        self.publish(day)

    def maintain(self) -> None:
        """As maintenance does: a checkpoint, and what is older than it is kept is removed from the log and the folder."""
        for table in TABLES:
            delta = self.warehouse.delta(table)
            delta.create_checkpoint()
            delta.cleanup_metadata()
            delta.vacuum(dry_run=False, full=True)

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


def acts(night: int) -> list[tuple[str, str]]:
    """Everybody's day: p0 is liked by two, others by one, and whom one likes turns."""
    others = NAMES[1:]
    return [(name, others[(k + night) % 7]) for k, name in enumerate(NAMES) if name != others[(k + night) % 7]] + [
        (others[night % 7], "p0"),
        (others[(night + 3) % 7], "p0"),
    ]


@pytest.fixture(scope="module")
def year(tmp_path_factory, arrow_rows) -> Year:
    warehouse = Warehouse(str(tmp_path_factory.mktemp("year") / "warehouse"))
    warehouse.create_tables()
    publish_everybody(warehouse)
    made = Year(warehouse, arrow_rows)
    for night, day in enumerate(NIGHTS):
        made.pull(day, acts(night))
        made.rebuild(day)
        made.pass_by(BETWEEN)
        if night % 2 == 1:
            made.maintain()
    return made


def test_the_log_forgot_most_of_the_year(year):
    for table in (ACTIVITY, COVERAGE, ENGAGEMENT, INFLUENCE, SCORES, PUBLICATIONS, RUNS):
        delta = year.warehouse.delta(table)
        assert len(delta.history()) < delta.version() / 2
        with pytest.raises(Exception, match="No files in log segment"):
            DeltaTable(year.warehouse.path(table), version=1)


def test_days_of_every_age_are_explained_and_so_is_every_change(year):
    for day in OLD:
        assert year.explained(day) == pytest.approx(year.scores(day)["demo:p0"], abs=1e-8)
    for since, day in pairwise(OLD):
        found = explain_change.explained(year.warehouse, "demo:p0", change(since, day), top=3)
        moved = year.scores(day)["demo:p0"] - year.scores(since)["demo:p0"]
        assert sum(reason["influence"] for reason in found["reasons"]) == pytest.approx(moved, abs=1e-8)
    score_changes.run(year.warehouse, change(NIGHTS[0], NIGHTS[1]), BATCH)


def test_days_of_every_age_are_withdrawn_and_come_back(year):
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


@pytest.mark.parametrize("night", [2, 10])
def test_a_day_is_pulled_again_rebuilt_and_restored_while_its_files_are_kept(year, night):
    """First with the same acts, which changes nothing; then with others."""
    day, later = NIGHTS[night], NIGHTS[night + 1]
    before = year.scores(day)
    year.pull(day, acts(night))
    year.count(day)
    assert year.explained(day) == pytest.approx(before["demo:p0"], abs=1e-8)
    year.pull(day, [*acts(night), ("new", "p0")])
    year.count(day)
    for asked in (day, later):
        with pytest.raises(
            CloutError, match=rf"^scores {asked} .*: {day} was pulled again \(20.* UTC\) since they were computed"
        ):
            year.explained(asked)
    year.rebuild(day)
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
    year.pull(day, acts(night))
    year.rebuild(day)
    assert (year.scores(day), year.restated(day)) == (before, 4)
    for asked in (day, later):
        assert year.explained(asked) == pytest.approx(year.scores(asked)["demo:p0"], abs=1e-8)


def test_a_table_that_spark_fills_forgets_its_log_the_same_way(spark, tmp_path, arrow_rows):
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
