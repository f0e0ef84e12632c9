"""A ground other than consent: recorded, ended, and never empty."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.errors import UsageError
from jobs.people import legal_basis
from jobs.warehouse.storage import Warehouse
from schemas.legal_bases import LEGAL_BASES
from tests.grounds import REASON

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)


def record(warehouse: Warehouse, reason: str | None, hours: int) -> None:
    legal_basis.record(warehouse, reason, at=NOON + timedelta(hours=hours), by="ana", run_id="r")


def test_the_ground_recorded_last_applies_until_it_ends(warehouse: Warehouse) -> None:
    assert str(legal_basis.current(warehouse)) == f"{REASON} (recorded by tests on 2026-01-01)"
    record(warehouse, " public research data set ", 0)
    assert str(legal_basis.current(warehouse)) == "public research data set (recorded by ana on 2026-11-03)"
    record(warehouse, None, 1)
    assert legal_basis.current(warehouse) is None
    assert warehouse.row_count(LEGAL_BASES, {}) == 3
    with pytest.raises(UsageError, match="there is none to end"):
        record(warehouse, None, 2)


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "\x1b[31m"])
def test_a_ground_says_something_in_one_line(warehouse: Warehouse, reason: str) -> None:
    with pytest.raises(UsageError, match="name the legal basis in one line"):
        record(warehouse, reason, 0)
