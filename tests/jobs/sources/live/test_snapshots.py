"""Lists without times, observed night after night."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.sources.live import recording, snapshots
from jobs.sources.live.recording import Cursor, Recording
from jobs.sources.page import DAY_US, day_of

DAY = date(2026, 11, 3)
UNIT = "likes of 7"
MIDNIGHT = snapshots.end_of(DAY)  # the end of DAY
HOUR_US = DAY_US // 24


def observed(landing: Path, day: date, observed_at: int, *pages: list[str]) -> dict[str, int | None]:
    """Records the pages of one night, and gives each name its time."""
    folder = recording.day_folder(landing, "s", day)
    unit = Recording(folder, UNIT)
    found: dict[str, int | None] = {}
    for number, names in enumerate(pages, 1):
        items = snapshots.compared(folder, UNIT, day, observed_at, names)
        unit.add(items, Cursor(number, number == len(pages)))
        found |= {item[snapshots.NAME]: item[snapshots.AT] for item in items}
    return found


def night(days: int = 0) -> int:
    """An hour after the end of the day that lies this many days after DAY."""
    return MIDNIGHT + days * DAY_US + HOUR_US


def test_the_end_of_a_day_is_the_next_midnight() -> None:
    assert datetime(2026, 11, 4, tzinfo=UTC).timestamp() * 1_000_000 == MIDNIGHT
    assert day_of(MIDNIGHT - 1) == DAY


def test_at_the_first_observation_all_came_by_the_last_instant_of_the_day(tmp_path: Path) -> None:
    assert observed(tmp_path, DAY, night(), ["ana", "bo"]) == {"ana": MIDNIGHT - 1, "bo": MIDNIGHT - 1}


def test_before_the_day_has_ended_they_came_before_the_observation(tmp_path: Path) -> None:
    noon = MIDNIGHT - DAY_US // 2
    assert observed(tmp_path, DAY, noon, ["ana"]) == {"ana": noon - 1}


def test_a_newcomer_came_between_two_observations(tmp_path: Path) -> None:
    observed(tmp_path, DAY, night(), ["ana"])
    later = observed(tmp_path, DAY + timedelta(days=1), night(1), ["bo", "ana"])
    assert later == {"ana": None, "bo": MIDNIGHT + DAY_US - 1}


def test_who_vanished_changes_nothing_and_may_come_back(tmp_path: Path) -> None:
    observed(tmp_path, DAY, night(), ["ana", "bo"])
    assert observed(tmp_path, DAY + timedelta(days=1), night(1), ["bo"]) == {"bo": None}
    assert observed(tmp_path, DAY + timedelta(days=2), night(2), ["ana", "bo"]) == {"ana": None, "bo": None}


def test_all_pages_of_an_earlier_list_count(tmp_path: Path) -> None:
    observed(tmp_path, DAY, night(), ["ana"], ["bo"], [])
    later = observed(tmp_path, DAY + timedelta(days=1), night(1), ["cy"], ["bo", "ana"])
    assert later == {"cy": MIDNIGHT + DAY_US - 1, "bo": None, "ana": None}


def test_nights_without_an_observation_widen_the_interval(tmp_path: Path) -> None:
    observed(tmp_path, DAY, night(), ["ana"])
    later = observed(tmp_path, DAY + timedelta(days=5), night(5), ["ana", "bo"])
    assert later == {"ana": None, "bo": MIDNIGHT + 5 * DAY_US - 1}


def test_lists_of_later_days_and_of_other_objects_and_sources_do_not_count(tmp_path: Path) -> None:
    observed(tmp_path, DAY + timedelta(days=1), night(1), ["ana"])
    Recording(recording.day_folder(tmp_path, "s", DAY - timedelta(days=1)), "likes of 8").add(
        [{snapshots.NAME: "ana", snapshots.AT: 1}], Cursor(1, True)
    )
    observed(tmp_path / "other", DAY - timedelta(days=1), night(-1), ["ana"])
    assert observed(tmp_path, DAY, night(), ["ana"]) == {"ana": MIDNIGHT - 1}


def test_the_same_night_again_gives_the_same_times(tmp_path: Path) -> None:
    first = observed(tmp_path, DAY, night(), ["ana"])
    folder = recording.day_folder(tmp_path, "s", DAY)
    assert snapshots.compared(folder, UNIT, DAY, night(), ["ana"]) == [{"name": "ana", "at": first["ana"]}]


@pytest.mark.parametrize(
    ("observed_at", "observable"),
    [
        (MIDNIGHT - DAY_US - 1, False),
        (MIDNIGHT - DAY_US, True),
        (MIDNIGHT - 1, True),
        (MIDNIGHT, True),
        (MIDNIGHT + DAY_US - 1, True),
        (MIDNIGHT + DAY_US, False),
    ],
)
def test_a_day_can_be_observed_from_its_first_instant_until_a_day_after_its_end(
    observed_at: int, observable: bool
) -> None:
    assert snapshots.is_observable(DAY, observed_at) is observable


@given(st.integers(MIDNIGHT - DAY_US + 1, MIDNIGHT + DAY_US - 1))
def test_the_time_lies_in_the_day_and_before_the_observation(observed_at: int) -> None:
    (item,) = snapshots.compared(Path("/nonexistent/2026-11-03"), UNIT, DAY, observed_at, ["ana"])
    assert day_of(item[snapshots.AT]) == DAY
    assert item[snapshots.AT] < observed_at


@given(st.lists(st.lists(st.sampled_from("abcdef"), unique=True), min_size=1, max_size=5))
def test_over_many_nights_each_name_has_one_time(
    tmp_path_factory: pytest.TempPathFactory, nights: list[list[str]]
) -> None:
    landing = tmp_path_factory.mktemp("nights")
    dated: dict[str, int] = {}
    for number, names in enumerate(nights):
        for name, at in observed(landing, DAY + timedelta(days=number), night(number), names).items():
            assert (name in dated) is (at is None)
            dated.setdefault(name, at or 0)
            assert at is None or day_of(at) == DAY + timedelta(days=number)
