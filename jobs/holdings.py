"""All tables and recordings -> files for a person: everything that is held about them. Changes nothing."""

import json
from collections.abc import Sequence
from pathlib import Path

from jobs.csv_writer import CsvWriter
from jobs.files import appearing
from jobs.people import erasure, holdings
from jobs.places import landing
from jobs.warehouse.storage import Warehouse
from schemas.catalog import TABLES


def export(warehouse: Warehouse, people: Sequence[str], to: Path) -> dict[str, int]:
    """Writes `person.json`, which holds everything, and a CSV file per table with rows about the person into the folder.
    Returns table or `recordings` -> number of rows or items. Raises `UsageError` if one of `people` is no `person_id`."""
    sought = holdings.sought(warehouse, people, erasure.handles(warehouse, people))
    names = sorted({name for of_platform in sought.names.values() for name in of_platform})
    everything: dict[str, list] = {}
    for table, rows in holdings.tables(warehouse, people, names):
        everything[table.name] = rows.to_pylist()
        with appearing(to / f"{table.name}.csv") as part, CsvWriter(part, rows.schema) as writer:
            for batch in rows.to_batches():
                writer.write_batch(batch)
    if items := list(holdings.recorded(landing(warehouse.root), sought)):
        everything[holdings.RECORDINGS] = items
    with appearing(to / "person.json") as part:
        about = {name: _documented(name) for name in everything}
        part.write_text(json.dumps({"what_it_is": about, "held": everything}, default=str, indent=1), encoding="utf-8")
    return {name: len(rows) for name, rows in everything.items()}


def _documented(name: str) -> dict[str, str]:
    """What the table holds, and what each of its columns means."""
    for table in TABLES:
        if table.name == name:
            return {"": table.doc} | {column.name: column.doc for column in table.columns}
    return {"": "What platforms answered about the person, as recorded to be parsed."}
