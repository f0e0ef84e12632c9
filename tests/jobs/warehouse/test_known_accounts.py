"""What is known of accounts: the same with and without copies of months; at most one copy and its days since are read."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from jobs.scratch import scratch
from jobs.warehouse import counted, known_accounts
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.coverage import COVERAGE
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 15)
AUGUST, SEPTEMBER, OCTOBER = date(2026, 8, 1), date(2026, 9, 1), date(2026, 10, 1)


@pytest.fixture
def observed(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`observed(day, ana={...})`: what a pull of the day observed of these accounts."""
    count = iter(range(99))

    def pull(day: date, source: str = "a", **accounts: Any) -> None:
        place = {"platform": "twitter", "day": day, "source": source, "pull": f"pull {next(count)}"}
        plain = dict.fromkeys(("handle", "is_bot"))
        rows = arrow_rows(
            ACCOUNTS, [place | plain | {"account_id": name, **columns} for name, columns in accounts.items()]
        )
        partition = {name: place[name] for name in ("platform", "day", "source")}
        warehouse.replace(ACCOUNTS, rows, partition, run_id="r", job="j")
        warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [place]), {"day": day, "source": source}, run_id="r", job="j")

    return pull


def at_end_of(warehouse: Warehouse, day: date = DAY) -> known_accounts.Known:
    return known_accounts.at_end_of(day, warehouse, counted.snapshot(warehouse))


@pytest.fixture
def known(warehouse: Warehouse) -> Callable[..., dict[str, list]]:
    """`known(day)`: account -> [handle, is_bot]."""

    def read(day: date = DAY) -> dict[str, list]:
        with scratch() as db:
            at_end_of(warehouse, day).register(db)
            newest = known_accounts.newest_accounts_sql(day).format(accounts="observed")
            found = db.execute(f"select id, handle, is_bot from ({newest}) order by id").fetchall()
            return {id: values for id, *values in found}

    return read


@pytest.fixture
def make_copy(warehouse: Warehouse) -> Callable[..., None]:
    return lambda day=DAY: known_accounts.make_copy(warehouse, counted.snapshot(warehouse), day, run_id="r")


def copies(warehouse: Warehouse) -> list[date]:
    return sorted(row["month"] for row in warehouse.read(ACCOUNTS_KNOWN, columns=["month", "basis"]).to_pylist())


def copy_read(warehouse: Warehouse, day: date = DAY) -> date | None:
    copy = at_end_of(warehouse, day).copy
    return copy.month if copy else None


def test_a_null_hides_nothing_that_was_known(
    observed: Callable[..., None], known: Callable[..., dict[str, list]]
) -> None:
    observed(date(2026, 9, 3), ana={"handle": "ana", "is_bot": True})
    observed(date(2026, 11, 3), ana={"handle": "Ana"})
    observed(date(2026, 11, 9), ana={})
    observed(date(2026, 11, 20), ana={"is_bot": False})  # later
    assert known() == {"twitter:ana": ["Ana", True]}


def test_copies_change_nothing(
    warehouse: Warehouse,
    observed: Callable[..., None],
    known: Callable[..., dict[str, list]],
    make_copy: Callable[..., None],
) -> None:
    observed(date(2026, 8, 31), ana={"handle": "ana", "is_bot": True}, bo={"handle": "bo"})
    observed(date(2026, 9, 30), "b", bo={"handle": "of b", "is_bot": True})
    observed(date(2026, 9, 30), "a", bo={"handle": "of a"}, cy={})
    observed(date(2026, 10, 1), cy={"handle": "cy"})
    observed(date(2026, 11, 1), ana={"is_bot": False})
    days = (date(2026, 9, 15), date(2026, 10, 1), DAY)
    without = [known(day) for day in days]
    assert without[2] == {"twitter:ana": ["ana", False], "twitter:bo": ["of a", True], "twitter:cy": ["cy", None]}
    for day in days:
        make_copy(day)
    assert sorted({*copies(warehouse)}) == [AUGUST, SEPTEMBER, OCTOBER]
    assert [copy_read(warehouse, day) for day in days] == [AUGUST, SEPTEMBER, OCTOBER]
    assert [known(day) for day in days] == without
    digest = known_accounts.credibility_digest(warehouse, counted.snapshot(warehouse), DAY)
    warehouse.delta(ACCOUNTS_KNOWN).delete()
    assert copy_read(warehouse) is None
    assert [known(day) for day in days] == without
    assert known_accounts.credibility_digest(warehouse, counted.snapshot(warehouse), DAY) == digest


