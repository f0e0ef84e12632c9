"""What a night reads does not grow with history: how often it parses a log, and how many rows of accounts it reads."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from jobs import checks, publish
from jobs.warehouse import counted, digests, known_accounts, runs, storage
from jobs.warehouse.arrow_writer import Layout
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 3)
OFFICIAL = load("2026.11")
BATCH = Batch("test")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tables whose logs were parsed, one for each time."""
    names: list[str] = []

    class Counted(DeltaTable):
        def __init__(self, path: str | Path, *arguments: Any, **named: Any) -> None:
            names.append(str(path).rpartition("/")[2])
            super().__init__(path, *arguments, **named)

    monkeypatch.setattr(storage, "DeltaTable", Counted)
    return names


def test_a_table_is_opened_again_only_after_a_commit(
    warehouse: Warehouse, arrow_rows: ArrowRows, opened: list[str]
) -> None:
    same = Warehouse(warehouse.root)
    before = same.version(COVERAGE)
    same.read(COVERAGE), same.read(COVERAGE, version=before), same.partitions(COVERAGE), same.version(COVERAGE)
    assert opened == ["coverage"]
    held = same.delta(COVERAGE)
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": DAY}]), {"day": DAY}, run_id="r", job="j")
    opened.clear()
    assert same.read(COVERAGE).num_rows == 1
    assert same.read(COVERAGE, version=before).num_rows == 0
    assert (held.version(), same.version(COVERAGE)) == (before, before + 1)
    assert opened == ["coverage", "coverage"]  # the newest version, and the one before it


def test_a_table_held_by_a_writer_keeps_its_version(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """A write that begins at an older version must lose, so an opened table may not advance by itself."""
    held = warehouse.delta(COVERAGE)
    before = held.version()
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": DAY}]), {"day": DAY}, run_id="r", job="j")
    assert held.version() == before
    assert warehouse.version(COVERAGE) == before + 1


def test_checks_and_publication_parse_each_log_once_between_commits(
    warehouse: Warehouse, arrow_rows: ArrowRows, opened: list[str]
) -> None:
    """Each of its commits makes a run open that table again. Before, `checks` opened `influence` five times."""
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": DAY}]), {"day": DAY}, run_id="r", job="j")
    place = {"methodology": "2026.11", "day": DAY}
    with runs.recorded(warehouse, "influence", DAY, BATCH, methodology="2026.11") as row:
        people = arrow_rows(INFLUENCE, [{"person_id": "twitter:a", "influence": 1.0, "direct": 1.0, "score": 1.0}])
        warehouse.replace(INFLUENCE, people, place, run_id=row.id, job=row.job)
        row.parameters[digests.INFLUENCE] = digests.of_stream(INFLUENCE, warehouse.reader(INFLUENCE, place))
        row.uncovered_days = {}
    night = Warehouse(warehouse.root)
    before = {table.name: night.version(table) for table in TABLES}
    opened.clear()
    checks.run(night, checks.Params(day=DAY, methodology="2026.11"), BATCH)
    publish.run(night, publish.Params(day=DAY, methodology=OFFICIAL), BATCH)
    commits = {table.name: night.version(table) - before[table.name] for table in TABLES}
    assert commits["runs"] == 5  # checks: started, done; publish: started, planned, done
    assert {name: opened.count(name) for name in commits} == commits


def test_partitions_are_those_of_the_log(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    places = [{"platform": "git:hub", "day": DAY, "source": "a b"}, {"platform": "x", "day": DAY, "source": "c"}]
    rows = arrow_rows(ACCOUNTS, [{"account_id": "ana"} | place for place in places])
    warehouse.replace(ACCOUNTS, rows, {"day": DAY}, run_id="r", job="j")
    by_source = sorted(warehouse.delta(ACCOUNTS).partitions(), key=lambda place: place["source"])
    assert sorted(warehouse.partitions(ACCOUNTS), key=lambda place: place["source"]) == by_source
    assert by_source[0] == {"platform": "git:hub", "day": str(DAY), "source": "a b"}
    assert warehouse.partitions(RUNS) == []


def test_bots_are_read_without_the_other_accounts_of_a_copy(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_accounts, "LAYOUT", Layout(rows_per_group=100))
    observed = DAY - timedelta(days=10)
    place = {"platform": "twitter", "day": observed, "source": "a", "pull": "p"}
    flags = [True if n % 40 == 7 else None if n % 40 == 8 else False for n in range(2_000)]
    accounts = [{"account_id": f"{n:04}", "handle": f"h{n}", "is_bot": flag} for n, flag in enumerate(flags)]
    rows = arrow_rows(ACCOUNTS, [place | account for account in accounts])
    warehouse.replace(ACCOUNTS, rows, {"day": observed}, run_id="r", job="j")
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [place]), {"day": observed}, run_id="r", job="j")
    known_accounts.make_copy(warehouse, counted.snapshot(warehouse), DAY, run_id="r")

    (fragment,) = warehouse.dataset(ACCOUNTS_KNOWN).get_fragments()
    assert (fragment.metadata.num_rows, fragment.num_row_groups) == (2_000, 20)
    assert fragment.subset(known_accounts.IS_BOT).num_row_groups == 1
    known = known_accounts.at_end_of(DAY, warehouse, counted.snapshot(warehouse))
    assert known.copy is not None
    assert known.bots() == [f"twitter:{n:04}" for n, flag in enumerate(flags) if flag]
