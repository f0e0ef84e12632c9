"""The standard streams of a command: they exist, and an error of theirs is not taken for one of a file or a table."""

import errno
import faulthandler
import io
import os
import sys
from typing import Any

from jobs.errors import CloutError


class OutputError(CloutError):
    """What was said cannot be written: the disk is full, or (`reader_left`) nobody reads it any more, as after `| head`."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")
        self.reader_left = error.errno == errno.EPIPE


class _Output(io.FileIO):
    """Standard output. After a failure it swallows the rest, which would fail again whenever Python flushes."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            raise OutputError(error) from error


def prepare() -> None:
    """Opens the streams that are closed (`>&-`), else the next file that is opened would take their place and what is said
    would land in it; lets standard output raise `OutputError`."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    output = _Output(1, "w", closefd=False)
    # Names of any script are shown also where the terminal cannot.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output), encoding=encoding, errors="backslashreplace", line_buffering=output.isatty()
    )


def silence_libraries() -> None:
    """From now on only Python writes to the error stream: a panic of Rust that comes back as an exception is not printed
    beside it. A crash still leaves a traceback."""
    sys.stderr.flush()
    sys.stderr = open(os.dup(2), "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    faulthandler.enable(sys.stderr)
