"""Figures of all benchmarks in one form, and `history.jsonl`, which keeps them across commits: a record on each line."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec.structs import asdict

from jobs.errors import CloutError
from jobs.places import ROOT

HISTORY = ROOT / "infra" / "bench" / "history.jsonl"
IDLE = 1.0  # load up to which seconds say something of clout, and not of what else the machine does


class Measured(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured value.

    `name`: the benchmark, as on the command line of `infra/bench.sh`. `what`: what was measured, in words that stay the same
    from commit to commit. `size`: the pairs of the graph it was measured on; None if the benchmark has only one size. `limit`:
    the most that the value may be. `peers`: other programs, or other settings, and their values in the same run.
    """

    name: str
    what: str
    value: float
    unit: str
    size: int | None = None
    limit: float | None = None
    peers: Mapping[str, float] = {}

    @property
    def key(self) -> tuple[str, str, int | None]:
        """What two runs have in common if they measured the same."""
        return (self.name, self.what, self.size)

    @property
    def share(self) -> float:
        """The value as a multiple of its limit; 0 if it has none."""
        return self.value / self.limit if self.limit else 0.0


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run of the benchmark. `day`: its UTC day. `commit`: the abbreviated name of the commit that was measured. `machine`:
    its cores, processor and memory. `load`: how many processes of others were busy, on average of the minute before."""

    day: date
    commit: str
    machine: str
    load: float


class Record(Measured, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A measured value and the run that measured it, as `Run` describes it."""

    day: date
    commit: str
    machine: str
    load: float

    @property
    def is_judged(self) -> bool:
        """Whether the value can be compared with a limit: seconds only if the machine was idle before."""
        return self.limit is not None and (self.unit != "s" or self.load <= IDLE)

    @property
    def is_over(self) -> bool:
        """Whether the value exceeds its limit, as far as that can be judged."""
        return self.is_judged and self.share > 1


class Row(Protocol):
    """A figure that is a row of a table. An indented `what` belongs to the last row above that is indented less:
    to all of it, or to what precedes its colon."""

    what: str
    measured: float
    unit: str
    limit: float | None


def of_rows(name: str, rows: Iterable[Row]) -> Iterator[Measured]:
    """Yields each row's value, of the benchmark `name`. What it belongs to comes first: `3 million links: peak memory`."""
    above: list[tuple[int, str]] = []
    for row in rows:
        bare = row.what.lstrip()
        indent = len(row.what) - len(bare)
        above = [(deep, what) for deep, what in above if deep < indent]
        what = ": ".join([*(what for _, what in above), bare])
        above.append((indent, bare.partition(":")[0]))
        yield Measured(name=name, what=what, value=row.measured, unit=row.unit, limit=row.limit)


def recorded(measured: Iterable[Measured], run: Run) -> list[Record]:
    """The values as records of the run."""
    return [Record(**asdict(each), **asdict(run)) for each in measured]


def parsed(text: str, path: Path) -> list[Record]:
    """The records of a text of JSON lines, ordered by day; those of one day keep their order. Raises `CloutError` with the path
    and the number of the first line that is no record."""
    records = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            records.append(msgspec.json.decode(line, type=Record))
        except msgspec.DecodeError as error:
            raise CloutError(f"{path}, line {number}: expected a record of a figure: {error}") from error
    return sorted(records, key=lambda record: record.day)


def read(path: Path) -> list[Record]:
    """The kept records, as `parsed` returns them; none if the file does not exist."""
    return parsed(path.read_text(encoding="utf-8"), path) if path.exists() else []


def append(records: Iterable[Record], path: Path) -> None:
    """Adds a line for each record to the file."""
    with path.open("a", encoding="utf-8") as lines:
        lines.writelines(msgspec.json.encode(record).decode() + "\n" for record in records)


def newest(records: Iterable[Record]) -> list[Record]:
    """The last record of each figure, in the order in which the figures first occur. `records` are ordered by day."""
    return [*{record.key: record for record in records}.values()]


def histories(records: Iterable[Record]) -> dict[tuple[str, str, int | None], list[Record]]:
    """Key of a figure -> its records, in their order."""
    found: dict[tuple[str, str, int | None], list[Record]] = {}
    for record in records:
        found.setdefault(record.key, []).append(record)
    return found
