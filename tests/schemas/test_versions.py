"""Which version of the methodology is official on a day."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from schemas.methodology import load
from schemas.versions import InForce, MethodologyError, in_force, official, versions


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """`folder(in_force.yaml, versions)`: a folder of methodologies."""

    def made(stated: str, *found: str) -> Path:
        (tmp_path / "in_force.yaml").write_text(stated)
        for version in found:
            (tmp_path / f"{version}.yaml").touch()
        return tmp_path

    return made


TWO = '- {version: "1", from: 2026-01-01}\n- {version: "2", from: 2026-03-01}\n'


def test_each_version_is_official_until_the_next(folder: Callable[..., Path]) -> None:
    found = folder(TWO, "1", "2", "3")
    assert versions(found) == ["1", "2", "3"]
    assert in_force(found) == (
        InForce("1", date(2026, 1, 1), date(2026, 2, 28)),
        InForce("2", date(2026, 3, 1), None),
    )
    days = (date(2026, 1, 1), date(2026, 2, 28), date(2026, 3, 1), date(2099, 1, 1))
    assert [official(day, found) for day in days] == ["1", "1", "2", "2"]
    with pytest.raises(MethodologyError, match="no methodology is official on 2025-12-31"):
        official(date(2025, 12, 31), found)


def test_the_bundled_one_is_official() -> None:
    assert official(date(2026, 11, 3)) == "2026.11"
    assert [load(entry.version).version for entry in in_force()] == [entry.version for entry in in_force()]


def test_none_is_official_yet(folder: Callable[..., Path]) -> None:
    assert in_force(folder("[]", "1")) == ()


@pytest.mark.parametrize(
    ("stated", "fault"),
    [
        (TWO.replace("03", "01"), "expected ascending, distinct days"),
        (TWO.replace("2026-03", "2025-03"), "expected ascending, distinct days"),
        (TWO.replace("2026-03-01", '"2026-03-01"'), "expected ascending, distinct days"),  # text is no day
        ('- version: "1"\n', "expected a list of `version` and `from`"),
        (TWO.replace('"2"', '"1"'), r"a version is official once, found \['1', '1'\]"),
        (TWO.replace('"2"', '"9"'), "methodology '9' is unknown; known: 1, 2"),
    ],
)
def test_what_cannot_be_official(folder: Callable[..., Path], stated: str, fault: str) -> None:
    with pytest.raises(MethodologyError, match=fault):
        in_force(folder(stated, "1", "2"))
