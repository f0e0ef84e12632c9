"""Reads people's consent from a file of the operator: CSV or Parquet with the columns `person_id` and `scope`, and optionally
`since` and `until` (UTC days). Streams the file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import UsageError
from jobs.people import consent

REQUIRED, OPTIONAL = ("person_id", "scope"), ("since", "until")
FAULTS_SHOWN = 20
CHUNK_LINES = 10_000
MEMORY_BYTES = 64_000_000  # whatever the number of lines

_GIVEN = pa.schema([("person_id", pa.string()), ("since", pa.date32()), ("line", pa.int64())])
_REPEATED = """
    with firsts as (select person_id, since, min(line) as first from given group by all having count(*) > 1)
    select person_id, line, first from given join firsts using (person_id, since) where line > first order by line limit ?
"""


def rows(path: Path, today: date) -> Iterator[dict[str, Any]]:
    """The file's rows as `jobs.people.consent.record` takes them. `since` is `today` where the file has none. `said_at` is the
    beginning of `since`. It is the instant of the file's last change instead if that is earlier, or if the line has no `since`.
    Reads the file twice: first to check every line. Raises `UsageError` with the first `FAULTS_SHOWN` faults, each with its
    line."""
    faults = _faults(_lines(path), today)
    if faults:
        shown = [text for _, text in faults[:FAULTS_SHOWN]]
        more = "\n  ..." if len(faults) > FAULTS_SHOWN else ""
        raise UsageError("\n  ".join([f"{path}: nothing was recorded:", *shown]) + more)
    changed_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return (_said(_row(line, today), bool(line.get("since")), changed_at) for _, line in _lines(path))


def _said(row: dict[str, Any], is_dated: bool, changed_at: datetime) -> dict[str, Any]:
    day = datetime.combine(row["since"], time(), UTC)
    return row | {"said_at": min(day, changed_at) if is_dated else changed_at}


def _faults(lines: Iterable[tuple[int, Mapping[str, Any]]], today: date) -> list[tuple[int, str]]:
    """The first faults, at most one more than `FAULTS_SHOWN`, each with its line."""
    from jobs.scratch import separate

    faults: list[tuple[int, str]] = []
    with separate(MEMORY_BYTES) as db:  # on disk: a million people in memory take 0.2 GB
        db.execute("create table given (person_id text, since date, line bigint)")
        for chunk in _chunks(lines):
            right: dict[str, list[Any]] = {"person_id": [], "since": [], "line": []}
            for number, line in chunk:
                try:
                    row = _row(line, today)
                except UsageError as error:
                    faults.append((number, f"line {number}: {error}"))
                    continue
                for name, value in (("person_id", row["person_id"]), ("since", row["since"]), ("line", number)):
                    right[name].append(value)
            if len(faults) > FAULTS_SHOWN:
                break
            db.register("chunk", pa.table(right, schema=_GIVEN))
            db.execute("insert into given from chunk")
            db.unregister("chunk")
        repeated = db.execute(_REPEATED, [FAULTS_SHOWN + 1]).fetchall()
    faults += [
        (line, f"line {line}: {who} is on line {first} too; give each person once") for who, line, first in repeated
    ]
    return sorted(faults)[: FAULTS_SHOWN + 1]


def _chunks(lines: Iterable[tuple[int, Mapping[str, Any]]]) -> Iterator[list[tuple[int, Mapping[str, Any]]]]:
    lines = iter(lines)
    while chunk := list(islice(lines, CHUNK_LINES)):
        yield chunk


def _row(line: Mapping[str, Any], today: date) -> dict[str, Any]:
    since, until = (_day(line.get(name), name) for name in OPTIONAL)
    return consent.row(str(line["person_id"] or ""), str(line["scope"] or ""), since or today, until)


def _day(value: Any, name: str) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if value is None or value == "" or isinstance(value, date):
        return value or None
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise UsageError(f"{name} {value!r} is no day; expected YYYY-MM-DD") from None


def _lines(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yields (number, columns) of each line. The number is that of the line in an editor or, in Parquet, of the row."""
    readers = {".csv": _csv, ".parquet": _parquet}
    if path.suffix not in readers:
        raise UsageError(f"{path}: the name must end in .csv or .parquet")
    try:
        yield from readers[path.suffix](path)
    except (OSError, UnicodeDecodeError, csv.Error, pa.ArrowInvalid) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, restkey="more")
        _require(path, reader.fieldnames or ())
        for line in reader:
            if "more" in line:
                raise UsageError(f"{path}: line {reader.line_num} has more fields than the header")
            yield reader.line_num, line


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with pq.ParquetFile(path) as file:
        _require(path, file.schema_arrow.names)
        number = 0
        for batch in file.iter_batches():
            for line in batch.to_pylist():
                number += 1
                yield number, line


def _require(path: Path, names: Iterable[str]) -> None:
    names = list(names)
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    if missing or unknown:
        faults = [f"column {name} is missing" for name in missing] + [f"column {name} is unknown" for name in unknown]
        raise UsageError(
            f"{path}: {', '.join(faults)}; expected {', '.join(REQUIRED)}, and optionally {', '.join(OPTIONAL)}"
        )
