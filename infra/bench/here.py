"""Describes this machine and the commit that is checked out."""

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from records import HISTORY, Run

from jobs.places import ROOT

PICTURE = ROOT / "infra" / "bench.svg"


def run() -> Run:
    """This run: today, the commit, the machine and its load now."""
    return Run(day=datetime.now(UTC).date(), commit=commit(), machine=machine(), load=round(os.getloadavg()[0], 1))


def commit() -> str:
    """The abbreviated name of the commit, with `+` if files differ from it; `unknown` without Git."""
    name = _git("rev-parse", "--short=8", "HEAD").strip()
    return f"{name}{'+' if changed() else ''}" if name else "unknown"


def changed() -> list[str]:
    """The files that differ from the commit, without those that recording writes."""
    written = {str(path.relative_to(ROOT)) for path in (HISTORY, PICTURE)}
    lines = _git("status", "--porcelain", "--untracked-files=no").splitlines()
    return [line[3:] for line in lines if line[3:] not in written]


def refuse_changes() -> None:
    """Exits if what would be recorded is not the commit that the record would name."""
    name = commit()
    if name == "unknown":
        sys.exit("bench: --record needs a Git checkout, because a record names its commit")
    if files := changed():
        sys.exit(f"bench: --record names a commit, but these files differ from {name.rstrip('+')}: {', '.join(files)}")


def machine() -> str:
    """The machine in words: cores, processor and memory."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return f"{os.cpu_count()} cores of {model}, {memory:.0f} GB"


def _git(*arguments: str) -> str:
    """What Git prints; nothing if it fails or is not installed."""
    try:
        ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ran.stdout if ran.returncode == 0 else ""
