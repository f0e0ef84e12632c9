"""The metadata that clout writes into its commits in a table's log. It identifies the run that won a race.

The log expires (`delta.logRetentionDuration`), so clout relies only on the newest commits.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deltalake import DeltaTable

# Column -> a value, or a tuple of allowed values. Readers may also pass a `Span`.
Partition = Mapping[str, Any]


@dataclass(frozen=True)
class Span:
    """All values from the first to the last, both included. Mostly used for days."""

    first: Any
    last: Any


@dataclass(frozen=True)
class Commit:
    """One commit that clout made. `partition` is None if it changed no row and only merged files. `stamp` is unique to the
    commit; it is None in commits of earlier versions of clout."""

    version: int
    run_id: str
    job: str
    partition: dict[str, list[str]] | None
    at: datetime
    stamp: str | None = None


def metadata(partition: Partition | None, run_id: str, job: str, stamp: str) -> str:
    """The text stored in a commit's `userMetadata`."""
    changed = None if partition is None else as_text(partition)
    return json.dumps({"run_id": run_id, "job": job, "partition": changed, "stamp": stamp})


def commits(history: Iterable[Mapping[str, Any]]) -> Iterator[Commit]:
    """The commits of clout among these entries of a table's history, in the same order."""
    for entry in history:
        try:
            about = json.loads(entry["userMetadata"])
            at = datetime.fromtimestamp(entry["timestamp"] / 1000, UTC)
            commit = Commit(
                int(entry["version"]), about["run_id"], about["job"], about["partition"], at, about.get("stamp")
            )
        except (KeyError, TypeError, ValueError):
            continue  # the table's creation, or another program's commit
        yield commit


def values_of(values: Any) -> tuple:
    """A partition's value, or values, as a tuple."""
    return values if isinstance(values, tuple) else (values,)


def as_text(partition: Partition) -> dict[str, list[str]]:
    """Column -> its values as text."""
    return {name: [str(value) for value in values_of(values)] for name, values in partition.items()}


def description(table: DeltaTable) -> str:
    """Columns, docs and properties of a table, as comparable text."""
    about = table.metadata()
    return json.dumps([table.schema().to_json(), about.configuration, about.description], sort_keys=True)
