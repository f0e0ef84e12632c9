"""Contracts as Markdown: the data dictionary, and the README's list of what the columns of `scores` mean.

`python -m schemas.dictionary` writes both again after a contract has changed, and appends the change to `CHANGES.md`.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from schemas import changes
from schemas.catalog import TABLES
from schemas.scores import SCORES
from schemas.table import Table

DICTIONARY = Path(__file__).parent / "DICTIONARY.md"
README = Path(__file__).parent.parent / "README.md"

BEGIN = "<!-- columns of scores: written by `python -m schemas.dictionary` -->"
END = "<!-- end -->"

HEAD = """\
# Data dictionary

What every table holds. `python -m schemas.dictionary` writes this page from the contracts (the tables' modules in this
folder). The tables are in the order in which a nightly run fills them. A `date` is a UTC day, a `timestamp` an instant in UTC
with microseconds. The *grain* is the columns that identify a row: no two rows have the same values in them.
"""


def columns(table: Table) -> str:
    """One line per column."""
    rows = ((f"`{c.name}`", c.type, "yes" if c.nullable else "no", c.doc) for c in table.columns)
    return _table(("column", "type", "null", "meaning"), rows)


def section(table: Table) -> str:
    """The section on one table."""
    return f"""\
## {table.name}

{table.doc}

Grain: {_names(table.grain)} · partitions: {_names(table.partition_by)} · version {table.version}

{columns(table)}"""


def document() -> str:
    """The whole dictionary."""
    overview = _table(
        ("table", "grain", "holds"),
        ((f"[{table.name}](#{table.name})", _names(table.grain), table.doc) for table in TABLES),
    )
    return "\n".join([HEAD, overview, *map(section, TABLES)])


def within(readme: str) -> str:
    """The README with the columns of `scores` between its two markers."""
    before, _, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"README.md: expected the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{columns(SCORES)}\n{END}{after}"


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "none"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main(today: date) -> None:
    """Writes the dictionary, the README's columns, and what changed since the dictionary before."""
    before = DICTIONARY.read_text(encoding="utf-8")
    with changes.CHANGES.open("a", encoding="utf-8") as log:
        log.write(changes.rows(changes.between(before, document()), today))
    DICTIONARY.write_text(document(), encoding="utf-8")
    README.write_text(within(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(datetime.now(UTC).date())
