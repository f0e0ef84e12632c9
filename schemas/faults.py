"""Formats the errors that pydantic found in settings as one line."""

from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails


def described(error: "ValidationError") -> str:
    """Such as `repair_days: Input should be greater than or equal to 0, found -1`; entries of a list count from 1."""
    return "; ".join(_fault(fault) for fault in error.errors(include_url=False))


def _fault(fault: "ErrorDetails") -> str:
    place = " ".join(f"entry {step + 1}" if isinstance(step, int) else str(step) for step in fault["loc"])
    value = "" if fault["type"] == "missing" else f", found {_shown(fault['input'])}"
    return f"{place + ': ' if place else ''}{fault['msg'].removeprefix('Value error, ')}{value}"


def _shown(value: Any) -> str:
    return str(value) if isinstance(value, date) else repr(value)
