"""Creates the tables of a new warehouse and checks which contract versions a warehouse was made for.

A warehouse records its contract versions in a property of one small table. A single read shows whether its tables fit this
clout.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError

from jobs.errors import UsageError
from jobs.warehouse import conditional_puts, retention
from schemas import arrow
from schemas.catalog import TABLES
from schemas.methodologies import METHODOLOGIES
from schemas.table import Table

# This table is created last, so a warehouse that has it has all tables. It also has the shortest log.
MARKER = METHODOLOGIES
CONTRACTS = "clout.contracts"  # property: JSON, table -> version of its contract

# deltalake's own retry of a commit would not see what the competing commit changed.
ONCE = CommitProperties(max_commit_retries=0)


def contracts() -> dict[str, int]:
    """Table -> version of its contract in this clout."""
    return {table.name: table.version for table in TABLES}


def marked() -> dict[str, str]:
    """The property that marks every table as matching this clout's contracts."""
    return {CONTRACTS: json.dumps(contracts(), sort_keys=True)}


def refuse_newer(root: str, configuration: Mapping[str, Any]) -> None:
    """Raises `UsageError` if a contract of the warehouse is newer than this clout's."""
    mine = contracts()
    unknown = [f"{name} {version}" for name, version in _versions(configuration).items() if version > mine.get(name, 0)]
    if unknown:
        raise UsageError(f"{root}: a newer version of clout made this warehouse ({', '.join(unknown)}); update clout")


def refuse_older(root: str, configuration: Mapping[str, Any]) -> None:
    """Raises `UsageError` if a contract of the warehouse is older than this clout's."""
    versions = _versions(configuration)
    if any(version > versions.get(name, 0) for name, version in contracts().items()):
        raise UsageError(f"{root}: an earlier version of clout made this warehouse; run `clout upgrade`")


def refuse_unwritable(folders: Iterable[Path]) -> None:
    """Raises `UsageError` if one of the folders exists and is not writable."""
    for folder in folders:
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"{folder}: cannot be written (read-only, or another user's); set CLOUT_WAREHOUSE")


def _versions(configuration: Mapping[str, Any]) -> dict[str, int]:
    return json.loads(configuration.get(CONTRACTS) or "{}")


def make_folder(root: Path) -> None:
    """Makes the folder of a new warehouse, which only its owner may enter. Raises `UsageError` if it cannot be made."""
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"{root}: cannot be the warehouse ({error.strerror}); set CLOUT_WAREHOUSE") from error


def create_all(root: str, options: dict[str, str] | None) -> None:
    """Creates every table as `create` does, below `root` and with the retention from the settings. `options` are deltalake's,
    for an object store. Raises like `make_folder` for a folder, and like `conditional_puts.require` for an object store."""
    from jobs.night_settings import nights  # loads pydantic, which readers of scores need not wait for

    kept = nights()
    if "://" not in root:
        make_folder(Path(root))
    if options:
        conditional_puts.require(root, options)
    for table in sorted(TABLES, key=lambda table: table is MARKER):
        marks = marked() if table is MARKER else {}
        create(f"{root}/{table.name}", table, retention.properties(table, kept) | marks, options)


def create(path: str, table: Table, configuration: Mapping[str, str], options: dict[str, str] | None) -> None:
    """Creates the table, empty, with its columns' docs and these properties, unless it exists. If another run creates the table
    at the same time and commits first, this call does nothing: its own commit fails, and that error is ignored."""
    with suppress(CommitFailedError):
        DeltaTable.create(
            path,
            schema=arrow.schema(table),
            mode="ignore",
            partition_by=list(table.partition_by),
            name=table.name,
            description=table.doc,
            configuration=configuration,
            storage_options=options,
            commit_properties=ONCE,
            raise_if_key_not_exists=False,  # Delta does not know clout's own keys
        )
