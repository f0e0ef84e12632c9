"""A process that is cut off before each write, rename, link or fsync in a folder, and what a power cut then loses.

`power_cut.c` is loaded before libc into a process and stops it before each call. What is on the disk then is what the process
would leave if it were killed there.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
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


def power_cuts(action: str, prepared: Path, folder: Path) -> Iterator[tuple[Path, str]]:
    """Runs `action`, `module:function`, with the root of a warehouse in a process of its own: that of a copy of `prepared`,
    which holds `warehouse` and what lies beside it. Before each call that changes the warehouse, a power cut hits another
    copy, as the process would leave it if it were cut off there: the losses take turns. Yields the root of that copy, and in
    words where it was cut and what was lost, unless an earlier copy held the same: a flush changes no file."""
    if not shutil.which("cc"):
        pytest.skip("cc is not here: power cuts need a C compiler")
    library, log = folder / "power_cut.so", folder / "calls.log"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl", "-pthread"], check=True)
    running, copy = folder / "running", folder / "copy"
    shutil.copytree(prepared, running)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.power_cut", action, running / "warehouse", log],
        cwd=ROOT,
        env=os.environ | {"LD_PRELOAD": str(library)},
    )
    seen: set[bytes] = set()
    calls = 0
    try:
        while os.WIFSTOPPED(status := os.waitpid(process.pid, os.WUNTRACED)[1]):
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(running, copy)
            calls += 1
            loss = list(LOSSES)[calls % len(LOSSES)]
            for path in _unflushed(log):
                if (lost := copy / path.relative_to(running)).is_file():
                    LOSSES[loss](lost)
            if (state := _content(copy)) not in seen:
                yield copy / "warehouse", f"cut at call {calls}, losing {loss}"
            seen.add(state)
            process.send_signal(signal.SIGCONT)
        assert status == 0, status
    finally:
        process.kill()
        process.wait()


def _unflushed(log: Path) -> list[Path]:
    """The files whose content, or whose name, would not survive a power cut now."""
    dirty: set[str] = set()
    names: dict[str, tuple[str, str]] = {}  # path -> inode, inode of its folder
    for line in log.read_text().splitlines():
        what, inode, *rest = line.split(" ", 3)
        if what == "dirty":
            dirty.add(inode)
        elif what == "entry":
            names[rest[1]] = (inode, rest[0])
        else:
            dirty.discard(inode)
            names = {path: found for path, found in names.items() if found[1] != inode or found[0] in dirty}
    return [*map(Path, names)]


def _content(folder: Path) -> bytes:
    """A digest of the names and contents of all files in the folder."""
    digest = blake2b()
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.relative_to(folder)} {len(content)} ".encode() + content)
    return digest.digest()


def _run(action: str, root: str, log: str) -> None:
    module, _, name = action.partition(":")
    run = getattr(import_module(module), name)
    ctypes.CDLL(None).power_cut_arm(root.encode(), log.encode())
    run(root)


if __name__ == "__main__":
    _run(*sys.argv[1:])
