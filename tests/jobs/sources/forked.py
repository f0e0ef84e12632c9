"""`clout` in processes that start at once: forked from a server that has imported what a pull needs and done nothing else."""

import os
import sys
from collections.abc import Mapping
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path

from jobs.sources.types import TYPES

NEEDED = ("jobs.cli.main", "jobs.cli.day_lines", "jobs.pull_activity", "jobs.nights.readiness")
LIVE = tuple(kind.path.partition(":")[0] for kind in TYPES.values() if kind.live)


def started(said: Path, environment: Mapping[str, str], *arguments: str) -> BaseProcess:
    """A process that runs `clout ARGUMENT...` and appends what it says to a file."""
    context = get_context("forkserver")
    context.set_forkserver_preload([*NEEDED, *LIVE])
    process = context.Process(target=_run, args=(str(said), dict(environment), arguments))
    process.start()
    return process


def _run(said: str, environment: dict[str, str], arguments: tuple[str, ...]) -> None:
    from jobs.cli import main

    stream = os.open(said, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.environ.update(environment)
    sys.argv = ["clout", *arguments]
    main.main()
