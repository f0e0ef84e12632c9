"""Units of a day, recorded one after the other: what is counted, what stops the pull, what the next one resumes."""

from pathlib import Path
from typing import Any

import pytest

from jobs.sources.live import roster
from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError
from jobs.sources.live.http import ForbiddenError, NotAllowedError, NotThereError, WithheldError
from jobs.sources.live.recording import DENIED, GONE, Cursor, Recording
from jobs.sources.live.roster import MOST_FAILURES
from jobs.sources.page import Note
from tests.jobs.sources.killed import killed_at, recorded

UNITS = [f"u{number}" for number in range(6)]


class Platform:
    """Answers each unit with two pages, or with what `faults` says; `asked` holds the units in order."""

    def __init__(self, **faults: BaseException | str) -> None:
        self.faults: dict[str, Any] = faults
        self.asked: list[str] = []

    def ask(self, unit: str, recording: Recording) -> None:
        self.asked.append(unit)
        fault = self.faults.get(unit)
        if isinstance(fault, BaseException):
            raise fault
        if recording.cursor.next is None:
            recording.add([1], Cursor("second page"))
        recording.add([2], Cursor(None, True, fault))


def record(folder: Path, platform: Platform, units: list[str] | None = None) -> list[Note]:
    return roster.record(folder, UNITS if units is None else units, "accounts", platform.ask)


def test_units_that_are_whole_need_no_note_and_are_asked_once(tmp_path: Path) -> None:
    platform = Platform()
    assert record(tmp_path, platform) == []
    assert platform.asked == UNITS
    assert record(tmp_path, platform) == []
    assert platform.asked == UNITS


def test_units_that_fail_for_ever_do_not_keep_the_next_pull_from_the_others(tmp_path: Path) -> None:
    platform = Platform(**{unit: ApiError("x: status 500") for unit in UNITS[:MOST_FAILURES]})
    record(tmp_path, platform)
    assert platform.asked == UNITS[:3]
    platform.asked.clear()
    (note,) = record(tmp_path, platform)
    assert platform.asked == [*UNITS[3:], *UNITS[:3]]
    assert (note.partial, note.lasting) == (True, False)
    platform.asked.clear()
    platform.faults.clear()
    assert record(tmp_path, platform) == []
    assert platform.asked == UNITS[:3]


def test_a_damaged_list_of_failures_decides_nothing(tmp_path: Path) -> None:
    (tmp_path / roster.FAILED).write_bytes(b"\xff")
    platform = Platform()
    assert record(tmp_path, platform) == []
    assert platform.asked == UNITS


def test_without_units_there_is_nothing_to_note(tmp_path: Path) -> None:
    assert record(tmp_path, Platform(), []) == []


def test_units_are_counted_by_why_they_stay_incomplete(tmp_path: Path) -> None:
    short = "its events do not reach back"
    platform = Platform(u1=short, u3=short, u4=NotThereError("x/u4: not there (404)"))
    expected = [
        Note(f"2 of 6 accounts: {short}", partial=True, lasting=True),
        Note(f"1 of 6 accounts: {GONE}", partial=True, lasting=True),
    ]
    assert record(tmp_path, platform) == expected
    assert record(tmp_path, platform) == expected  # a repeated pull says the same
    assert platform.asked == UNITS


def test_a_unit_that_fails_leaves_the_others_and_is_asked_again(tmp_path: Path) -> None:
    platform = Platform(u1=ApiError("x: status 500"), u4=ApiError("x: status 500"), u5=ApiError("x: status 418"))
    (note,) = record(tmp_path, platform)
    assert note == Note("3 of 6 accounts failed, most with: x: status 500; pull again", partial=True)
    platform.faults.clear()
    platform.asked.clear()
    assert record(tmp_path, platform) == []
    assert platform.asked == ["u1", "u4", "u5"]


def test_failures_in_a_row_end_the_pull(tmp_path: Path) -> None:
    failing = {f"u{number}": ApiError("x: down") for number in range(1, 1 + MOST_FAILURES)}
    platform = Platform(**failing)
    (note,) = record(tmp_path, platform)
    assert note == Note("x: down after 3 of 6 accounts; the next pull resumes there", partial=True)
    assert platform.asked == UNITS[: 1 + MOST_FAILURES]


@pytest.mark.parametrize("between", ["whole", NotThereError("gone")], ids=["whole", "gone"])
def test_failures_that_are_not_in_a_row_do_not_end_it(tmp_path: Path, between: str | NotThereError) -> None:
    platform = Platform(**{unit: ApiError("x: down") for unit in UNITS if unit != "u2"})
    platform.faults |= {"u2": between, "u3": None}
    notes = record(tmp_path, platform)
    assert platform.asked == UNITS
    assert notes[-1].reason == "4 of 6 accounts failed, most with: x: down; pull again"


