"""The settings of the nights: the file of the repository, another file, and what is wrong with one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.errors import UsageError
from jobs.night_settings import Nights, nights


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str | bytes], str]:
    """`write(text)`: these are the settings in force."""

    def written(text: str | bytes) -> str:
        path = tmp_path / "nights.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setenv("CLOUT_NIGHTS", str(path))
        return str(path)

    return written


def test_the_file_of_the_repository_holds_the_defaults_and_no_setting_is_missing_from_it() -> None:
    assert nights() == Nights()
    assert nights().model_fields_set == set(Nights.model_fields)


def test_another_file_may_hold_some_settings_and_the_rest_keep_their_defaults(
    write: Callable[[str | bytes], str],
) -> None:
    write("settle_hours: 0.5\nkeep_activity_days: 400\n")
    assert nights() == Nights(settle_hours=0.5, keep_activity_days=400)
    write("")
    assert nights() == Nights()


def test_settings_never_change_while_a_command_runs() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        nights().repair_days = 3


def test_every_fault_is_reported_at_once_with_file_and_field(write: Callable[[str | bytes], str]) -> None:
    path = write("settle_hours: soon\nrepair_days: -1\nrescore_days: 7.5\ngate_days: 0\nkeep_replaced: 3\n")
    with pytest.raises(UsageError) as raised:
        nights()
    assert str(raised.value) == (
        f"{path}: expected settings of the nights: settle_hours: Input should be a valid number, found 'soon';"
        " repair_days: Input should be greater than or equal to 0, found -1;"
        " rescore_days: Input should be a valid integer, found 7.5;"
        " gate_days: Input should be greater than or equal to 1, found 0;"
        " keep_replaced: Extra inputs are not permitted, found 3"
    )


@pytest.mark.parametrize("text", [b"a: [", b"- 1", b"7", b"\xff\xfe\x00"])
def test_a_file_of_another_kind_is_refused_by_its_name(write: Callable[[str | bytes], str], text: bytes) -> None:
    path = write(text)
    with pytest.raises(UsageError, match="expected settings of the nights") as raised:
        nights()
    assert path in str(raised.value)


def test_a_file_that_is_missing_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLOUT_NIGHTS", str(tmp_path / "none.yaml"))
    with pytest.raises(UsageError, match=r"none\.yaml"):
        nights()
