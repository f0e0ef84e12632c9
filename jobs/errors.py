"""What a user can mend: shown as one line, without a traceback."""


class CloutError(Exception):
    """A failure whose message says what was expected, what was found and what to do."""


class UsageError(CloutError):
    """The command was asked for something that cannot be: wrong use rather than a failed run."""
