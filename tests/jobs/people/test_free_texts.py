"""Names of people who left are erased from every text that somebody wrote."""

import pytest

from jobs.people import free_texts
from jobs.people.free_texts import Names
from jobs.warehouse.storage import Warehouse
from schemas.catalog import TABLES
from schemas.table import Table
from tests.fixture_types import ArrowRows

WRITTEN = {
    "why",
    "answer",
    "evidence",
    "reason",
    "error",
    "origin",
    "accepted",
    "recorded_by",
    "published_by",
    "looked_by",
}
LEAVER = "toots:https://example.org/users/leaver"


def test_every_column_of_texts_is_searched() -> None:
    own = {("rejects", "reason"), ("score_changes", "reason")}  # clout's own words
    columns = {(table.name, name) for table in TABLES for name in table.column_names if name in WRITTEN}
    assert columns - own <= {(table.name, name) for table, names in free_texts.TEXTS.items() for name in names}


@pytest.mark.parametrize("table", free_texts.TEXTS, ids=lambda table: table.name)
def test_a_text_that_names_who_left_is_erased_and_the_row_stays(
    warehouse: Warehouse, arrow_rows: ArrowRows, table: Table
) -> None:
    texts = dict.fromkeys(free_texts.TEXTS[table], f"{LEAVER} said so")
    warehouse.append(table, arrow_rows(table, [texts]), {}, run_id="r", job="j")
    named = [row for row in warehouse.read(table).to_pylist() if LEAVER in str(row)]
    assert free_texts.erase(warehouse, Names([LEAVER]), "r") == len(named) == 1
    rows = warehouse.read(table).to_pylist()
    assert LEAVER not in str(rows)
    assert [row for row in rows if "(erased) said so" in str(row)]
