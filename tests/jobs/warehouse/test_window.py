"""The days that a score is computed from."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from jobs.warehouse import runs
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import (
    activity_digests,
    covered_days,
    expired_days,
    row_count,
    shared_days,
    stale_days,
    uncovered_days,
)
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.methodology import load
from schemas.monthly_weights import MONTHLY_WEIGHTS
from tests.fixture_types import ArrowRows

FIRST, SECOND, THIRD = (date(2026, 11, 1) + timedelta(days=n) for n in range(3))


@pytest.fixture
def pulled(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`pulled(day, source)`: the coverage row of a pull that brought acts of this content."""

    def write(day: date, source: str = "test", digest: str | None = "like", act_count: int = 0) -> None:
        place = {"platform": "twitter", "day": day, "source": source}
        row = {**place, "activity_digest": digest, "act_count": act_count, "pull": uuid4().hex}
        warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [row]), place, run_id="r", job="j")

    return write


@pytest.fixture
def digests(warehouse: Warehouse) -> Callable[[], dict[date, str]]:
    return lambda: activity_digests(warehouse, FIRST, THIRD)


@pytest.fixture
def counted(warehouse: Warehouse, digests: Callable[[], dict[date, str]]) -> Callable[..., None]:
    """`counted(day)`: the day is counted in `engagement` as its activity is now, or as it was then."""

    def write(day: date, status: str = runs.DONE, digest: str | None = None) -> None:
        run = Run("engagement", day, Batch("key"), {"activity_digest": digest or digests().get(day, "")})
        runs.write(warehouse, [run], status)

    return write


def test_a_day_is_covered_where_any_source_of_the_platform_has_a_row(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    rows: list[dict[str, Any]] = [
        {"day": FIRST, "source": "a"},
        {"day": FIRST, "source": "b"},
        {"day": THIRD, "source": "b", "status": "partial"},
        {"day": SECOND, "platform": "reddit"},
        {"day": FIRST - timedelta(days=1)},  # before the window
        {"day": THIRD + timedelta(days=1)},  # after it
    ]
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, rows), {}, run_id="r", job="j")
    covered = covered_days(warehouse, FIRST, THIRD)
    assert covered == {"twitter": {FIRST, THIRD}, "reddit": {SECOND}}
    found = uncovered_days(covered, ["github", "reddit"], FIRST, THIRD)
    assert found == {
        "github": [str(FIRST), str(SECOND), str(THIRD)],  # known, and covered on no day of the window
        "reddit": [str(FIRST), str(THIRD)],
        "twitter": [str(SECOND)],
    }


def test_a_digest_is_of_what_was_pulled_of_a_day_by_whom_and_of_no_other_day(
    pulled: Callable[..., None], digests: Callable[[], dict[date, str]]
) -> None:
    pulled(FIRST)
    pulled(SECOND)
    before = digests()
    assert sorted(before) == [FIRST, SECOND]
    pulled(SECOND)  # again, and the same rows
    assert digests() == before
    pulled(SECOND, "another")
    assert digests()[SECOND] != before[SECOND]
    pulled(SECOND, digest="like, reply")
    pulled(SECOND, "another", digest=None)  # by an earlier version of clout, which took none
    assert digests()[SECOND] == digests()[SECOND] != before[SECOND]
    assert digests()[FIRST] == before[FIRST]


def test_a_day_depends_on_the_day_before_only_if_several_sources_cover_both(
    warehouse: Warehouse, pulled: Callable[..., None], digests: Callable[[], dict[date, str]]
) -> None:
    pulled(FIRST, "a")
    pulled(SECOND, "a")
    pulled(THIRD, "a")
    before = digests()
    pulled(FIRST, "a", digest="reply")
    assert digests()[SECOND] == before[SECOND]  # one source alone
    assert shared_days(warehouse, FIRST, THIRD) == {}
    pulled(SECOND, "b")
    assert shared_days(warehouse, FIRST, THIRD) == {"twitter": {SECOND, THIRD}}
    assert shared_days(warehouse, THIRD, THIRD) == {"twitter": {THIRD}}
    before = digests()
    assert activity_digests(warehouse, SECOND, SECOND) == {SECOND: before[SECOND]}  # whatever the window
    pulled(FIRST, "a", digest="like")
    after = digests()
    assert (after[SECOND] == before[SECOND], after[THIRD] == before[THIRD]) == (False, True)


def test_a_digest_is_read_at_a_version_of_coverage(
    warehouse: Warehouse, pulled: Callable[..., None], digests: Callable[[], dict[date, str]]
) -> None:
    pulled(FIRST)
    version, before = warehouse.version(COVERAGE), digests()
    pulled(FIRST, digest="reply")
    assert activity_digests(warehouse, FIRST, THIRD, version) == before != digests()


