"""Limits of requests: those that a platform sets, waited for by its clock, and those of a pull's own budget."""

from datetime import timedelta

import pytest

from jobs.sources.live import http
from jobs.sources.live.budget import Budget, OutOfBudgetError
from jobs.sources.live.http import Api, NotThereError
from jobs.sources.live.web import Web
from tests.jobs.sources.conftest import Clock, MakeApi
from tests.jobs.sources.platform_server import DATE, NOW, Platform, Reply, served, then

LAST = DATE | {"X-RateLimit-Remaining": "0"}  # no further request is granted
RESET = {"X-RateLimit-Reset": (NOW + timedelta(seconds=60)).isoformat()}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "90"}, 90),
        ({"Retry-After": "Tue, 03 Nov 2026 12:02:00 GMT"}, 120),
        ({"X-RateLimit-Reset": str(int(NOW.timestamp()) + 60)}, 60),
        ({"X-RateLimit-Reset": "2026-11-03T12:03:00.000000Z"}, 180),
        ({"RateLimit-Reset": "30"}, 30),
        ({"x-rate-limit-reset": str(int(NOW.timestamp()) - 5)}, 0),  # is over
    ],
    ids=["seconds", "date", "epoch", "ISO", "seconds until", "over"],
)
def test_a_rate_limit_is_waited_for_by_the_platforms_clock(
    platform: Platform, api: MakeApi, clock: Clock, headers: dict[str, str], seconds: int
) -> None:
    platform.answer = then(Reply(None, 429, DATE | headers), Reply(1))
    assert api().get("x").value == 1
    assert clock.waits == [seconds + 1]


@pytest.mark.parametrize("headers", [{"X-RateLimit-Remaining": "0"}, {"Retry-After": "1"}])
def test_a_403_that_is_a_rate_limit_is_waited_for(platform: Platform, api: MakeApi, headers: dict[str, str]) -> None:
    platform.answer = then(Reply(None, 403, headers), Reply(1))
    assert api().get("x").value == 1


def test_a_403_that_only_its_body_calls_a_rate_limit_is_waited_for(
    platform: Platform, api: MakeApi, clock: Clock
) -> None:
    platform.answer = then(Reply({"message": "You have exceeded a secondary rate limit."}, 403), Reply(1))
    assert api().get("x").value == 1
    assert clock.waits == [http.LIMITED_S + 1]


@pytest.mark.parametrize("nonsense", ["soon", "-", "99999999999999999999"])
def test_a_wait_that_makes_no_sense_is_a_failure_that_passes(
    platform: Platform, api: MakeApi, clock: Clock, nonsense: str
) -> None:
    platform.answer = then(Reply(None, 429, {"Retry-After": nonsense}), Reply(1))
    if nonsense.isdecimal():
        with pytest.raises(OutOfBudgetError, match="asks to wait"):
            api().get("x")
    else:
        assert api().get("x").value == 1
        assert clock.waits[0] < 60


def test_a_long_wait_ends_the_pull_for_now(platform: Platform, api: MakeApi, clock: Clock) -> None:
    platform.answer = then(Reply(None, 429, {"Retry-After": "3600"}))
    with pytest.raises(OutOfBudgetError, match=r"^the platform asks to wait 3,601 s$"):
        api().get("x")
    assert clock.waits == []


def test_requests_and_minutes_are_limited(platform: Platform, api: MakeApi, clock: Clock) -> None:
    platform.answer = then(Reply(1))
    few = api(requests=2)
    few.get("x")
    few.get("x")
    with pytest.raises(OutOfBudgetError, match="the budget of 2 requests is used up"):
        few.get("x")
    short = api(minutes=1)
    clock.now += 61
    with pytest.raises(OutOfBudgetError, match="the budget of 1 minutes is used up"):
        short.get("x")
    assert len(platform.asked) == 2


