"""What engine `memory` may take: the variable, or half of what the machine and its cgroups leave."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.memory_budget import budget_bytes

MACHINE_LEAVES = 1000 * 1024
NO_LIMIT = 9223372036854771712  # what version 1 says where there is none
V2 = ("memory.max", "memory.current", "inactive_file")
V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Path]:
    """`machine("0::/some/path")`: what the kernel says of a process in that cgroup."""

    def made(cgroup: str) -> Path:
        (tmp_path / "proc/self").mkdir(parents=True)
        (tmp_path / "proc/meminfo").write_text("MemTotal:  2000 kB\nMemFree:  10 kB\nMemAvailable:  1000 kB\n")
        (tmp_path / "proc/self/cgroup").write_text(cgroup + "\n")
        return tmp_path

    return made


def put(folder: Path, names: tuple[str, ...], limit: int | str, used: int, reclaimable: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{names[2]} {reclaimable}\nactive_file 7\n")


def test_without_cgroups_what_the_machine_leaves(machine: Callable[[str], Path]) -> None:
    assert budget_bytes(machine("0::/")) == MACHINE_LEAVES / 2


@pytest.mark.parametrize(
    ("cgroup", "mount", "names", "unlimited"),
    [
        ("0::/user/app", "sys/fs/cgroup", V2, "max"),
        ("9:name=systemd:/\n4:cpu,memory:/user/app\n0::/", "sys/fs/cgroup/memory", V1, NO_LIMIT),
    ],
    ids=["v2", "v1"],
)
def test_a_cgroups_limit_and_its_parents(
    machine: Callable[[str], Path], cgroup: str, mount: str, names: tuple[str, ...], unlimited: str | int
) -> None:
    root = machine(cgroup)
    put(root / mount / "user/app", names, unlimited, 700, 0)
    assert budget_bytes(root) == MACHINE_LEAVES / 2
    put(root / mount / "user/app", names, 5000, 700, 100)
    assert budget_bytes(root) == (5000 - 600) // 2  # what can be reclaimed is left
    put(root / mount / "user", names, 3000, 1000, 0)
    assert budget_bytes(root) == 1000
    put(root / mount / "user", names, 3000, 3200, 0)  # more than a limit that was lowered
    assert budget_bytes(root) == 0


def test_in_a_container_the_limit_is_at_the_mount(machine: Callable[[str], Path]) -> None:
    """Where the path is the host's."""
    root = machine("4:memory:/docker/4f2a")
    put(root / "sys/fs/cgroup/memory", V1, 5000, 1000, 0)
    assert budget_bytes(root) == 2000


def test_the_variable_goes_before_all(machine: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", "1.5")
    assert budget_bytes(machine("0::/")) == 1_500_000_000


@pytest.mark.parametrize("setting", ["", "lots", "0", "-1", "nan", "inf", "8GB"])
def test_a_variable_that_is_no_number_of_gigabytes(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("CLOUT_MEMORY_GB", setting)
    with pytest.raises(UsageError) as error:
        budget_bytes()
    assert str(error.value) == f"CLOUT_MEMORY_GB={setting}: expected a number of gigabytes above 0, such as 8 or 0.5"