def test_a_day_is_stale_until_it_is_counted_as_it_is_now(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    counted: Callable[..., None],
    digests: Callable[[], dict[date, str]],
) -> None:
    def stale() -> list[date]:
        return stale_days(warehouse, digests(), FIRST, THIRD)

    assert stale() == []  # nothing was pulled, so there is nothing to count
    pulled(FIRST)
    pulled(THIRD)
    assert stale() == [FIRST, THIRD]
    counted(FIRST)
    counted(THIRD, runs.FAILED)
    assert stale() == [THIRD]
    counted(THIRD)
    pulled(FIRST, "late")  # another source of a day that was counted
    assert stale() == [FIRST]
    counted(FIRST)
    pulled(FIRST)  # again, and the same rows
    assert stale() == []
    pulled(FIRST, digest="")  # again, and now there is nothing
    assert stale() == [FIRST]
    assert stale_days(warehouse, digests(), SECOND, THIRD) == []  # outside the window


@pytest.mark.parametrize("status", [runs.STARTED, runs.FAILED])
def test_a_count_that_did_not_end_well_may_have_been_written(
    warehouse: Warehouse,
    pulled: Callable[..., None],
    counted: Callable[..., None],
    digests: Callable[[], dict[date, str]],
    status: str,
) -> None:
    """The day is then pulled back to what was counted before it: what `engagement` holds is unknown all the same."""
    pulled(FIRST)
    counted(FIRST)
    counted(FIRST, status)  # of the same rows, so it changes nothing
    assert stale_days(warehouse, digests(), FIRST, THIRD) == []
    counted(FIRST, status, digest="of other rows")
    assert stale_days(warehouse, digests(), FIRST, THIRD) == [FIRST]
    counted(FIRST)
    assert stale_days(warehouse, digests(), FIRST, THIRD) == []


def test_days_counted_by_an_earlier_version_are_counted_again(
    warehouse: Warehouse, pulled: Callable[..., None], digests: Callable[[], dict[date, str]]
) -> None:
    pulled(FIRST, digest=None)
    runs.write(warehouse, [Run("engagement", FIRST, Batch("key"), {"activity_files": "names"})], runs.DONE)
    assert stale_days(warehouse, digests(), FIRST, THIRD) == [FIRST]


def test_a_day_whose_acts_have_expired_keeps_its_count(
    warehouse: Warehouse,
    arrow_rows: ArrowRows,
    pulled: Callable[..., None],
    counted: Callable[..., None],
    digests: Callable[[], dict[date, str]],
) -> None:
    """It would be counted as empty. The third day needs the second one, because another source reports acts of both."""

    def stale() -> list[date]:
        return stale_days(warehouse, digests(), FIRST, THIRD)

    places = {"early": (FIRST, "a"), "middle": (SECOND, "a"), "late": (THIRD, "b")}
    for day, source in places.values():
        pulled(day, source, act_count=1)
        acts = arrow_rows(ACTIVITY, [{"day": day, "source": source}])
        warehouse.append(ACTIVITY, acts, {"day": day}, run_id="r", job="j")
    assert expired_days(warehouse, [FIRST, SECOND, THIRD]) == set()
    warehouse.delete(ACTIVITY, {"day": (FIRST,)}, run_id="r", job="j")
    assert expired_days(warehouse, [FIRST, SECOND, THIRD]) == {FIRST}
    assert expired_days(warehouse, [SECOND]) == set()
    assert stale() == [FIRST, SECOND, THIRD]  # none of them has a count to keep
    for day in (FIRST, SECOND, THIRD):
        counted(day, digest="before a change")
    assert stale() == [SECOND, THIRD]
    warehouse.delete(ACTIVITY, {"day": (SECOND,)}, run_id="r", job="j")
    assert expired_days(warehouse, [THIRD]) == {THIRD}
    assert stale() == []
    pulled(FIRST, "a", act_count=0)  # nothing of it is missing any more: it holds no acts
    assert stale() == [FIRST]


def test_rows_of_several_windows(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Each window counts its own; what lies before all of them does not count."""
    methodology = load("2026.11")
    for day in (FIRST, SECOND, methodology.first_day(FIRST) - timedelta(days=1)):
        acts = arrow_rows(ACTIVITY, [{"day": day, "activity_id": name} for name in "ab"])
        warehouse.append(ACTIVITY, acts, {"day": day}, run_id="r", job="j")
    assert [row_count(warehouse, methodology, days) for days in ([], [FIRST], [FIRST, SECOND])] == [0, 2, 8]


def test_months_that_were_added_up_count_with_their_roll_ups(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    methodology, last = load("2026.12.1"), date(2026, 11, 30)
    for day in (date(2026, 9, 3), date(2026, 11, 3)):
        acts = arrow_rows(ACTIVITY, [{"day": day, "activity_id": name} for name in "abc"])
        warehouse.append(ACTIVITY, acts, {"day": day}, run_id="r", job="j")
    assert row_count(warehouse, methodology, [last]) == 6
    months = [{"methodology": methodology.version, "month": date(2026, month, 1), "basis": "b"} for month in (1, 9)]
    warehouse.append(MONTHLY_WEIGHTS, arrow_rows(MONTHLY_WEIGHTS, months), {}, run_id="r", job="j")
    assert row_count(warehouse, methodology, [last]) == 1 + 3


def test_a_warehouse_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert row_count(Warehouse(str(tmp_path / "none")), load("2026.11"), [FIRST]) == 0
