"""The memory budget of engine `memory`: `$CLOUT_MEMORY_GB`, or half of what this process may still use."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from jobs.errors import UsageError

VARIABLE = "CLOUT_MEMORY_GB"
SHARE = 0.5  # the JVM, which holds the same pairs, needs the other half


def budget_bytes(root: Path = Path("/")) -> int:
    """`$CLOUT_MEMORY_GB` in bytes (1 GB = 10^9). If it is not set, half of what the machine or this process's cgroups leave,
    whichever is less. `root` holds `proc` and `sys`. Raises `UsageError` if the variable is not a number above 0."""
    setting = os.environ.get(VARIABLE)
    if setting is None:
        return int(SHARE * min([_machine_leaves(root), *_cgroups_leave(root)]))
    try:
        gigabytes = float(setting)
    except ValueError:
        gigabytes = 0.0
    if not 0 < gigabytes < float("inf"):
        raise UsageError(f"{VARIABLE}={setting}: expected a number of gigabytes above 0, such as 8 or 0.5")
    return int(gigabytes * 1e9)


def _machine_leaves(root: Path) -> int:
    lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _cgroups_leave(root: Path) -> Iterator[int]:
    """The remaining bytes of each limited cgroup of this process: the limit minus used memory that cannot be reclaimed.

    https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/memory.html
    """
    for line in (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            mount, limit, used, reclaimable = "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            mount, limit, used = "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            reclaimable = "total_inactive_file"
        else:
            continue
        # A parent's limit applies too. In a container the path may be the host's; then only the mount itself, the last folder,
        # exists.
        inner = PurePosixPath(path).relative_to("/")
        for folder in (root / mount / part for part in (inner, *inner.parents)):
            if (folder / limit).exists() and (most := (folder / limit).read_text().strip()) != "max":
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                held = int((folder / used).read_text()) - int(statistics.get(reclaimable, 0))
                yield max(0, int(most) - held)