def test_no_day_before_the_copy_is_read(
    warehouse: Warehouse,
    observed: Callable[..., None],
    known: Callable[..., dict[str, list]],
    make_copy: Callable[..., None],
    tmp_path: Path,
) -> None:
    for month in (8, 9, 10, 11):
        observed(date(2026, month, 5), ana={"handle": f"ana {month}"})
    make_copy(date(2026, 10, 2))
    for month in (8, 9):
        for file in (tmp_path / "warehouse" / "accounts").glob(f"platform=twitter/day=2026-{month:02}*/*/*.parquet"):
            file.unlink()
    make_copy()  # from the copy of September
    assert copy_read(warehouse) == OCTOBER
    assert known() == {"twitter:ana": ["ana 11", None]}


def test_a_day_pulled_again_invalidates_the_copies_that_hold_it(
    warehouse: Warehouse,
    observed: Callable[..., None],
    known: Callable[..., dict[str, list]],
    make_copy: Callable[..., None],
) -> None:
    for month in (8, 9, 10):
        observed(date(2026, month, 5), ana={"handle": f"ana {month}"}, bo={"is_bot": True})
    for day in (SEPTEMBER, OCTOBER, DAY):
        make_copy(day)
    observed(date(2026, 9, 5), bo={"handle": "late", "is_bot": False})
    assert copy_read(warehouse) == AUGUST
    without = known()
    assert without == {"twitter:ana": ["ana 10", None], "twitter:bo": ["late", True]}
    make_copy()
    assert (copy_read(warehouse), known()) == (OCTOBER, without)


def test_a_pull_that_coverage_does_not_name_is_in_no_copy(
    warehouse: Warehouse,
    observed: Callable[..., None],
    known: Callable[..., dict[str, list]],
    make_copy: Callable[..., None],
    arrow_rows: ArrowRows,
) -> None:
    observed(date(2026, 10, 5), ana={"handle": "ana"})
    row = {
        "platform": "twitter",
        "day": date(2026, 10, 6),
        "source": "a",
        "pull": "dead",
        "account_id": "ana",
        "handle": "no",
    }
    warehouse.replace(ACCOUNTS, arrow_rows(ACCOUNTS, [row]), {"day": row["day"]}, run_id="r", job="j")
    make_copy()
    assert copy_read(warehouse) == OCTOBER
    assert known() == {"twitter:ana": ["ana", None]}


def test_of_two_that_make_a_copy_at_once_both_go_on(
    warehouse: Warehouse,
    observed: Callable[..., None],
    known: Callable[..., dict[str, list]],
    make_copy: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    observed(date(2026, 10, 5), ana={"handle": "ana"})
    replace = type(warehouse).replace

    def after_another(self: Warehouse, *arguments: Any, **named: Any) -> Any:
        monkeypatch.setattr(type(warehouse), "replace", replace)
        stale = warehouse.delta(ACCOUNTS_KNOWN).version()
        make_copy()
        return replace(self, *arguments, **named, version=stale)

    monkeypatch.setattr(type(warehouse), "replace", after_another)
    make_copy()
    assert (copies(warehouse), known()) == ([OCTOBER], {"twitter:ana": ["ana", None]})


def test_a_copy_that_is_removed_meanwhile_is_still_read(
    warehouse: Warehouse, observed: Callable[..., None], make_copy: Callable[..., None]
) -> None:
    """As maintenance may do; without the copy's rows, a bot would count."""
    observed(date(2026, 10, 5), ana={"is_bot": True})
    make_copy()
    found = at_end_of(warehouse)
    warehouse.delete(ACCOUNTS_KNOWN, {"month": OCTOBER}, run_id="r", job="j")
    assert found.bots() == ["twitter:ana"]


def test_handles_are_those_known_at_the_end_of_the_day(warehouse: Warehouse, observed: Callable[..., None]) -> None:
    observed(date(2026, 9, 5), ana={"handle": "ana"}, bo={"handle": "bo"}, cy={})
    observed(date(2026, 11, 16), ana={"handle": "later"})
    asked = ("twitter:ana", "twitter:cy", "github:bo")
    assert at_end_of(warehouse).handles(asked) == {"twitter:ana": "ana"}
