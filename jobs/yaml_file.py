"""Reads a YAML settings file into a declared type, and reports all faults in one message."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from jobs.errors import UsageError
from schemas.faults import described

T = TypeVar("T")

Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C takes a tenth of the time


def read(path: Path, kind: type[T], what: str) -> T:
    """The file's content as `kind`; an empty file gives an empty `kind`. `what` describes the content for messages.

    Raises `UsageError` if the file cannot be read or a field is wrong. The message names each wrong field, what was expected
    and what the file holds.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader)
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: expected {what}: {error}") from error
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(_empty(adapter) if content is None else content, strict=True)
    except ValidationError as error:
        raise UsageError(f"{path}: expected {what}: {described(error)}") from error


def _empty(adapter: TypeAdapter) -> list | dict:
    return [] if adapter.json_schema()["type"] == "array" else {}
