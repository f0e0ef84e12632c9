"""The dictionary and the README's columns of `scores` are what the contracts say."""

import pytest

from schemas import dictionary
from schemas.catalog import TABLES
from schemas.table import Column, Table

AGAIN = "the contracts say something else; run `.venv/bin/python -m schemas.dictionary`"


def test_the_committed_dictionary_is_the_contracts() -> None:
    assert dictionary.DICTIONARY.read_text(encoding="utf-8") == dictionary.document(), AGAIN


def test_the_readme_lists_the_columns_of_scores_as_the_contract_does() -> None:
    readme = dictionary.README.read_text(encoding="utf-8")
    assert readme == dictionary.within(readme), AGAIN


def test_a_table_is_described_in_full() -> None:
    visits = Table(
        name="visits",
        version=2,
        doc="Who came.",
        grain=("day", "who"),
        partition_by=(),
        columns=(
            Column("day", "date", "UTC day."),
            Column("who", "string", "Either `a` or `b`."),
            Column("note", "string", "Left | right; null if none.", nullable=True),  # a bar would end the cell
        ),
    )
    assert (
        dictionary.section(visits)
        == """\
## visits

Who came.

Grain: `day`, `who` · partitions: none · version 2

| column | type | null | meaning |
| --- | --- | --- | --- |
| `day` | date | no | UTC day. |
| `who` | string | no | Either `a` or `b`. |
| `note` | string | yes | Left \\| right; null if none. |
"""
    )


def test_every_table_has_a_section() -> None:
    sections = [line.removeprefix("## ") for line in dictionary.document().splitlines() if line.startswith("## ")]
    assert sections == [table.name for table in TABLES]


@pytest.mark.parametrize("readme", ["no marker", f"only one {dictionary.BEGIN}"])
def test_a_readme_without_its_markers_is_refused(readme: str) -> None:
    with pytest.raises(ValueError, match="expected the markers"):
        dictionary.within(readme)
