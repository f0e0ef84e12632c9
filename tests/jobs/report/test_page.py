"""What all reports share: folders, files, and shares in words."""

from pathlib import Path

import pyarrow as pa
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


def test_no_spreadsheet_reads_a_name_as_a_formula(tmp_path: Path) -> None:
    page.write(
        {"people": pa.table({"handle": ["=1+1", "ana"], "n": [-1, 2]}), "nobody": pa.table({"n": [1]}).slice(1)},
        "",
        tmp_path,
    )
    assert (tmp_path / "people.csv").read_text() == '"handle","n"\n"\'=1+1",-1\n"ana",2\n'
    assert (tmp_path / "nobody.csv").read_text() == '"n"\n'
