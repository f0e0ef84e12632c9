"""What all reports share: folders, files, and shares in words."""

from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.report import page


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [(0, 10, "0%"), (10, 10, "100%"), (1, 10_000, "under 0.1%"), (9_999, 10_000, "over 99.9%"), (1, 30, "3.3%"),
     (1, 3, "33%"), (0, 0, "0%")],
)  # fmt: skip
def test_few_are_not_none_and_almost_all_are_not_all(part: int, whole: int, text: str) -> None:
    assert page.share(part, whole) == text


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"file: cannot be a folder for the report \(File exists\)$"):
        page.folder(tmp_path / "file")
