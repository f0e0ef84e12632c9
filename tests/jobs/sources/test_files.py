"""Which files the places of a source are."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.errors import UsageError
from jobs.sources.files import existing


def test_a_folder_gives_its_files_by_name(tmp_path: Path) -> None:
    for name in ("b.json", "a.json.gz", "README.md"):
        (tmp_path / name).touch()
    assert existing([str(tmp_path), str(tmp_path / "README.md")], (".json", ".json.gz")) == [
        tmp_path / "a.json.gz",
        tmp_path / "b.json",
        tmp_path / "README.md",  # named itself
    ]
    with pytest.raises(UsageError, match=r"no file with one of \.csv in this folder"):
        existing([str(tmp_path)], (".csv",))


def test_names_that_begin_with_a_dot_are_passed_over_in_folders_and_patterns(tmp_path: Path) -> None:
    for name in ("a.json", "._a.json", ".b.json"):  # as macOS leaves them on other disks
        (tmp_path / name).touch()
    assert existing([str(tmp_path)], (".json",)) == [tmp_path / "a.json"]
    assert existing([str(tmp_path / "*.json")]) == [tmp_path / "a.json"]
    assert existing([str(tmp_path / ".b.json")]) == [tmp_path / ".b.json"]  # named itself


def test_a_pattern_is_the_files_it_matches_by_name(tmp_path: Path) -> None:
    for name in ("RC_2.zst", "RC_1.zst", "RS_1.zst", "a[1].json"):
        (tmp_path / name).touch()
    assert existing([str(tmp_path / "RC_*.zst")]) == [tmp_path / "RC_1.zst", tmp_path / "RC_2.zst"]
    assert existing([str(tmp_path / "RC_*"), str(tmp_path / "R?_1.zst")]) == [
        tmp_path / "RC_1.zst",
        tmp_path / "RC_2.zst",
        tmp_path / "RS_1.zst",  # each once
    ]
    assert existing([str(tmp_path / "a[1].json")]) == [tmp_path / "a[1].json"]  # a name, as it is there
    with pytest.raises(UsageError, match=r"RX_\*: no such file"):
        existing([str(tmp_path / "RX_*")])


@pytest.mark.parametrize("url", ["https://host/a//f.json", "http://host/f", "s3://bucket/f", "file:///f"])
def test_a_url_is_refused_and_quoted_as_it_was_given(url: str) -> None:
    with pytest.raises(UsageError) as error:
        existing([url])
    assert str(error.value) == (
        f"{url}: this type reads files only; fetch it first, or give `-` and its content:"
        f" `curl -fsSL {url} | clout pull ... --source TYPE=-`"
    )


@pytest.mark.system
@pytest.mark.parametrize("place", ["-", "/dev/stdin"])
def test_the_standard_input_is_a_place(place: str) -> None:
    program = (
        "import sys\n"
        "from datetime import date\n"
        "from jobs.sources.higgs import HiggsSource\n"
        "(page,) = HiggsSource('higgs', [sys.argv[1]]).pages(date(2012, 7, 4), date(2012, 7, 4))\n"
        "print(page.lines.total(), page.acts.num_rows)\n"
    )
    text = b"1 2 1341400000 RT\n" * 3
    for content in (text, gzip.compress(text)):
        done = subprocess.run([sys.executable, "-c", program, place], input=content, capture_output=True, check=True)
        assert done.stdout == b"3 3\n"
