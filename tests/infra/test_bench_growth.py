"""What the benchmark of growth scores is what a pull of the same days would have been counted as."""

import importlib
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from jobs import pull_activity
from jobs.sources.spec import parse_specs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.kinds import KINDS
from schemas.table import Table

BENCH = Path(__file__).parent.parent.parent / "infra" / "bench"
PEOPLE, DAYS = 2_000, 2  # enough that every kind occurs, and replies that are mentions too


@pytest.fixture
def growth(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCH)
    return importlib.import_module("growth")


@pytest.fixture
def made(growth: ModuleType, tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(str(tmp_path / "made"))
    growth.make(warehouse, PEOPLE, DAYS)
    return warehouse


@pytest.fixture
def pulled(growth: ModuleType, tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(str(tmp_path / "pulled"))
    warehouse.create_tables()
    (spec,) = parse_specs([f"sample=people={PEOPLE},seed=1"])
    first = growth.graphs.FIRST_DAY
    params = pull_activity.Params(source=spec, first_day=first, last_day=first + timedelta(days=DAYS - 1))
    pull_activity.run(warehouse, params, Batch("pull"))
    return warehouse


def sorted_rows(warehouse: Warehouse, table: Table) -> list[dict[str, Any]]:
    """All but the pull, and digests of what it brought."""
    names = [name for name in table.column_names if name not in ("pull", "activity_digest", "accounts_digest")]
    return arrow.sorted_by_grain(table, warehouse.read(table)).select(names).to_pylist()


def counted(activity: pa.Table) -> list[dict[str, Any]]:
    """The rows of `engagement`, derived once more: each act once, as its most specific kind, and none on oneself."""
    acts: dict[tuple[Any, ...], int] = {}
    for row in activity.to_pylist():
        act = (row["day"], row["platform"], row["actor_id"], row["target_id"], row["activity_id"])
        assert row["kind"] == "post" or row["actor_id"] != row["target_id"]
        acts[act] = min(KINDS.index(row["kind"]), acts.get(act, len(KINDS)))
    counts = Counter(
        (day, f"{platform}:{actor}", f"{platform}:{target}", platform, KINDS[kind])
        for (day, platform, actor, target, _), kind in acts.items()
    )
    assert counts.total() < activity.num_rows  # some were reported twice
    return [dict(zip(ENGAGEMENT.column_names, (*row, count), strict=True)) for row, count in sorted(counts.items())]


def test_the_rows_scored_are_those_of_a_pull(made: Warehouse, pulled: Warehouse) -> None:
    engagement = sorted_rows(made, ENGAGEMENT)
    assert engagement == counted(pulled.read(ACTIVITY))
    assert {row["kind"] for row in engagement} == set(KINDS)
    assert sorted_rows(made, COVERAGE) == sorted_rows(pulled, COVERAGE)


def test_accounts_are_everybodys_as_a_pull_observes_them(
    made: Warehouse, pulled: Warehouse, growth: ModuleType
) -> None:
    accounts = sorted_rows(made, ACCOUNTS)
    assert len(accounts) == PEOPLE
    seen = [row for row in sorted_rows(pulled, ACCOUNTS) if row["day"] == growth.graphs.FIRST_DAY]
    assert seen
    assert [row for row in seen if row not in accounts] == []
