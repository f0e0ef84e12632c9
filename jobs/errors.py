"""What a user can fix: shown as one line, without a traceback."""


class CloutError(Exception):
    """A failure whose message says what was expected, what came and what to do. `exit_code` is the command's."""

    exit_code = 1


class UsageError(CloutError):
    """The command was asked for something that cannot be: wrong use rather than a failed run."""

    exit_code = 2


class RefusedError(CloutError):
    """A day that was computed and must not be published: the same command would refuse it again."""

    exit_code = 3
