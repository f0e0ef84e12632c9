"""The journal of who left: an append-only file of keyed hashes outside of every warehouse, so that a restored backup does not
bring back people who left after it was made.

`CLOUT_SUPPRESSION_JOURNAL` names the file; by default it is in the user's data folder. Each line is JSON: `hash`, `key_id` and
`recorded_at` as in the table `suppressed`, and `warehouse`, the id of the warehouse, which is also that of its backups. The
journal names nobody.
"""

import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs.errors import UsageError
from jobs.places import data_home
from jobs.warehouse.creation import MARKER
from jobs.warehouse.storage import Warehouse

VARIABLE = "CLOUT_SUPPRESSION_JOURNAL"

Row = Mapping[str, Any]  # of `suppressed`


def path() -> Path:
    """Where the journal is."""
    return Path(os.environ.get(VARIABLE) or data_home() / "suppressed.jsonl")


def read(warehouse: Warehouse, journal: Path | None = None) -> list[Row]:
    """The rows of `suppressed` that the journal holds for this warehouse; empty if there is no journal. Skips the last line if
    a power cut tore it. Raises `UsageError` if the file cannot be read or another line is malformed."""
    journal = journal or path()
    try:
        lines = journal.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UsageError(f"{journal}: the journal of who left cannot be read ({error.strerror})") from error
    own, found = _id(warehouse), []
    for number, line in enumerate(lines[:-1], 1):
        try:
            row = json.loads(line)
            if row.pop("warehouse") == own:
                found.append(row | {"recorded_at": datetime.fromisoformat(row["recorded_at"])})
        except (ValueError, LookupError, TypeError, AttributeError):
            raise UsageError(f"{journal}: line {number} of the journal of who left is malformed") from None
    return found


def append(warehouse: Warehouse, rows: Iterable[Row]) -> None:
    """Adds these rows of `suppressed`, and flushes the file to disk. Raises `UsageError` if it cannot be written."""
    own, journal = _id(warehouse), path()
    lines = [json.dumps({**row, "warehouse": own}, default=_text, sort_keys=True) for row in rows]
    if not lines:
        return
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        with journal.open("a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)  # removes a last line that a power cut tore
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UsageError(
            f"{journal}: the journal of who left cannot be written ({error.strerror}); set {VARIABLE} to another file"
        ) from error


def _text(value: datetime) -> str:
    return value.isoformat()


def _id(warehouse: Warehouse) -> str:
    return str(warehouse.delta(MARKER).metadata().id)
