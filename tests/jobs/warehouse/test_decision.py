"""Which pull's rows count: one pull killed before every commit, another run whole before every commit, two taking turns.

After each, readers see one pull whole, and the next pull leaves nothing of any other.
"""

import itertools
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs import pull_activity
from jobs.pull_activity import Params
from jobs.sources.page import DAY_US, Account, Act, Page, PageBuilder, Rejected
from jobs.warehouse import counted
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

DAY = date(2026, 11, 3)
NOON = (DAY - date(1970, 1, 1)).days * DAY_US + DAY_US // 2
PLATFORMS = ("mastodon", "twitter")


@dataclass(frozen=True)
class Reports:
    """A source that reports `count` likes by `name`'s fans, their accounts and a line that cannot be read, on each platform."""

    name: str
    count: int
    id: str = "test"
    places: tuple[str, ...] = ("memory",)
    platforms = PLATFORMS

    def open(self, landing: Path) -> "Reports":
        return self

    def pages(self, *_: date) -> Iterator[Page]:
        for platform in PLATFORMS:
            builder = PageBuilder(platform, self.name)
            for number in range(self.count):
                fan = f"{self.name}{number}"
                act = Act("like", fan, "bo", NOON, f"like-{fan}", None)
                builder.add(number + 1, b"", (act, Account(fan, NOON, fan)))
            builder.reject(self.count + 1, b"?", Rejected("it is no act", NOON))
            yield builder.page()


EARLIER, NEWER, OTHER, NEXT = Reports("earlier", 3), Reports("newer", 5), Reports("other", 2), Reports("next", 1)


def pull(warehouse: Warehouse, reports: Reports) -> None:
    params = Params(source=reports, first_day=DAY, last_day=DAY, max_reject_share=1)  # type: ignore[arg-type] # acts as a spec
    pull_activity.run(warehouse, params, Batch("test"))


def pulls(warehouse: Warehouse, table: Table) -> set[str | None]:
    return set(warehouse.read(table, columns=["pull"])["pull"].to_pylist())


def seen(warehouse: Warehouse) -> Reports | None:
    """Whose rows readers see: asserts that they see all of them, and that `coverage` counts them."""
    now = counted.snapshot(warehouse)
    coverage = {row["platform"]: row for row in warehouse.read(COVERAGE).to_pylist()}
    names: set[str | None] = set()
    for platform in PLATFORMS:
        of_platform = pc.field("platform") == platform
        acts, accounts = (
            counted.dataset(warehouse, table, version, now.coverage).to_table(filter=of_platform).to_pylist()
            for table, version in ((ACTIVITY, now.activity), (ACCOUNTS, now.accounts))
        )
        rejects = warehouse.read(REJECTS, where=of_platform).to_pylist()
        row = coverage.get(platform)
        if row is None:
            assert not acts
            assert not accounts
            names.add(None)
            continue
        rejects = [reject for reject in rejects if reject["pull"] == row["pull"]]
        assert len(acts) == len(accounts) == row["act_count"]
        assert len(rejects) == row["rejected_count"] == 1
        (name,) = {act["actor_id"].rstrip("0123456789") for act in acts}
        assert {account["account_id"] for account in accounts} == {act["actor_id"] for act in acts}
        assert rejects[0]["file"] == name
        names.add(name)
    (name,) = names
    return next((reports for reports in (EARLIER, NEWER, OTHER, NEXT) if reports.name == name), None)


def assert_nothing_is_left_of_others(warehouse: Warehouse) -> None:
    (standing,) = pulls(warehouse, COVERAGE)
    assert [pulls(warehouse, table) for table in (ACTIVITY, ACCOUNTS, REJECTS)] == [{standing}] * 3


@pytest.fixture(params=["nothing", "a pull"])
def before(request, tmp_path) -> Callable[[], str]:
    """`before()`: a new warehouse in which nothing was pulled, or something was."""
    made = Warehouse(str(tmp_path / "before"))
    made.create_tables()
    if request.param != "nothing":
        pull(made, EARLIER)
    if request.param == "a pull of an earlier version":  # which named no pull and took no digests
        for table in (ACTIVITY, ACCOUNTS, REJECTS, COVERAGE):
            made.delta(table).update({"pull": "null"})
        made.delta(COVERAGE).update({"activity_digest": "null", "accounts_digest": "null"})
    copies = iter(range(1000))
    return lambda: str(shutil.copytree(made.root, tmp_path / f"copy{next(copies)}"))