def test_a_day_of_which_nothing_is_recorded_is_absent(tmp_path: Path) -> None:
    platform = Platform(**{unit: ApiError("x: down") for unit in UNITS})
    (note,) = record(tmp_path, platform)
    assert note == Note("x: down after 2 of 6 accounts; the next pull resumes there", partial=True, absent=True)
    (few,) = record(tmp_path, platform, UNITS[:2])
    assert few == Note("2 of 2 accounts failed, most with: x: down; pull again", partial=True, absent=True)


def test_a_used_up_budget_ends_the_pull_and_the_next_one_resumes(tmp_path: Path) -> None:
    platform = Platform(u2="cut off", u4=OutOfBudgetError("the budget of 9 requests is used up"))
    assert record(tmp_path, platform) == [
        Note("1 of 6 accounts: cut off", partial=True, lasting=True),
        Note("the budget of 9 requests is used up after 4 of 6 accounts; the next pull resumes there", partial=True),
    ]
    assert platform.asked == UNITS[:5]
    platform.faults = {}
    platform.asked.clear()
    assert record(tmp_path, platform) == [Note("1 of 6 accounts: cut off", partial=True, lasting=True)]
    assert platform.asked == UNITS[4:]


def test_a_budget_that_ends_within_a_unit_keeps_its_pages(tmp_path: Path) -> None:
    budget = Budget(3, 1)

    def ask(unit: str, recording: Recording) -> None:
        for page in range(recording.cursor.next or 0, 2):
            budget.spend()
            recording.add([page], Cursor(page + 1, page == 1))

    notes = roster.record(tmp_path, ["a", "b"], "feeds", ask)
    assert [note.reason for note in notes] == [
        "the budget of 3 requests is used up after 1 of 2 feeds; the next pull resumes there"
    ]
    budget = Budget(1, 1)
    assert roster.record(tmp_path, ["a", "b"], "feeds", ask) == []
    assert budget.used == 1


@pytest.mark.parametrize("error", [NotAllowedError("check connection 'x'"), KeyboardInterrupt(), ZeroDivisionError()])
def test_other_errors_pass(tmp_path: Path, error: NotAllowedError | KeyboardInterrupt | ZeroDivisionError) -> None:
    platform = Platform(u1=error)
    with pytest.raises(type(error)):
        record(tmp_path, platform)
    assert platform.asked == ["u0", "u1"]


FORBIDDEN = ForbiddenError("x: not allowed (403); check connection 'x'")


@pytest.mark.parametrize("unit", ["u0", "u3", "u5"])
def test_a_refused_unit_is_its_own_if_others_are_given(tmp_path: Path, unit: str) -> None:
    platform = Platform(**{unit: FORBIDDEN})
    expected = [Note(f"1 of 6 accounts: {DENIED}", partial=True, lasting=True)]
    assert record(tmp_path, platform) == expected
    assert platform.asked == UNITS
    assert record(tmp_path, platform) == expected
    assert platform.asked == UNITS


def test_refusals_of_all_units_are_one_of_access(tmp_path: Path) -> None:
    platform = Platform(**dict.fromkeys(UNITS, FORBIDDEN) | {"u1": NotThereError("x/u1: not there (404)")})
    for asked in (["u0", "u1", "u2", "u3"], ["u0", "u2", "u3"]):
        with pytest.raises(ForbiddenError, match="check connection 'x'"):
            record(tmp_path, platform)
        assert platform.asked == asked
        platform.asked.clear()
    platform.faults = {"u5": FORBIDDEN}
    assert [note.reason for note in record(tmp_path, platform)] == [
        f"1 of 6 accounts: {DENIED}",
        f"1 of 6 accounts: {GONE}",
    ]


def test_many_refused_units_do_not_end_the_pull_once_others_are_given(tmp_path: Path) -> None:
    platform = Platform(**dict.fromkeys(UNITS[1:], FORBIDDEN))
    assert [note.reason for note in record(tmp_path, platform)] == [f"5 of 6 accounts: {DENIED}"]


def test_a_unit_that_is_withheld_says_so(tmp_path: Path) -> None:
    platform = Platform(u1=WithheldError("x/u1"))
    assert [note.reason for note in record(tmp_path, platform)] == ["1 of 6 accounts: withheld for legal reasons"]


def test_a_pull_that_is_killed_at_any_page_asks_each_unit_at_most_twice(tmp_path: Path) -> None:
    record(tmp_path / "whole", Platform())
    names = [path.name for path in recorded(tmp_path / "whole")]
    for number in range(len(names)):
        platform = Platform()
        with killed_at(number):
            record(tmp_path / str(number), platform)
        assert record(tmp_path / str(number), platform) == []
        assert [path.name for path in recorded(tmp_path / str(number))] == names
        assert len(platform.asked) <= len(UNITS) + 1


def test_a_unit_that_goes_while_it_is_read_keeps_its_pages(tmp_path: Path) -> None:
    def ask(unit: str, recording: Recording) -> None:
        recording.add([1], Cursor("more"))
        raise NotThereError("gone")

    assert [note.reason for note in roster.record(tmp_path, ["a"], "feeds", ask)] == [f"1 of 1 feeds: {GONE}"]
    assert len(recorded(tmp_path)) == 2
