"""What every test may use: public data beside the project, rows of a contract, one Spark session."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def _beside(variable: str, default: str) -> Callable[[str], Path]:
    root = Path(os.environ.get(variable, ROOT.parent / "shared" / default))

    def find(name: str) -> Path:
        path = root / name
        if not path.exists():
            pytest.skip(f"{name} is not in {root} (set {variable} to where it is)")
        return path

    return find


@pytest.fixture(scope="session")
def data() -> Callable[[str], Path]:
    """`data("twitter-higgs/...")`: a file of public activity or an oracle; skips where it is absent."""
    return _beside("CLOUT_TEST_DATA", "data")


@pytest.fixture(scope="session")
def fixtures() -> Callable[[str], Path]:
    """`fixtures("github/...")`: recorded answers of a real API; skips where they are absent."""
    return _beside("CLOUT_TEST_FIXTURES", "fixtures")
