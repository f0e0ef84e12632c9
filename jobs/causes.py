"""Turns a library's error into one line with its causes."""

import re

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ARROW = "↳"  # the object store's client puts it before each cause


def cause(error: BaseException) -> str:
    """The error's first line, followed by the causes that later lines name. Errors of an object store name the reason only in
    later lines: `Generic S3 error: Error performing GET ...: Connection refused (os error 111)`."""
    first, *others = [_COLOUR.sub("", line).strip() for line in str(error).splitlines()] or [""]
    causes = [line.removeprefix(_ARROW).strip() for line in others if line.startswith(_ARROW)]
    return ": ".join(filter(None, [first, *causes]))
