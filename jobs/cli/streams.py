"""Prepares the standard streams: opens closed ones, and gives errors of standard output a type of their own, so that they are
not mistaken for errors of a file or a table."""

import errno
import faulthandler
import io
import os
import sys
from typing import Any

from jobs.errors import CloutError


class OutputError(CloutError):
    """Standard output cannot be written, for example because the disk is full. `reader_left`: the reader closed the pipe, as
    `| head` does."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")
        self.reader_left = error.errno == errno.EPIPE


class _Output(io.FileIO):
    """Standard output. After a failed write it discards all further output, because each flush by Python would fail again."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            raise OutputError(error) from error


def prepare() -> None:
    """Opens streams that the caller closed (`>&-`). Otherwise the next opened file would get their number and receive the
    output. Makes standard output raise `OutputError`."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    output = _Output(1, "w", closefd=False)
    # A name may hold characters that the terminal's encoding lacks; they must not fail the command.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output), encoding=encoding, errors="backslashreplace", line_buffering=output.isatty()
    )


def silence_libraries() -> None:
    """Lets only Python write to standard error from now on. Otherwise libraries in Rust would print a panic that Python also
    reports as an exception. A crash of the process still prints a traceback."""
    sys.stderr.flush()
    sys.stderr = open(os.dup(2), "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    faulthandler.enable(sys.stderr)
