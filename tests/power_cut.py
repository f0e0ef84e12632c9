"""A process that is cut off at its n-th write, rename, link or fsync in a folder, and what a power cut then loses.

`power_cut.c` is loaded before libc into a process that forks for each cut: what it imported is imported once. The
process never opens a table itself, since threads do not survive a fork.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_suffix(".c")
ROOT = Path(__file__).parents[1]
LOSSES: dict[str, Callable[[Path], object]] = {
    "nothing": lambda _: None,  # the process died, the machine did not
    "contents": lambda path: path.write_bytes(b""),
    "halves": lambda path: os.truncate(path, path.stat().st_size // 2),
    "data": lambda path: None if path.suffix == ".json" else path.unlink(),
    "log": lambda path: path.write_bytes(b"") if path.suffix == ".json" else None,
}


class PowerCut:
    """Runs one action again and again, in a process of its own, each time cut off one call later."""

    def __init__(self, process: subprocess.Popen, folder: Path) -> None:
        self._process = process
        self._log = folder / "calls.log"

    def at(self, call: int, root: Path) -> bool:
        """Runs the action on the warehouse at `root`, and returns whether it was cut off before it ended."""
        self._log.unlink(missing_ok=True)
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{call} {root} {self._log}\n")
        self._process.stdin.flush()
        status = self._process.stdout.readline().strip()
        assert status in ("0", "9"), status  # ended well, or by the cut
        return status == "9"

    def unflushed(self) -> list[Path]:
        """The files whose content, or whose name, would not survive a power cut now."""
        dirty: set[str] = set()
        names: dict[str, tuple[str, str]] = {}  # path -> inode, inode of its folder
        for line in self._log.read_text().splitlines():
            what, inode, *rest = line.split(" ", 3)
            if what == "dirty":
                dirty.add(inode)
            elif what == "entry":
                names[rest[1]] = (inode, rest[0])
            else:
                dirty.discard(inode)
                names = {path: found for path, found in names.items() if found[1] != inode or found[0] in dirty}
        return [path for path in map(Path, names) if path.is_file()]


@contextmanager
def power_cuts(action: str, folder: Path) -> Iterator[PowerCut]:
    """`action` is `module:function`, called with the root of a warehouse."""
    if not shutil.which("cc"):
        pytest.skip("cc is not here: power cuts need a C compiler")
    library = folder / "power_cut.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.power_cut", action],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(library)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield PowerCut(process, folder)
    finally:
        process.communicate()


def _serve(action: str) -> None:
    """For each line of standard input, CALL ROOT LOG, forks, runs the action, and says how it ended: 0, or the signal."""
    module, _, name = action.partition(":")
    run = getattr(import_module(module), name)
    library = ctypes.CDLL(None)
    for line in sys.stdin:
        call, root, log = line.split()
        child = os.fork()
        if child == 0:
            library.power_cut_arm(root.encode(), log.encode(), ctypes.c_long(int(call)))
            try:
                run(root)
            except BaseException as error:
                print(f"{type(error).__name__}: {error}".replace("\n", " "), flush=True)
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status in (0, 9):
            print(status, flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1])
