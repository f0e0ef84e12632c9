"""Errors that a user can fix: the command line shows them in one line, without a traceback."""


class CloutError(Exception):
    """A failure whose message says what was expected, what was read and what to do. `exit_code` is the exit status of the
    command."""

    exit_code = 1


class UsageError(CloutError):
    """The caller's request is impossible. The fault is in the usage, not in a run."""

    exit_code = 2


class RefusedError(CloutError):
    """A day that was computed and must not be published. The same command would refuse it again."""

    exit_code = 3


class GoneError(CloutError):
    """The rows are no longer kept: their version expired from the log, or their files were removed."""
