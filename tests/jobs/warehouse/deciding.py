"""Pulls of one day that compete for it: what each reports, whose rows readers see, and walking through a pull's commits."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from jobs import pull_activity
from jobs.pull_activity import Params
from jobs.sources.page import DAY_US, Account, Act, Page, PageBuilder, Rejected
from jobs.warehouse import counted
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
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
    (counting,) = pulls(warehouse, COVERAGE)
    assert [pulls(warehouse, table) for table in (ACTIVITY, ACCOUNTS, REJECTS)] == [{counting}] * 3


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


class Killed(BaseException):
    """The process ended: nothing of it runs any more, so whatever it would still commit is refused too."""
