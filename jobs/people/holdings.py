"""Everything that a warehouse holds about a person: their rows of every table, and the recorded items that name them."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from backports import zstd

from jobs.people.byte_search import Needles, Sought
from jobs.people.erasure import BY_PERSON, by_platform
from jobs.people.pulled_rows import BY_ACCOUNT
from jobs.places import landing
from jobs.warehouse import pruning
from jobs.warehouse.commits import Partition
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.rejects import REJECTS
from schemas.runs import RUNS
from schemas.table import Table

RECORDINGS = "recordings"


def sought(warehouse: Warehouse, people: Sequence[str], handles: Iterable[str]) -> Sought:
    """What to search for: each `person_id`, and the ids and `handles` (as `platform:handle`) of the people's accounts on their
    platforms."""
    folders: dict[Path, set[str]] = defaultdict(set)
    for place in warehouse.read(COVERAGE, columns=["source", "day", "platform"]).to_pylist():
        folders[landing(warehouse.root) / place["source"] / str(place["day"])].add(place["platform"])
    return Sought(people, by_platform([*people, *handles]), folders)


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
    yield from _quoting(warehouse, REJECTS, {"platform": tuple(by_platform(people))}, ("excerpt", "file"), names)
    yield from _quoting(warehouse, RUNS, {}, ("error", "parameters", "batch_key"), people)


def _found(warehouse: Warehouse, table: Table, condition: pc.Expression) -> Iterator[tuple[Table, pa.Table]]:
    rows = warehouse.read(table, where=condition)
    if rows.num_rows:
        yield table, rows


def _quoting(
    warehouse: Warehouse, table: Table, partition: Partition, columns: Sequence[str], texts: Iterable[str]
) -> Iterator[tuple[Table, pa.Table]]:
    """Like `_found`, for the rows that quote one of the texts in one of the columns."""
    needles = Needles(texts)

    def quoting(batch: pa.RecordBatch) -> pa.BooleanArray:
        rows = zip(*(batch[name].to_pylist() for name in columns), strict=True)
        return pa.array([needles.are_in("\n".join(filter(None, row)).encode()) for row in rows], pa.bool_())

    found = [batch.filter(quoting(batch)) for batch in warehouse.reader(table, partition)]
    if any(batch.num_rows for batch in found):
        yield table, pa.Table.from_batches(found)


def recorded(folder: Path, sought: Sought) -> Iterator[dict[str, Any]]:
    """The recorded items below the folder that name the person: `file`, and the `item` as JSON, or as text if it is not
    JSON."""
    for path in sorted(folder.rglob("*.zst")):
        needles = sought.needles(path)
        for line in zstd.decompress(path.read_bytes()).splitlines():
            if needles.are_in_line(line):
                yield {"file": str(path.relative_to(folder)), "item": _item(line)}


def _item(line: bytes) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return line.decode("utf-8", "backslashreplace")
