"""A night a week for a year, with checkpoints, log clean-up and vacuums as Delta does them. Then days of every age are explained,
withdrawn, restored and rebuilt.

The tables that Spark writes are filled by DuckDB and engine `memory`, from the same equations and with the same `runs`; all else
is the real thing.
"""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable

from jobs import (
    checks,
    counted,
    digests,
    explain,
    graph,
    publish,
    runs,
    score_changes,
)
from jobs.basis import Basis
from jobs.engines import memory
from jobs.nights import nights
from jobs.publish import Params
from jobs.runs import Batch
from jobs.scratch import scratch
from jobs.storage import Warehouse
from jobs.window import accounts_digest, activity_digests, covered_days, uncovered_days
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
from tests.jobs.aging import age
from tests.jobs.world import OFFICIAL

FIRST = date(2025, 11, 2)
WEEK = timedelta(days=7)
NIGHTS = [FIRST + number * WEEK for number in range(53)]
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
            found = [
                {"platform": "demo", "day": day, "actor_id": a, "target_id": b, "occurred_at": _noon(day)}
                for a, b in acts
            ]
            self._write(ACTIVITY, found, platform="demo", day=day, source="test")
            row = {"day": day, "platform": "demo", "activity_digest": repr(sorted(acts))}
            self._write(COVERAGE, [row], day=day)

    def count(self, day: date) -> None:
        digest = activity_digests(self.warehouse, day, day)[day]
        with runs.recorded(self.warehouse, "engagement", day, BATCH, activity_digest=digest):
            acts = self.warehouse.read(ACTIVITY, {"day": day}, columns=["actor_id", "target_id"]).to_pylist()
            found = [{"day": day, "platform": "demo", "src": f"demo:{act['actor_id']}", "dst": f"demo:{act['target_id']}"} for act in acts]  # fmt: skip
            self._write(ENGAGEMENT, found, day=day)

    def score(self, day: date) -> None:
        """As `jobs.influence`, without its measures beside the score."""
        first = OFFICIAL.first_day(day)
        covered = covered_days(self.warehouse, first, day)
        with runs.recorded(self.warehouse, "influence", day, BATCH, methodology="2026.11") as row:
            now = counted.snapshot(self.warehouse)
            found = Basis(day=day, methodology=OFFICIAL, covered=covered, now=now)
            with scratch() as db:
                graph.prepare(db, self.warehouse, found, "now")
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
                {"person_id": person, "platform": "demo", "day": day, **{name: float(values[k]) for name, values in columns.items()}}
                for k, person in enumerate(people.to_pylist())
            ]  # fmt: skip
            place = {"methodology": "2026.11", "day": day}
            self._write(INFLUENCE, records, **place)
            row.parameters[digests.INFLUENCE] = digests.of_stream(INFLUENCE, self.warehouse.reader(INFLUENCE, place))
            row.parameters["activity_digests"] = {
                str(d): digest for d, digest in activity_digests(self.warehouse, first, day).items()
            }
            row.parameters["accounts_digest"] = accounts_digest(self.warehouse, day)
            row.uncovered_days = uncovered_days(covered, first, day)

    def publish(self, day: date) -> None:
        checks.run(self.warehouse, checks.Params(day=day, methodology="2026.11"), BATCH)
        publish.run(self.warehouse, params(day), BATCH)

    def rebuild(self, day: date) -> None:
        self.count(day)
        self.score(day)
        self.publish(day)

    def maintain(self) -> None:
        """As maintenance does: what was replaced and is older than it is kept is removed."""
        for table in TABLES:
            self.warehouse.delta(table).vacuum(dry_run=False, full=True)

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


def _noon(day: date):
    from datetime import UTC, datetime, time

    return datetime.combine(day, time(12), UTC)


def acts(night: int) -> list[tuple[str, str]]:
    """Everybody's week: p0 is liked by two, others by one, and whom one likes turns."""
    others = NAMES[1:]
    return [(name, others[(k + night) % 7]) for k, name in enumerate(NAMES) if name != others[(k + night) % 7]] + [
        (others[night % 7], "p0"),
        (others[(night + 3) % 7], "p0"),
    ]


@pytest.fixture(scope="module")
def year(tmp_path_factory, arrow_rows) -> Year:
    """The year; its day of 40 weeks ago was computed again by a later clout, the last week's was pulled again since."""
    warehouse = Warehouse(str(tmp_path_factory.mktemp("year") / "warehouse"))
    warehouse.create_tables()
    made = Year(warehouse, arrow_rows)
    for night, day in enumerate(NIGHTS):
        made.pull(day, acts(night))
        made.rebuild(day)
        made.pass_by(WEEK)
        if night % 4 == 3:
            made.maintain()
    return made


def test_logs_and_files_really_went(year):
    kept = nights().keep_replaced_days
    for table in (ACTIVITY, COVERAGE, ENGAGEMENT, INFLUENCE, SCORES, PUBLICATIONS, RUNS):
        delta = year.warehouse.delta(table)
        assert delta.version() > 50
        assert len(delta.history()) < delta.version() / 2
        with pytest.raises(Exception, match="No files in log segment"):
            DeltaTable(year.warehouse.path(table), version=1)
    assert year.warehouse.delta(RUNS).vacuum(full=True) == [] or kept < 30
