"""What one pull may use: requests, minutes, and dollars where a platform charges for its answers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from jobs.errors import CloutError

MAX_WAIT_S = 15 * 60  # if a platform asks for a longer wait, the pull ends and the next one resumes


class ApiError(CloutError):
    """The platform did not answer as documented, so the pull cannot continue."""


class OutOfBudgetError(ApiError):
    """The pull has used up its requests or its minutes, or the platform asks for a longer wait than the pull may take. Recorded
    pages are kept, and the next pull resumes after them."""


@dataclass
class Budget:
    """The requests and minutes that one pull may use; the minutes count from the creation of the budget. `clock` returns
    seconds; `sleep` waits for a number of seconds. Several threads may call it. A source whose platform charges sets `dollars`,
    calls `refuse_cost` before each request, and adds the cost of each answer to `dollars_used`."""

    requests: int
    minutes: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    used: int = 0
    dollars: float | None = None
    dollars_used: float = 0
    _began: float = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._began = self.clock()

    @property
    def seconds_left(self) -> float:
        """Seconds until the minutes are used up; negative afterwards."""
        return 60 * self.minutes - (self.clock() - self._began)

    @property
    def minutes_used_up(self) -> str:
        """The reason to state when a pull ends for lack of time."""
        return f"the budget of {self.minutes:g} minutes is used up"

    def spend(self) -> None:
        """Counts one request. Raises `OutOfBudgetError` if no request or no time is left."""
        with self._lock:
            if self.used >= self.requests:
                raise OutOfBudgetError(f"the budget of {self.requests:,} requests is used up")
            self.refuse_late()
            self.used += 1

    def refuse_late(self) -> None:
        """Raises `OutOfBudgetError` if the minutes are used up."""
        if self.seconds_left <= 0:
            raise OutOfBudgetError(self.minutes_used_up)

    def refuse_cost(self, most: float) -> None:
        """Raises `OutOfBudgetError` if a request that costs at most this many dollars might exceed the budget."""
        if self.dollars is not None and self.dollars_used + most > self.dollars:
            raise OutOfBudgetError(f"a budget of more than ${self.dollars:,.2f} is needed")

    def wait(self, seconds: float) -> None:
        """Waits for this many seconds. If that is more than `MAX_WAIT_S` or more than the time left, raises `OutOfBudgetError`
        at once instead."""
        if seconds > min(MAX_WAIT_S, self.seconds_left):
            raise OutOfBudgetError(f"the platform asks to wait {seconds:,.0f} s")
        self.sleep(seconds)
