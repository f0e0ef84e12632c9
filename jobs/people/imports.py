"""Reads people's consent from a file of the operator: CSV or Parquet with the columns `person_id` and `scope`, and optionally
`since` and `until` (UTC days). Streams the file."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import UsageError
from jobs.people import consent

REQUIRED, OPTIONAL = ("person_id", "scope"), ("since", "until")
FAULTS_SHOWN = 20


def rows(path: Path, today: date) -> Iterator[dict[str, Any]]:
    """The file's rows as `jobs.people.consent.record` takes them; `since` is `today` where the file has none. Reads the file
    twice: first to check every line. Raises `UsageError` with the line of each fault, the first `FAULTS_SHOWN` of them."""
    faults = list(islice(_faults(_lines(path), today), FAULTS_SHOWN + 1))
    if faults:
        more = "\n  ..." if len(faults) > FAULTS_SHOWN else ""
        raise UsageError("\n  ".join([f"{path}: nothing was recorded:", *faults[:FAULTS_SHOWN]]) + more)
    return (_row(line, today) for _, line in _lines(path))


def _faults(lines: Iterable[tuple[int, Mapping[str, Any]]], today: date) -> Iterator[str]:
    seen: dict[tuple[str, date], int] = {}
    for number, line in lines:
        try:
            row = _row(line, today)
        except UsageError as error:
            yield f"line {number}: {error}"
            continue
        first = seen.setdefault((row["person_id"], row["since"]), number)
        if first != number:
            yield f"line {number}: {row['person_id']} is on line {first} too; give each person once"


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
    """Number of each line, as an editor counts (a row's number in Parquet), and its columns."""
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
