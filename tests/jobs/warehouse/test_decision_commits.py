"""One pull killed before every commit, another run whole before every commit, two taking turns.

After each, readers see one pull whole, and the next pull leaves nothing of any other.
"""

import itertools
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pyarrow.compute as pc
import pytest

from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from tests.jobs.warehouse.deciding import (
    DAY,
    NEWER,
    NEXT,
    OTHER,
    Killed,
    Reports,
    Walked,
    assert_nothing_is_left_of_others,
    pull,
    pulls,
    seen,
)


def failure(run: Callable[[], None]) -> str | None:
    """What a pull says that lost; None where it won."""
    try:
        run()
    except LostRaceError as lost:
        return str(lost)
    return None


@pytest.mark.system
def test_a_pull_killed_at_any_point_leaves_one_pull_whole_and_the_next_repairs_everything(
    before: Callable[[], str],
) -> None:
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
            outcomes.append(found.name if found else None)
            pull(warehouse, NEXT)
            assert seen(warehouse) is NEXT
            assert_nothing_is_left_of_others(warehouse)
    assert point >= 6, "runs, rejects, accounts, activity, coverage, runs"
    decided = outcomes.index("newer")
    assert set(outcomes[:decided]) == {was and was.name}
    assert set(outcomes[decided:]) == {"newer"}  # and never back


@pytest.mark.system
def test_another_pull_at_any_point_wins_or_comes_after(before: Callable[[], str]) -> None:
    beaten = 0
    for point in range(100):
        warehouse = Warehouse(before())
        points = itertools.count()

        def other(_: str, points: Iterator[int] = points, point: int = point, warehouse: Warehouse = warehouse) -> None:
            if next(points) == point:
                pull(warehouse, OTHER)
                assert seen(warehouse) is OTHER

        walked = Walked(warehouse.root, other)
        lost = failure(partial(pull, walked, NEWER))
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
def test_two_pulls_that_take_turns(before: Callable[[], str], first_stop: str, second_stop: str) -> None:
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
