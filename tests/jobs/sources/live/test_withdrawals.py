"""What a population's units take back, and how a parser leaves out what deleted accounts did."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from jobs.sources.live import population, withdrawals
from jobs.sources.live.population import Member
from jobs.sources.live.recording import GONE, Cursor, Recording
from jobs.sources.live.withdrawals import Withdrawals
from jobs.sources.page import Account, Act, Author, Ignored, Record, Unresolved

DAY = date(2026, 11, 3)


def recorded(folder: Path, **cursors: Cursor | None) -> Path:
    """A day's folder, whose population are these units."""
    population.of_day(folder, DAY, [Member(name) for name in cursors])
    for name, cursor in cursors.items():
        if cursor:
            Recording(folder, name).add([], cursor)
    return folder


def gone(account: str) -> Cursor:
    return Cursor(None, True, GONE, [(None, account)])


WHOLE = Cursor(None, True)


def test_units_say_what_they_take_back(tmp_path: Path) -> None:
    folder = recorded(tmp_path, a=gone("ana"), b=Cursor(None, True, "cut off", [("7", "bo"), ("8", "bo")]), c=WHOLE)
    assert withdrawals.of_population(folder) == Withdrawals([("7", "bo"), ("8", "bo")], frozenset({"ana"}))


def test_a_unit_that_is_not_done_and_a_day_without_population_take_back_nothing(tmp_path: Path) -> None:
    assert withdrawals.of_population(recorded(tmp_path / "a", a=Cursor(3, False, None, [("7", "bo")]))) == Withdrawals(
        [], frozenset()
    )
    Recording(tmp_path / "b", "a").add([], gone("ana"))
    assert withdrawals.of_population(tmp_path / "b") == Withdrawals([], frozenset())


@pytest.mark.parametrize(
    ("cursors", "are_trusted"),
    [
        ([gone("ana")], False),
        ([gone("ana"), WHOLE], True),
        ([gone("ana"), Cursor(None, True, "private")], True),
        ([gone("ana"), None], False),  # not asked yet
        ([gone("ana"), Cursor()], True),  # a page is there, but the day may have more
        ([gone("ana"), gone("bo"), WHOLE], False),
        ([gone("ana"), Cursor(None, True, GONE), WHOLE, Cursor("page 2")], True),
    ],
    ids=["alone", "half", "half, partly", "not asked", "begun", "storm", "half are given"],
)
def test_accounts_are_deleted_only_if_half_of_the_population_is_given(
    tmp_path: Path, cursors: list[Cursor | None], are_trusted: bool
) -> None:
    folder = recorded(tmp_path, **{f"u{number}": cursor for number, cursor in enumerate(cursors)})
    assert withdrawals.of_population(folder).accounts == ({"ana"} if are_trusted else set())


def test_what_deleted_accounts_did_is_ignored_and_what_others_did_to_them_stays() -> None:
    def parse(_: bytes) -> Sequence[Record]:
        return (
            Act("post", "ana", "ana", 1, "1"),
            Act("reply", "bo", "ana", 2, "2", "1"),
            Author("1", "ana"),
            Account("ana", 1, "ana"),
            Account("bo", 2, "bo"),
            Unresolved("no target", 3),
        )

    assert withdrawals.without(parse, {"ana"})(b"") == [
        Ignored(1),
        Act("reply", "bo", "ana", 2, "2", "1"),
        Author("1", "ana"),
        Account("bo", 2, "bo"),
        Unresolved("no target", 3),
    ]
