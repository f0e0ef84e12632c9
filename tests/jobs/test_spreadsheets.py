"""What people call themselves does nothing in a spreadsheet."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pytest

from jobs.cli import display
from jobs.csv_writer import CsvWriter
from jobs.spreadsheets import harmless

DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\r=x", "\n=x", "\uff1d1", "\uff20x"]
PLAIN = ["ana", "a=1", "1-1", "'=1", "^x", "漢字", ""]


@pytest.mark.parametrize("value", DANGEROUS)
def test_a_text_that_would_be_a_formula_is_marked_as_text(value: str) -> None:
    assert harmless(value) == "'" + value


@pytest.mark.parametrize("value", PLAIN)
def test_any_other_text_is_as_it_is(value: str) -> None:
    assert harmless(value) == value


def test_files_and_the_output_are_harmless_and_numbers_are_numbers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    texts = [*DANGEROUS, *PLAIN]
    table = pa.table({"handle": [*texts, None], "points": [-1.5] * (len(texts) + 1)})
    with CsvWriter(tmp_path / "a.csv", table.schema) as writer:
        for batch in table.to_batches():
            writer.write_batch(batch)
    display.print_csv(table)
    for text in ((tmp_path / "a.csv").read_bytes().decode(), capsys.readouterr().out):
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        assert [row["handle"] for row in rows] == [
            *(harmless(value) for value in texts),
            "",
        ]
        assert {row["points"] for row in rows} == {"-1.5"}
