"""Which cores the tests use.

Each process of tests stays on one core. DuckDB, Arrow and deltalake hand small pieces of work to other threads, and to wake a
thread on another core often costs more than its work: the tests of commits take a fifth less processor time on one core. What
tests start has all cores, as at a user's.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

ALL = sorted(os.sched_getaffinity(0))


def stay_on_one(process: int) -> None:
    """Keeps this thread, and those that it starts, on one core. `process` numbers the processes of tests, which take the cores
    in turn."""
    os.sched_setaffinity(0, {ALL[process % len(ALL)]})
    started = subprocess.Popen.__init__

    @wraps(started)
    def on_all_cores(*args: Any, **options: Any) -> None:
        with all_cores():
            started(*args, **options)

    subprocess.Popen.__init__ = on_all_cores  # type: ignore[method-assign]


@contextmanager
def all_cores() -> Iterator[None]:
    """While the block runs, this thread and what it starts have all cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, ALL)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
