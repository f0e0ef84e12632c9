"""Keeps what tests write in memory. They write many small files, most of which are gone a second later: on a disk, that takes a
tenth of all processor time.

pytest keeps the files of failed tests, so their folder stays until the next run.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from jobs.available_memory import available_bytes

MEMORY = Path("/dev/shm")
NAME = "in_memory"
PREFIX = "clout-tests-"
LEAST_BYTES = 14 * 2**30  # available: all tests take up to 9 GB, of which their files 0.5 GB


class InMemory:
    """A plugin: from its start on, temporary files are below a new folder in `parent`."""

    def __init__(self, parent: Path) -> None:
        self._is_kept = False
        self._folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
        self._folder.chmod(0o711)  # PostgreSQL runs as a user of its own
        os.environ["TMPDIR"] = tempfile.tempdir = str(self._folder)

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Remembers whether all is well."""
        self._is_kept = exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)

    def pytest_unconfigure(self) -> None:
        """Removes the folder, unless tests failed."""
        if self._is_kept:
            print(f"The files of failed tests are in memory until the next run: {self._folder}", file=sys.stderr)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)


def register(plugins: pytest.PytestPluginManager, parent: Path = MEMORY) -> None:
    """Uses memory if there is enough, and if `$TMPDIR` does not name another place. Removes what ended runs left there."""
    for left in parent.glob(f"{PREFIX}*"):
        process = left.name.removeprefix(PREFIX).partition("-")[0]
        if process == str(os.getpid()) or not Path("/proc", process).exists():
            shutil.rmtree(left, ignore_errors=True)
    if "TMPDIR" not in os.environ and has_room(parent):
        plugins.register(InMemory(parent), NAME)


def has_room(parent: Path) -> bool:
    """Whether there is this folder in memory, with room for all tests, and programs in it may run."""
    if not os.access(parent, os.W_OK):
        return False
    system = os.statvfs(parent)
    free = min(system.f_bavail * system.f_frsize, available_bytes())
    return free >= LEAST_BYTES and not system.f_flag & os.ST_NOEXEC
