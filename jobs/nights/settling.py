"""When the data of a day has settled. Pure: the current instant is an argument."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from jobs.days import end_of
from schemas.coverage import PARTIAL


def may_become_complete(coverage: Mapping[str, Any]) -> bool:
    """Whether another pull may supply the data missing from a row of `coverage`."""
    return coverage["status"] == PARTIAL and not coverage["lasting"]


def is_settled(coverage: Mapping[str, Any], now: datetime, settle_hours: float) -> bool:
    """Whether the day of a row of `coverage` is final: either it ended at least `settle_hours` hours before `now`, or another
    pull cannot make it more complete."""
    waited = now >= end_of(coverage["day"]) + timedelta(hours=settle_hours)
    return waited or not may_become_complete(coverage)