class Walked(Warehouse):
    """Calls `at` before each of its commits, with its name; after one is before the next."""

    def __init__(self, root: str, at: Callable[[str], None]) -> None:
        super().__init__(root)
        self._at = at

    def replace(self, table: Table, *arguments: Any, **named: Any) -> None:
        self._at(f"replace {table.name}")
        super().replace(table, *arguments, **named)

    def append(self, table: Table, *arguments: Any, **named: Any) -> None:
        self._at(f"append {table.name}")
        super().append(table, *arguments, **named)

    def delete(self, table: Table, *arguments: Any, **named: Any) -> None:
        self._at(f"delete {table.name}")
        super().delete(table, *arguments, **named)


def failure(run: Callable[[], None]) -> str | None:
    """What a pull says that lost; None where it won."""
    try:
        run()
    except LostRaceError as lost:
        return str(lost)
    return None


class Killed(BaseException):
    """The process ended: nothing of it runs any more, so whatever it would still commit is refused too."""


def kill_at(name: str) -> Callable[[str], None]:
    def at(commit: str) -> None:
        if commit == name:
            raise Killed

    return at


@pytest.mark.system
def test_a_pull_killed_at_any_point_leaves_one_pull_whole_and_the_next_repairs_everything(before):
    def kill_from(point: int) -> Callable[[str], None]:
        points = itertools.count()

        def at(_: str) -> None:
            if next(points) >= point:
                raise Killed

        return at

    outcomes: list[str | None] = []
    for point in range(100):
        warehouse = Warehouse(before())
        was = seen(warehouse)
        try:
            pull(Walked(warehouse.root, kill_from(point)), NEWER)
            break
        except Killed:
            found = seen(warehouse)
            assert found in (was, NEWER), point
            outcomes.append(found and found.name)
            pull(warehouse, NEXT)
            assert seen(warehouse) is NEXT
            assert_nothing_is_left_of_others(warehouse)
    assert point >= 6, "runs, rejects, accounts, activity, coverage, runs"
    decided = outcomes.index("newer")
    assert set(outcomes[:decided]) == {was and was.name}
    assert set(outcomes[decided:]) == {"newer"}  # and never back


@pytest.mark.system
def test_another_pull_at_any_point_wins_or_comes_after(before):
    beaten = 0
    for point in range(100):
        warehouse = Warehouse(before())
        points = itertools.count()

        def other(_: str, points: Iterator[int] = points, point: int = point, warehouse: Warehouse = warehouse) -> None:
            if next(points) == point:
                pull(warehouse, OTHER)
                assert seen(warehouse) is OTHER

        walked = Walked(warehouse.root, other)
        lost = failure(lambda walked=walked: pull(walked, NEWER))
        if lost:
            (winner,) = pulls(warehouse, COVERAGE)
            assert lost == (
                f"coverage {DAY} test: lost to run {winner} (pull_activity), which pulled it meanwhile; nothing of this run"
                " was kept"
            )
            (failed,) = warehouse.read(RUNS, where=pc.field("status") == "failed").to_pylist()
            assert failed["error"] == lost
            beaten += 1
        if next(points) <= point:
            break
        assert seen(warehouse) is OTHER
        assert_nothing_is_left_of_others(warehouse)
    assert 3 < beaten < point


STOPS = ["append rejects", "append activity", "replace coverage", "delete rejects"]


@pytest.mark.system
@pytest.mark.parametrize("before", ["a pull"], indirect=True)
@pytest.mark.parametrize("first_stop", STOPS)
@pytest.mark.parametrize("second_stop", STOPS)
def test_two_pulls_that_take_turns(before, first_stop, second_stop):
    """One stops before a commit, the other starts and stops before one of its own, while the first goes on to its end."""
    warehouse = Warehouse(before())
    ended: dict[Reports, str | None] = {}
    stopped, go_on = threading.Event(), threading.Event()

    def run(reports: Reports, at: Callable[[str], None]) -> None:
        ended[reports] = failure(lambda: pull(Walked(warehouse.root, at), reports))

    def wait(commit: str) -> None:
        if commit == first_stop:
            stopped.set()
            assert go_on.wait(60)

    def let_first_end(commit: str) -> None:
        if commit == second_stop:
            go_on.set()
            first.join(60)

    first = threading.Thread(target=run, args=(NEWER, wait))
    first.start()
    assert stopped.wait(60) or not first.is_alive()
    run(OTHER, let_first_end)
    go_on.set()
    first.join(60)
    lost = [reports for reports, error in ended.items() if error]
    assert len(lost) < 2
    assert seen(warehouse) is (NEWER if lost == [OTHER] else OTHER)
    assert_nothing_is_left_of_others(warehouse)


