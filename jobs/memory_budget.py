"""The memory budget of DuckDB and of engine `memory`: `$CLOUT_MEMORY_GB`, or half of the memory that is available to this
process."""

import os
from pathlib import Path

from jobs.available_memory import available_bytes
from jobs.errors import UsageError

VARIABLE = "CLOUT_MEMORY_GB"
SHARE = 0.5  # the JVM, which holds the same pairs, needs the other half


def budget_bytes(root: Path = Path("/")) -> int:
    """The budget in bytes: `$CLOUT_MEMORY_GB` (1 GB = 10^9 bytes) or, if it is not set, half of the memory available on the
    machine and in each cgroup of this process, whichever is least.

    `root` is the folder that holds `proc` and `sys`. Raises `UsageError` if the variable is not a finite number above 0.
    """
    setting = os.environ.get(VARIABLE)
    if setting is None:
        return int(SHARE * available_bytes(root))
    try:
        gigabytes = float(setting)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < float("inf"):
        raise UsageError(f"{VARIABLE}={setting}: expected a number of gigabytes above 0, such as 8 or 0.5")
    return int(gigabytes * 1e9)
