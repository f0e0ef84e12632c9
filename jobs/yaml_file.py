"""A settings file in YAML -> values of a declared type. Every fault is reported in one message."""

from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from jobs.errors import UsageError
from schemas.faults import described

T = TypeVar("T")


def read(path: Path, kind: type[T], what: str) -> T:
    """The content of a file as `kind`; an empty file is an empty `kind`. `what` says in words what the file holds.

    Raises `UsageError` if the file cannot be read, or naming each field that is wrong, what was expected and what it holds.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: expected {what}: {error}") from error
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(_empty(adapter) if content is None else content, strict=True)
    except ValidationError as error:
        raise UsageError(f"{path}: expected {what}: {described(error)}") from error


def _empty(adapter: TypeAdapter) -> list | dict:
    return [] if adapter.json_schema()["type"] == "array" else {}
