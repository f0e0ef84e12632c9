"""A pull that dies at one of its renames, by which pages of a recording appear."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from jobs import files


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """The block must be killed by its rename of this number, counted from 0; that rename does not happen."""
    replace, count = files.os.replace, 0

    def dying(*given: Any) -> None:
        nonlocal count
        count += 1
        if count > number:
            raise KeyboardInterrupt
        replace(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files.os, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            yield


def recorded(landing: Path) -> list[Path]:
    """All recorded pages below the folder, in the order of their names."""
    return sorted(landing.rglob("*.zst"))
