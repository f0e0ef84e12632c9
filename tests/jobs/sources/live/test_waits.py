"""Why a pull that waits too long ends: for its own budget, or for the platform."""

import pytest

from jobs.sources.live.budget import Budget, OutOfBudgetError
from jobs.sources.live.http import Api
from tests.jobs.sources.platform_server import Platform, Reply
from tests.jobs.sources.site_server import Clock


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, r"^127\.0\.0\.1/x: status 502, and the budget of 0\.1 minutes is used up$"),
        ({"Retry-After": "7"}, r"^the platform asks to wait 8 s$"),
    ],
)
def test_the_reason_is_the_failure_unless_the_platform_asks_to_wait(
    platform: Platform, headers: dict[str, str], reason: str
) -> None:
    platform.answer = lambda _: Reply(None, 502, headers)
    clock = Clock()
    budget = Budget(100, 0.1, lambda: clock.now, clock.sleep)
    with Api(platform.url, budget) as api, pytest.raises(OutOfBudgetError, match=reason):
        api.get("x")
    assert clock.now < 6
