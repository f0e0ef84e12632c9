"""The memory that is available to this process, as the kernel states it."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def available_bytes(root: Path = Path("/")) -> int:
    """The memory available on the machine and in each cgroup of this process, whichever is least, in bytes."""
    return min([_machine_leaves(root), *_cgroups_leave(root)])


def _machine_leaves(root: Path) -> int:
    lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _cgroups_leave(root: Path) -> Iterator[int]:
    """Yields the available bytes of each cgroup of this process that has a limit: the limit minus used, unreclaimable memory.

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
        # A parent's limit applies too. In a container the path may be that of the host; then only the last folder, the mount
        # itself, exists.
        inner = PurePosixPath(path).relative_to("/")
        for folder in (root / mount / part for part in (inner, *inner.parents)):
            if (folder / limit).exists() and (most := (folder / limit).read_text().strip()) != "max":
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                held = int((folder / used).read_text()) - int(statistics.get(reclaimable, 0))
                yield max(0, int(most) - held)
