"""Pulls, publications, withdrawals, restorations, maintenance, kills and clock jumps in any order, against a model.

After every step readers must see what the model says: of each day the acts of one whole pull, and the people of one whole
publication. A step that is killed at one of its commits has either happened or not.
"""

import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from jobs import checks, publish, pull_activity
from jobs.publish import NotPublishedError
from jobs.sources.spec import parse_specs
from jobs.warehouse import publications, storage
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import publish_everybody
from tests.jobs.pulls import DAY, like

pytestmark = pytest.mark.system  # whole nights take longer than a unit test may

OFFICIAL = load("2026.11")
BATCH = Batch("test")
DAYS = st.sampled_from([DAY, DAY + timedelta(days=1)])
COUNTS = st.integers(0, 3)
KILLS = st.one_of(st.none(), st.integers(0, 11))  # before or after the first six commits, or never


class Killed(BaseException):
    """The process is gone: from here on it commits nothing, not even that it failed."""


@contextmanager
def killed(at: int | None) -> Iterator[None]:
    """The process dies at this commit: 0 before the first, 1 after it, 2 before the second, and so on."""
    moments = iter(range(1000))
    dead = False
    committing = storage.transaction

    def moment() -> None:
        nonlocal dead
        dead = dead or next(moments) == at
        if dead:
            raise Killed

    @contextmanager
    def mortal(*args: Any) -> Iterator[str]:
        moment()
        with committing(*args) as metadata:
            yield metadata
        moment()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "transaction", mortal)
        try:
            yield
        except Killed:
            return


class Readers(RuleBasedStateMachine):
    """The model: acts pulled and people scored of each day, and the days' publications in their order, None a withdrawal."""

    arrow_rows: Callable

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="clout-machine-"))
        self.warehouse = Warehouse(str(self.folder / "warehouse"))
        self.warehouse.create_tables()
        publish_everybody(self.warehouse)
        self.acts: dict = {}
        self.scored: dict = {}
        self.published: dict = defaultdict(list)
        self.version = 0

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    @rule(day=DAYS, count=COUNTS, kill=KILLS)
    def pull(self, day: date, count: int, kill: int | None) -> None:
        file = self.folder / "acts.jsonl"
        at = f"{day}T12:00:00Z"
        file.write_text("".join(json.dumps(like(n, published=at)) + "\n" for n in range(count)))
        (spec,) = parse_specs([f"demo:activitystreams={file}"])
        with killed(kill):
            pull_activity.run(self.warehouse, pull_activity.Params(source=spec, first_day=day, last_day=day), BATCH)
        happened = self._acts(day)
        assert happened in ({count} if kill is None else {count, self.acts.get(day)})
        self.acts[day] = happened

    @rule(day=DAYS, people=st.integers(1, 3))
    def score(self, day: date, people: int) -> None:
        """Scores the day anew, and checks it; nothing is published."""
        self.version += 1
        self.scored[day] = {f"demo:{self.version}-{n}" for n in range(people)}
        rows = self.arrow_rows(INFLUENCE, [{"person_id": person, "day": day} for person in sorted(self.scored[day])])
        self.warehouse.replace(INFLUENCE, rows, self._place(day), run_id="r", job="influence")
        if not self.warehouse.row_count(COVERAGE, {"day": day}):
            self.pull(day, 1, None)
        checks.run(self.warehouse, checks.Params(day=day, methodology=OFFICIAL.version), BATCH)

    @rule(day=DAYS, kill=KILLS)
    def publish(self, day: date, kill: int | None) -> None:
        self._change(publish.run, day, self.scored.get(day), kill)

    @rule(day=DAYS, kill=KILLS)
    def unpublish(self, day: date, kill: int | None) -> None:
        self._change(publish.unpublish, day, None, kill)

    @rule(day=DAYS, kill=KILLS)
    def restore(self, day: date, kill: int | None) -> None:
        history = self.published[day]
        self._change(publish.restore, day, history[-2] if len(history) > 1 else None, kill)

    @rule()
    def compact(self) -> None:
        for table in (ACTIVITY, COVERAGE, SCORES):
            self.warehouse.compact(table, run_id="r", job="maintain")

    @rule(days=st.integers(-3, 20))
    def clock_jumps(self, days: int) -> None:
        """Every file was written that many days earlier, or later, than the clock says now."""
        for path in self.folder.rglob("*"):
            if path.is_file():
                age = path.stat().st_mtime - days * 86_400
                os.utime(path, (age, age))

    def _change(self, how: Callable, day: date, people: set[str] | None, kill: int | None) -> None:
        history = self.published[day]
        current = history[-1] if history else None
        refused = False
        with killed(kill):
            try:
                how(self.warehouse, publish.Params(day=day, methodology=OFFICIAL), BATCH)
            except NotPublishedError:
                refused = True
        seen = self._people(day) or None
        if kill is None:
            assert seen == (current if refused else people)
        assert seen in (current, people)
        recorded = publications.current(self.warehouse, OFFICIAL.version, day)
        assert (recorded.people if recorded else 0) == len(seen or ())
        happened = len(publications.complete(self.warehouse, OFFICIAL.version, day)) > len(history)
        assert happened != refused or kill is not None
        if happened:
            history.append(seen)

    @invariant()
    def readers_see_the_model(self) -> None:
        for day in (DAY, DAY + timedelta(days=1)):
            assert self._acts(day) == self.acts.get(day)
            history = self.published[day]
            assert (self._people(day) or None) == (history[-1] if history else None)

    def _place(self, day: date) -> dict:
        return {"methodology": OFFICIAL.version, "day": day}

    def _people(self, day: date) -> set[str]:
        return set(self.warehouse.read(SCORES, self._place(day), columns=["person_id"])["person_id"].to_pylist())

    def _acts(self, day: date) -> int | None:
        """Acts that count by the rule for readers; None where the day is not covered."""
        covered = self.warehouse.read(COVERAGE, {"day": day}).to_pylist()
        if not covered:
            return None
        pulls = self.warehouse.read(ACTIVITY, {"day": day}, columns=["pull"])["pull"]
        count = pc.sum(pc.equal(pulls, covered[0]["pull"])).as_py() or 0
        assert count == covered[0]["act_count"]
        return count


@pytest.fixture
def machine(arrow_rows: ArrowRows) -> type[Readers]:
    return type("Machine", (Readers,), {"arrow_rows": staticmethod(arrow_rows)})


def test_readers_see_whole_changes_in_any_order(machine: type[Readers]) -> None:
    case = machine.TestCase
    case.settings = settings(max_examples=int(os.environ.get("CLOUT_TEST_EXAMPLES", "10")), stateful_step_count=15)
    case().runTest()
