"""Errors of libraries in one line, with their cause."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ARROW = "↳"  # what the object store's client puts before each cause of the line above


def cause(error: BaseException) -> str:
    """The first line of what it says, and the chain of causes below it, which an object store's errors hide there:
    `Generic S3 error: Error performing GET ...: Connection refused (os error 111)`."""
    first, *others = [_COLOUR.sub("", line).strip() for line in str(error).splitlines()] or [""]
    causes = [line.removeprefix(_ARROW).strip() for line in others if line.startswith(_ARROW)]
    return ": ".join(filter(None, [first, *causes]))