@pytest.mark.parametrize("before", ["a pull"], indirect=True)
@pytest.mark.parametrize("table", [ACTIVITY, ACCOUNTS])
def test_a_pull_that_lands_while_tables_are_opened_is_not_half_seen(before, table):
    """It names its rows and removes the earlier ones after a reader opened `coverage`, before it opened the rows."""

    class Meanwhile(Warehouse):
        landed = False

        def version(self, opened: Table) -> int:
            if opened is table and not self.landed:
                self.landed = True
                pull(Warehouse(self.root), NEWER)
            return super().version(opened)

    assert seen(Meanwhile(before())) is NEWER


@pytest.mark.parametrize("before", ["a pull"], indirect=True)
def test_duckdb_sees_only_rows_that_count(before):
    warehouse = Warehouse(before())
    with pytest.raises(Killed):
        pull(Walked(warehouse.root, kill_at("replace coverage")), NEWER)
    now = counted.snapshot(warehouse)
    acts = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage)
    with duckdb.connect() as db:
        db.register("acts", acts)
        found = db.sql("select count(*) from acts where actor_id <> 'earlier0'").fetchall()
    assert found == [((EARLIER.count - 1) * len(PLATFORMS),)]
    assert warehouse.row_count(ACTIVITY, {}) == (EARLIER.count + NEWER.count) * len(
        PLATFORMS
    )  # the dead one's lie beside


@pytest.mark.parametrize("before", ["nothing"], indirect=True)
def test_a_file_holds_rows_of_one_pull(before):
    """So that statistics of files say which pull they are of."""
    warehouse = Warehouse(before())
    for _ in range(2):
        with pytest.raises(Killed):
            pull(Walked(warehouse.root, kill_at("replace coverage")), NEWER)
    files = pa.table(warehouse.delta(ACTIVITY).get_add_actions(flatten=True)).to_pylist()
    assert len(files) == 2 * len(PLATFORMS)
    assert all(file["min.pull"] == file["max.pull"] for file in files)


@pytest.mark.parametrize("before", ["a pull"], indirect=True)
def test_a_failure_to_remove_what_no_longer_counts_fails_no_pull(before, caplog):
    class Stuck(Warehouse):
        def delete(self, *_: Any, **__: Any) -> None:
            raise OSError("the store is away")

    warehouse = Stuck(before())
    pull(warehouse, NEWER)
    assert seen(warehouse) is NEWER
    assert "could not be removed yet (the store is away)" in caplog.text
    pull(Warehouse(warehouse.root), NEXT)
    assert_nothing_is_left_of_others(warehouse)


@pytest.mark.parametrize("before", ["a pull of an earlier version"], indirect=True)
def test_rows_of_an_earlier_version_count_until_the_next_pull(before):
    warehouse = Warehouse(before())
    assert seen(warehouse) is EARLIER
    pull(warehouse, NEWER)
    assert seen(warehouse) is NEWER
    assert_nothing_is_left_of_others(warehouse)


@pytest.mark.parametrize("before", ["nothing"], indirect=True)
def test_days_and_sources_that_are_decided_at_once_do_not_collide(before):
    """Each commit of `coverage` meets those of others: it is tried again, and looks again whether it has lost."""
    warehouse = Warehouse(before())
    sources = [Reports(f"s{number}", 1, id=f"s{number}") for number in range(6)]
    with ThreadPoolExecutor(len(sources)) as threads:
        list(threads.map(lambda reports: pull(warehouse, reports), sources))
    decided = [row for row in warehouse.read(COVERAGE).to_pylist() if row["source"] != "test"]
    assert len(decided) == len(sources) * len(PLATFORMS)
    now = counted.snapshot(warehouse)
    acts = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage).to_table().to_pylist()
    assert len([act for act in acts if act["source"] != "test"]) == len(decided)
