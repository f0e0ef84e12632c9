"""Measures what it costs that 1,000 people leave a warehouse of 200 days at once: time, memory, bytes, and how often each file
is written anew."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import measuring
from leaving_tables import leavers, make
from measuring import Command, Figure
from records import Measured, of_rows
from rich.table import Table as Shown

from jobs.warehouse.storage import Warehouse
from schemas.catalog import TABLES
from schemas.table import Table

ACTS, DAYS, PEOPLE = 5_000_000, 200, 1_000
BOOKKEEPING = (
    "runs",
    "publications",
    "restatements",
    "suppressed",
    "requests",
)  # grow by rows about the erasure itself
KEY = "7" * 64


def figures(sizes: Sequence[str]) -> Iterator[Figure]:
    """Yields the figures of one process that forgets the people. `sizes` holds one entry, the number of acts."""
    (acts,) = map(int, sizes)
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(f"{folder}/warehouse")
        make(warehouse, acts, DAYS)
        given = Path(folder, "people.txt")
        given.write_text("\n".join(leavers(acts, PEOPLE)) + "\n")
        size = sum(file.stat().st_size for file in Path(warehouse.root).rglob("*") if file.is_file())
        before = {table: Files(warehouse, table) for table in TABLES}
        command = Command(
            sys.executable, __file__, str(given), str(Path(folder, "certificate.json")), CLOUT_WAREHOUSE=warehouse.root,
            CLOUT_SUPPRESSION_KEYS=KEY, CLOUT_SUPPRESSION_JOURNAL=f"{folder}/left.jsonl",
        )  # fmt: skip
        used = json.loads(command.lines[-1][1])
        removed, twice = Counter[str](), 0
        for table, files in before.items():
            if table.name not in BOOKKEEPING:
                removed[table.name], again = files.replaced_since()
                twice += again
        held = sum(len(files.paths) for files in before.values())
    yield Figure(f"{PEOPLE:,} people leave {acts:,} acts of {DAYS} days", command.seconds, "s")
    yield Figure("  processor time", command.processor_s, "s")
    yield Figure("  peak memory", command.peak_gb, "GB")
    yield Figure("  warehouse", size / 1e9, "GB")
    yield Figure("  read", used["rchar"] / 1e9, "GB")
    yield Figure("  written", used["wchar"] / 1e9, "GB")
    yield Figure("  files of tables before", held, "files")
    for name, count in removed.items():
        if count:
            yield Figure(f"    {name}: written anew", count, "files")
    yield Figure("  files written anew more than once", twice, "files", 0)


class Files:
    """The files of a table at the version at which this object was made."""

    def __init__(self, warehouse: Warehouse, table: Table) -> None:
        delta = warehouse.own(table)
        self.paths, self._version, self._log = set(delta.file_uris()), delta.version(), Path(warehouse.path(table))

    def replaced_since(self) -> tuple[int, int]:
        """How many files later commits replaced, and how many of these files were themselves written by such a commit."""
        added, removed = set[str](), set[str]()
        for commit in sorted(self._log.glob("_delta_log/*.json")):
            if int(commit.stem) > self._version:
                for line in commit.read_text().splitlines():
                    action = json.loads(line)
                    for kind, paths in (("add", added), ("remove", removed)):
                        paths |= {action[kind]["path"]} if kind in action else set()
        return len(removed - added), len(removed & added)


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields each figure's value."""
    return of_rows("leaving", figures)


def table(figures: Sequence[Figure]) -> Shown:
    """A row per figure, with its limit."""
    return measuring.table("what it costs that people leave", figures)


if __name__ == "__main__":
    from jobs.cli.main import app

    people, certificate = sys.argv[1:]
    app(["person", "forget", "--from", people, "--certificate", certificate], standalone_mode=False)
    used = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    print(json.dumps({name: int(value) for name, value in used.items()}))
