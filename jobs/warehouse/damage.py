"""Finds tables on a local disk that a power cut or a failing disk damaged, and repairs their logs.

A write is reported as done only after a flush. So if a log's newest commit, or a file that this commit adds, is torn, the
commit was never reported as done, and the repair undoes it. `jobs.warehouse.salvage` restores all other damage from an intact
copy, or reports it and changes nothing.
"""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable

from jobs.warehouse import delta_log
from jobs.warehouse.delta_log import Entry
from jobs.warehouse.storage import Warehouse
from schemas.catalog import TABLES
from schemas.table import Table

COMMIT, CHECKPOINT, DATA, ROWS = "commit", "checkpoint", "data file", "rows of"
ASIDE = "_damaged"  # folder of the warehouse to which a repair moves files; it deletes nothing


@dataclass(frozen=True)
class Damage:
    """A torn or missing file of a table, or lost rows of a partition. `path` is the file's path relative to the table; for lost
    rows, it names their partition."""

    table: str
    kind: str
    path: str
    fault: str
    partition: Mapping[str, str] = field(default_factory=dict)  # of a data file, as text

    def __str__(self) -> str:
        return f"{self.table}: {self.kind} {self.path} {self.fault}"


@dataclass(frozen=True)
class Repaired:
    """The outcome for one damage. `done` describes the repair. `left` says what to do if no repair was possible."""

    damage: Damage
    done: str | None = None
    left: str | None = None


def find(warehouse: Warehouse) -> Iterator[Damage]:
    """All torn or missing files that the logs name. Reads only logs and file sizes, no rows. Checks a table's data files only
    if its log is intact. Finds nothing in an object store."""
    if not warehouse.is_local:
        return
    for table in TABLES:
        if Path(warehouse.path(table), delta_log.LOG).is_dir():
            yield from _log_damages(warehouse, table) or _data_damages(warehouse, table)


def _log_damages(warehouse: Warehouse, table: Table) -> list[Damage]:
    folder = Path(warehouse.path(table))
    logged = [
        *((COMMIT, entry, delta_log.commit_fault(entry.path)) for entry in delta_log.commits(folder)),
        *((CHECKPOINT, entry, delta_log.checkpoint_fault(entry.path)) for entry in delta_log.checkpoints(folder)),
    ]
    return [
        Damage(table.name, kind, str(entry.path.relative_to(folder)), fault) for kind, entry, fault in logged if fault
    ]


def _data_damages(warehouse: Warehouse, table: Table) -> Iterator[Damage]:
    folder = Path(warehouse.path(table))
    files = pa.table(DeltaTable(folder).get_add_actions(flatten=True)).sort_by("path")
    for path, size, *values in zip(
        *(files[name].to_pylist() for name in ("path", "size_bytes", *(f"partition.{n}" for n in table.partition_by))),
        strict=True,
    ):
        if fault := delta_log.file_fault(folder / unquote(path), size):
            place = dict(zip(table.partition_by, map(str, values), strict=True))
            yield Damage(table.name, DATA, path, fault, place)


def repair_logs(warehouse: Warehouse) -> list[Repaired]:
    """Moves torn checkpoints, torn newest commits and newest commits that add a torn file into the warehouse's `_damaged`
    folder. Returns one outcome per damage, including damage that is left."""
    return [
        outcome
        for table in TABLES
        if Path(warehouse.path(table), delta_log.LOG).is_dir()
        for outcome in _repaired_log(warehouse, table)
    ]


def _repaired_log(warehouse: Warehouse, table: Table) -> Iterator[Repaired]:
    folder = Path(warehouse.path(table))
    damages = {damage.path: damage for damage in _log_damages(warehouse, table)}
    aside = Path(warehouse.root, ASIDE, table.name)
    for entry in delta_log.checkpoints(folder):
        damage = damages.pop(str(entry.path.relative_to(folder)), None)
        if damage and _rests_on_others(folder, entry, damages):
            _move(aside, (entry.path, folder / delta_log.LOG / "_last_checkpoint"))
            yield Repaired(damage, done="removed; the log is complete without it")
        elif damage:
            yield Repaired(damage, left=f"no intact log precedes it: restore {folder} from a backup")
    for entry in reversed(delta_log.commits(folder)):
        damage = damages.pop(str(entry.path.relative_to(folder)), None) or _torn_addition(folder, table, entry)
        if damage is None:
            break
        _move(aside, _with_checksums(entry.path))
        yield Repaired(damage, done="undone: the change was never reported as done; repeat the command that made it")
    for damage in damages.values():
        yield Repaired(damage, left=f"intact commits follow it: restore {folder} from a backup")


def _torn_addition(folder: Path, table: Table, commit: Entry) -> Damage | None:
    """The first torn file that an intact commit adds, if the files that the commit removed are intact; else None."""
    for path, size in delta_log.files_of(folder, commit.path, "add"):
        if (fault := delta_log.file_fault(path, size)) and _replaced_files_are_whole(folder, commit):
            return Damage(table.name, DATA, str(path.relative_to(folder)), fault)
    return None


def _replaced_files_are_whole(folder: Path, commit: Entry) -> bool:
    """Whether the table before this commit is still readable. Otherwise undoing the commit would lose more rows."""
    removed = delta_log.files_of(folder, commit.path, "remove")
    return not any(delta_log.file_fault(path, size) for path, size in removed)


def _rests_on_others(folder: Path, torn: Entry, damages: Iterable[str]) -> bool:
    """Whether the table is readable without this checkpoint, from an earlier one or from its first commit."""
    whole = {entry.version for entry in delta_log.commits(folder)}
    earlier = [
        entry.version
        for entry in delta_log.checkpoints(folder)
        if entry.version < torn.version and str(entry.path.relative_to(folder)) not in damages
    ]
    first = earlier[-1] + 1 if earlier else 0
    return whole.issuperset(range(first, torn.version + 1))


def _with_checksums(commit: Path) -> tuple[Path, ...]:
    """A commit and the checksums that Spark and Hadoop keep beside it."""
    checksum = commit.with_suffix(".crc")
    return commit, checksum, *(path.with_name(f".{path.name}.crc") for path in (commit, checksum))


def _move(aside: Path, paths: Iterable[Path]) -> None:
    aside.mkdir(parents=True, exist_ok=True)
    for path in paths:
        if path.exists():
            shutil.move(path, aside / path.name)
