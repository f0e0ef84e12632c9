"""Everything that a warehouse holds about a person: their rows of every table, and the recorded items that name them."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from backports import zstd

from jobs.people.byte_search import Sought, encodings
from jobs.people.erasure import BY_ACCOUNT, BY_PERSON, by_platform
from jobs.places import landing
from jobs.warehouse import pruning
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

RECORDINGS = "recordings"


def sought(warehouse: Warehouse, people: Sequence[str], names: Collection[str]) -> Sought:
    """What to search for: each `person_id` of a person, and the ids and `names` of these accounts on their platforms."""
    platforms = by_platform(people)
    known = {account for accounts in platforms.values() for account in accounts} | set(names)
    covered = warehouse.read(COVERAGE, columns=["source", "day", "platform"]).to_pylist()
    recorded = {place: landing(warehouse.root) / place[0] / str(place[1]) for place in _places(covered)}
    theirs = _places(row for row in covered if row["platform"] in platforms)
    elsewhere = [folder for place, folder in recorded.items() if place not in theirs]
    return Sought(people, sorted(known), platforms, elsewhere)


def _places(covered: Iterable[Mapping[str, Any]]) -> set[tuple[str, date]]:
    return {(row["source"], row["day"]) for row in covered}


def tables(warehouse: Warehouse, people: Sequence[str], names: Sequence[str]) -> Iterator[tuple[Table, pa.Table]]:
    """Each table with rows about the person, and these rows. `people`: each `person_id` of the person; `names`: their ids and
    handles on their platforms, for tables that hold texts."""
    for table, columns in BY_PERSON.items():
        yield from _found(warehouse, table, pruning.either(dict.fromkeys(columns, tuple(people))))
    for table, columns in BY_ACCOUNT.items():
        theirs = pc.scalar(False)
        for platform, accounts in by_platform(people).items():
            theirs = theirs | ((pc.field("platform") == platform) & pruning.either(dict.fromkeys(columns, accounts)))
        yield from _found(warehouse, table, theirs)
    quoted = pc.scalar(False)
    for platform in by_platform(people):
        in_texts = _in_texts(("excerpt", "file"), [name for name in names if encodings([name])])
        quoted = quoted | ((pc.field("platform") == platform) & in_texts)
    yield from _found(warehouse, REJECTS, quoted)
    yield from _found(warehouse, RUNS, _in_texts(("error", "parameters", "batch_key"), people))


def _found(warehouse: Warehouse, table: Table, condition: pc.Expression) -> Iterator[tuple[Table, pa.Table]]:
    rows = warehouse.read(table, where=condition)
    if rows.num_rows:
        yield table, rows


def _in_texts(columns: Sequence[str], texts: Sequence[str]) -> pc.Expression:
    condition = pc.scalar(False)
    for column in columns:
        for text in texts:
            condition = condition | pc.match_substring(pc.field(column), text)
    return condition


def recorded(folder: Path, sought: Sought) -> Iterator[dict[str, Any]]:
    """The recorded items below the folder that name the person: `file`, and the `item` as JSON or, if it is none, as text."""
    for path in sorted(folder.rglob("*.zst")):
        needles = encodings(sought.texts(path))
        for line in zstd.decompress(path.read_bytes()).splitlines():
            if any(needle in line for needle in needles):
                yield {"file": str(path.relative_to(folder)), "item": _item(line)}


def _item(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode("utf-8", "backslashreplace")
