"""When to try again: after as long as the platform asks to wait, else with exponential backoff."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx2
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from jobs.sources.live.budget import ApiError, Budget, OutOfBudgetError

log = logging.getLogger(__name__)

MARGIN_S = 1  # to wait longer than the platform asks, because its times are whole seconds
_BACKOFF = wait_exponential_jitter(initial=1, max=60)
_RESETS = ("x-ratelimit-reset", "x-rate-limit-reset", "ratelimit-reset")
_LEFT = ("x-ratelimit-remaining", "x-rate-limit-remaining", "ratelimit-remaining")


class PassingError(Exception):
    """A failure that may be transient. `wait_s` is the number of seconds that the platform asks to wait, None if it does not
    say."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


def is_limited(answer: httpx2.Response) -> bool:
    """Whether the response says that a rate limit is reached: status 429, or status 403 with a header about the limit, which
    GitHub and others send."""
    used_up = is_used_up(answer)
    return answer.status_code == 429 or (answer.status_code == 403 and (used_up or "retry-after" in answer.headers))


def is_used_up(answer: httpx2.Response) -> bool:
    """Whether the response says that the platform grants no further request until a reset."""
    return any(answer.headers.get(name) == "0" for name in _LEFT)


def asked_wait_s(answer: httpx2.Response) -> float | None:
    """Seconds that the platform asks to wait: `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3), else a reset in
    seconds, as an epoch or as an ISO time. None if there is no such header or it cannot be parsed."""
    try:
        if after := answer.headers.get("retry-after"):
            return float(after) if after.isdecimal() else parsedate_to_datetime(after).timestamp() - now(answer)
        for name in _RESETS:
            if reset := answer.headers.get(name):
                return _until(reset, now(answer))
    except (ValueError, TypeError, OverflowError):
        pass
    return None


def _until(reset: str, now: float) -> float:
    """Seconds from `now` to the reset: an ISO time, an epoch (numbers above 1e9) or a number of seconds."""
    try:
        number = float(reset)
    except ValueError:
        return datetime.fromisoformat(reset).timestamp() - now
    return number - now if number > 1e9 else number


def now(answer: httpx2.Response) -> float:
    """The platform's time in seconds since 1970; this machine's if the response has no readable `Date`."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return time.time()


def retrying(where: str, tries: int, budget: Budget, wait: Callable[[float], None] | None = None) -> Retrying:
    """A caller that calls a function up to `tries` times while the function raises `PassingError`, then raises `ApiError` about
    `where`. Between attempts, it waits `MARGIN_S` longer than the platform asks, or with exponential backoff of at most 60 s if
    the platform does not ask. It waits by calling `wait`, or `budget.wait` if `wait` is None. Raises `OutOfBudgetError` if the
    time left is too short for the wait."""

    def before_wait(state: RetryCallState) -> None:
        error = _failure(state)
        if error.wait_s is None and state.upcoming_sleep > budget.seconds_left:
            raise OutOfBudgetError(f"{where}: {error}, and {budget.minutes_used_up}")
        log.info("%s: %s; trying again", where, error)

    def give_up(state: RetryCallState) -> None:
        raise ApiError(f"{where}: {_failure(state)}, {tries} times")

    return Retrying(
        retry=retry_if_exception_type(PassingError),
        wait=_wait_s,
        sleep=wait or budget.wait,
        stop=stop_after_attempt(tries),
        before_sleep=before_wait,
        retry_error_callback=give_up,
    )


def _wait_s(state: RetryCallState) -> float:
    asked = _failure(state).wait_s
    return max(asked, 0) + MARGIN_S if asked is not None else _BACKOFF(state)


def _failure(state: RetryCallState) -> PassingError:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, PassingError)
    return error
