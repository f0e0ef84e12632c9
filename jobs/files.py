"""Writes files so that they appear complete or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jobs.errors import UsageError


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Yields the path of a temporary file in the same folder, which replaces `path` if the block ends without an error. Raises
    `UsageError` if the temporary file cannot be created."""
    part = path.with_name(path.name + ".part")
    try:
        part.touch()
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
