"""Reads a YAML settings file into a declared type; one message reports every fault."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from jobs.errors import UsageError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")


def read(path: Path, kind: type[T], what: str) -> T:
    """The file's content as `kind`; an empty file gives an empty `kind`. `what` describes the content for messages.

    Raises `UsageError` if the file cannot be read or a field is wrong. The message names each wrong field, what was expected
    and what the file holds.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise UsageError(f"{path}: expected {what}: {error}") from error
    adapter = TypeAdapter(kind)
    try:
        return adapter.validate_python(_empty(adapter) if content is None else content, strict=True)
    except ValidationError as error:
        faults = "; ".join(_fault(fault) for fault in error.errors(include_url=False))
        raise UsageError(f"{path}: expected {what}: {faults}") from error


def _empty(adapter: TypeAdapter) -> list | dict:
    return [] if adapter.json_schema()["type"] == "array" else {}


def _fault(fault: "ErrorDetails") -> str:
    """A fault as text, such as `repair_days: Input should be greater than or equal to 0, found -1`. Entries of a list count
    from 1."""
    place = " ".join(f"entry {step + 1}" if isinstance(step, int) else str(step) for step in fault["loc"])
    found = "" if fault["type"] == "missing" else f", found {_shown(fault['input'])}"
    return f"{place + ': ' if place else ''}{fault['msg'].removeprefix('Value error, ')}{found}"


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, date) else repr(value)