# A limit that the platform announces


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (RESET, 60),
        ({"X-Rate-Limit-Reset": str(int(NOW.timestamp()) + 90)}, 90),
        ({"RateLimit-Reset": "30"}, 30),
    ],
    ids=["ISO", "epoch", "seconds until"],
)
def test_after_the_last_granted_request_the_next_one_waits(
    platform: Platform, api: MakeApi, clock: Clock, headers: dict[str, str], seconds: int
) -> None:
    platform.answer = then(Reply(1, 200, LAST | headers), Reply(2))
    pull = api()
    assert pull.get("x").value == 1
    assert clock.waits == []  # a pull that needs nothing else does not wait
    assert [pull.get("x").value, pull.get("x").value] == [2, 2]
    assert clock.waits == [seconds + 1]
    assert len(platform.asked) == 3


def test_time_that_has_passed_since_is_not_waited_again(platform: Platform, api: MakeApi, clock: Clock) -> None:
    platform.answer = then(Reply(1, 200, LAST | RESET), Reply(2))
    pull = api()
    pull.get("x")
    clock.now += 50
    pull.get("x")
    assert clock.waits == [11]


def test_what_is_not_there_may_be_the_last_granted_request(platform: Platform, api: MakeApi, clock: Clock) -> None:
    platform.answer = then(Reply(None, 404, LAST | RESET), Reply(2))
    pull = api()
    with pytest.raises(NotThereError):
        pull.get("x")
    pull.get("x")
    assert clock.waits == [61]


@pytest.mark.parametrize(
    "headers",
    [LAST, LAST | {"X-RateLimit-Reset": "soon"}, DATE | RESET | {"X-RateLimit-Remaining": "1"}],
    ids=["no reset", "a reset that makes no sense", "one is left"],
)
def test_without_an_announced_limit_nothing_waits(
    platform: Platform, api: MakeApi, clock: Clock, headers: dict[str, str]
) -> None:
    platform.answer = then(Reply(1, 200, headers))
    pull = api()
    pull.get("x")
    pull.get("x")
    assert clock.waits == []


@pytest.mark.parametrize("status", [403, 429])
def test_a_refusal_that_announces_the_reset_is_waited_for_once(platform: Platform, status: int) -> None:
    platform.answer = then(Reply(None, status, LAST | RESET), Reply(1))
    waits: list[float] = []
    still = Budget(100, 60, lambda: 0.0, waits.append)  # no time passes
    with Api(platform.url, still) as client:
        assert client.get("x").value == 1
    assert waits == [61]


def test_a_reset_too_far_away_ends_the_pull_without_another_request(
    platform: Platform, api: MakeApi, clock: Clock
) -> None:
    far = {"X-RateLimit-Reset": str(int(NOW.timestamp()) + 3_000)}
    platform.answer = then(Reply(1, 200, LAST | far))
    pull = api()
    pull.get("x")
    with pytest.raises(OutOfBudgetError, match=r"^the platform asks to wait 3,001 s$"):
        pull.get("x")
    assert clock.waits == []
    assert len(platform.asked) == 1


def test_a_limit_of_one_host_is_not_another_hosts(platform: Platform, clock: Clock) -> None:
    text = {"Content-Type": "text/plain"}
    with served() as other:
        by_name = other.url.replace("127.0.0.1", "localhost")
        platform.answer = lambda path: Reply(b"", 404 if path == "/robots.txt" else 200, text)
        other.answer = lambda path: (
            Reply(b"", 404, text) if path == "/robots.txt" else Reply(b"", 200, text | LAST | {"RateLimit-Reset": "10"})
        )
        web = Web(Budget(100, 60, lambda: clock.now, clock.sleep), [platform.url, by_name])
        web.document(f"{by_name}/x", ["text"])
        web.document(f"{platform.url}/x", ["text"])
        assert clock.waits == []
        web.document(f"{by_name}/x", ["text"])
        assert clock.waits == [11]
