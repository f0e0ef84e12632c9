"""The changelog names what changed in a contract, and only that."""

from datetime import date

from schemas import changes, dictionary
from schemas.catalog import TABLES
from schemas.changes import Change

BEFORE = """
## visits

| column | type | null | meaning |
| --- | --- | --- | --- |
| `day` | date | no | UTC day. |
| `who` | string | no | Who came. |
| `gone` | long | yes | Left | right. |

## closed

| column | type | null | meaning |
| --- | --- | --- | --- |
| `day` | date | no | UTC day. |
"""
AFTER = """
## visits

| column | type | null | meaning |
| --- | --- | --- | --- |
| `day` | timestamp | yes | Instant. |
| `who` | string | no | The visitor. |
| `note` | string | yes | Null if none. |

## opened

| column | type | null | meaning |
| --- | --- | --- | --- |
| `day` | date | no | UTC day. |
"""


def test_tables_columns_types_and_nulls_are_named_and_reworded_docs_are_not() -> None:
    assert changes.between(BEFORE, AFTER) == [
        Change("opened", "table added"),
        Change("closed", "table removed"),
        Change("visits", "added", "note"),
        Change("visits", "removed", "gone"),
        Change("visits", "type date -> timestamp", "day"),
        Change("visits", "nullable", "day"),
    ]


def test_the_dictionary_is_read_back_as_the_contracts() -> None:
    found = changes.tables(dictionary.document())
    assert found == {t.name: {c.name: (c.type, c.nullable) for c in t.columns} for t in TABLES}


def test_each_change_is_a_line_with_its_date() -> None:
    assert changes.rows([Change("visits", "added", "note"), Change("opened", "table added")], date(2026, 11, 3)) == (
        "| 2026-11-03 | `visits` | added | `note` |\n| 2026-11-03 | `opened` | table added |  |\n"
    )


def test_the_changelog_ends_where_the_contracts_are() -> None:
    """Replayed, it gives today's tables and columns."""
    there: dict[str, set[str]] = {}
    for line in changes.CHANGES.read_text(encoding="utf-8").splitlines():
        if line.startswith("| 20"):
            table, operation, column = (cell.strip(" `") for cell in line.strip("|").split("|")[1:])
            if operation == "table added":
                there[table] = set()
            elif operation == "table removed":
                del there[table]
            elif operation in ("added", "removed"):
                (there[table].add if operation == "added" else there[table].discard)(column)
    names = {table.name: {column.name for column in table.columns} for table in TABLES}
    assert there.keys() == names.keys()
    assert all(there[name] <= names[name] for name in names)
