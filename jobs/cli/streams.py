"""Prepares the standard streams of a command: they are open, and their errors are not mistaken for errors of a file or a
table."""

import errno
import faulthandler
import io
import os
import sys
from typing import Any

from jobs.errors import CloutError


class OutputError(CloutError):
    """Output cannot be written: the disk is full, or (`reader_left`) the reader has closed the pipe, as after `| head`."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")
        self.reader_left = error.errno == errno.EPIPE


class _Output(io.FileIO):
    """Standard output. After a failure it discards the rest, which would fail again whenever Python flushes."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError as error:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
            raise OutputError(error) from error


def prepare() -> None:
    """Opens the streams that are closed (`>&-`): otherwise the next opened file would take their place and receive the output.
    Makes standard output raise `OutputError`."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    encoding = sys.stdout.encoding if sys.stdout else "utf-8"
    output = _Output(1, "w", closefd=False)
    # Names in any script are printed, even if the terminal's encoding lacks their characters.
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(output), encoding=encoding, errors="backslashreplace", line_buffering=output.isatty()
    )


def silence_libraries() -> None:
    """Lets only Python write to the error stream from now on. A Rust panic that comes back as an exception is then not printed
    a second time. A crash still leaves a traceback."""
    sys.stderr.flush()
    sys.stderr = open(os.dup(2), "w", buffering=1, errors="backslashreplace")  # noqa: SIM115
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    faulthandler.enable(sys.stderr)
