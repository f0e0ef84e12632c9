"""The files of a Delta log on a local disk: detects files that a power cut tore, and flushes new ones.

Delta readers take an empty commit, or one truncated between two lines, for a smaller change: published rows vanish without an
error. A commit's first line states how many files the commit adds and removes, so missing lines are detectable. Object stores
write a file completely or not at all and need none of this. https://github.com/delta-io/delta/blob/master/PROTOCOL.md
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.errors import CloutError

LOG = "_delta_log"
_COMMIT = re.compile(r"(\d{20})\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")

# Names of the counts in a commit's first line: first those of deltalake (for writes and deletes, then for compactions), then
# those of delta-spark (in the same order).
_ADDED = ("num_added_files", "numFilesAdded", "numFiles", "numAddedFiles")
_REMOVED = ("num_removed_files", "numFilesRemoved", "numRemovedFiles")
_DESCRIBES = ("CREATE TABLE", "ADD COLUMN", "SET TBLPROPERTIES", "UPDATE FIELD METADATA", "UPDATE TABLE METADATA")


class Entry(NamedTuple):
    """A commit or a checkpoint, and the table version it creates."""

    version: int
    path: Path


def commit_name(version: int) -> str:
    """The path, below the table's folder, of the commit that creates this version."""
    return f"{LOG}/{version:020}.json"


def commits(table: Path) -> list[Entry]:
    """The commits in the log, oldest first."""
    return _entries(table, _COMMIT)


def checkpoints(table: Path) -> list[Entry]:
    """The checkpoints in the log, oldest first."""
    return _entries(table, _CHECKPOINT)


def _entries(table: Path, name: re.Pattern[str]) -> list[Entry]:
    matches = map(name.fullmatch, os.listdir(table / LOG))
    return sorted(Entry(int(match[1]), table / LOG / match[0]) for match in matches if match)


def refuse_torn(table: Path, version: int) -> None:
    """Raises `CloutError` if the commit that creates this version of the table is torn."""
    commit = table / commit_name(version)
    if commit.exists() and (fault := commit_fault(commit)):
        raise CloutError(
            f"{commit}: this commit of table {table.name} {fault}, as after a power cut; run `clout maintain --repair`"
        )


def commit_fault(path: Path) -> str | None:
    """The fault of a commit, or None if it is intact."""
    lines = path.read_bytes().splitlines()
    if not lines:
        return "is empty"
    try:
        first, *_ = map(json.loads, {0: lines[0], -1: lines[-1]}.values())
    except ValueError:
        return "breaks off within a line"
    info = first.get("commitInfo")
    if not isinstance(info, dict):
        return None  # another program's commit, without counts
    metrics = info.get("operationMetrics") or {}
    for verb, action, names in (("adds", "add", _ADDED), ("removes", "remove", _REMOVED)):
        expected = next((int(metrics[name]) for name in names if _is_count(metrics.get(name))), None)
        count = _count(lines, action)
        if expected is not None and count != expected:
            return f"{verb} {count:,} files, expected {expected:,}"
    if info.get("operation") in _DESCRIBES and not _count(lines, "metaData"):
        return "lacks the table's description"
    return None


def _is_count(value: Any) -> bool:
    return str(value).isdecimal()


def _count(lines: list[bytes], action: str) -> int:
    opening = f'{{"{action}"'.encode()
    return sum(line.startswith(opening) for line in lines)


def files_of(table: Path, commit: Path, action: str) -> Iterator[tuple[Path, int | None]]:
    """The data files that an intact commit names under `add` or `remove`, and their sizes in bytes (None if absent)."""
    opening = f'{{"{action}"'.encode()
    for line in commit.read_bytes().splitlines():
        if line.startswith(opening):
            named = json.loads(line)[action]
            yield table / unquote(named["path"]), named.get("size")


def checkpoint_fault(path: Path) -> str | None:
    """The fault of a checkpoint, or None if it is intact."""
    try:
        pq.read_metadata(path)
    except (OSError, ValueError) as error:
        return f"cannot be read ({str(error).splitlines()[0]})"
    return None


def file_fault(path: Path, size: int | None) -> str | None:
    """The fault of a data file, or None if it has the `size` bytes that the log records."""
    try:
        actual = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return "is missing"
    return None if size in (None, actual) else f"has {actual:,} bytes, expected {size:,}"


def files_fault(table: Path, files: pa.Table) -> str | None:
    """The fault of the first torn or missing file, or None. `files` has columns `path` (as in the log) and `size_bytes`."""
    for name, size in zip(files["path"].to_pylist(), files["size_bytes"].to_pylist(), strict=True):
        path = table / unquote(name)
        if fault := file_fault(path, size):
            return f"{path}: this file of table {table.name} {fault}"
    return None


def flush(table: Path, since: int) -> None:
    """Flushes the commits from version `since` on, and the files they add, so that they survive a power cut.

    deltalake does not flush its writes. A write counts as done only after this call. Until then a power cut may tear the newest
    commits, which `commit_fault` detects. This call also flushes commits of other writers, which may not have flushed them yet:
    flushing a clean file costs microseconds.
    """
    newest = [table / LOG / name for name in os.listdir(table / LOG) if _version(name) >= since]
    logged = [path for path in newest if path.is_file()]
    files = {path for commit in logged if _COMMIT.fullmatch(commit.name) for path, _ in files_of(table, commit, "add")}
    folders = {parent for path in files for parent in path.parents if parent.is_relative_to(table)}
    for path in (*files, *logged, *sorted(folders | {table, table / LOG}, reverse=True)):
        _sync(path)


def flush_files(table: Path, paths: Sequence[str]) -> None:
    """Flushes data files, given by their paths below the table, and their folders. Only then may a commit name the files."""
    files = [table / path for path in paths]
    folders = {parent for path in files for parent in path.parents if parent.is_relative_to(table)}
    for path in (*files, *sorted(folders, reverse=True)):
        _sync(path)


def _version(name: str) -> float:
    """The version in a file name; infinity for names without one, such as `_last_checkpoint`."""
    head = name.lstrip(".").partition(".")[0]
    return int(head) if head.isdecimal() else float("inf")


def _sync(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return  # another writer replaced it or cleaned it up
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
