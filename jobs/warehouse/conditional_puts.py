"""Tests whether an object store keeps writers apart that make the same version of a table at the same time.

A commit is a PUT on the condition that the object does not exist (`If-None-Match: *`). A store that ignores the condition lets
one writer overwrite the commit of another without an error.
"""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable
from deltalake.exceptions import CommitFailedError

from jobs.errors import UsageError
from jobs.warehouse.object_files import movable

ROUNDS = 3  # in one of them the writers may miss each other
WRITERS = 4


def require(root: str, options: dict[str, str]) -> None:
    """Raises `UsageError` if the store ignores the condition of a PUT. Makes a small table below `root`, lets writers commit to
    it at the same time, and removes it. `options` are deltalake's, for the store."""
    name = f"probe-{uuid4().hex}"
    probe = f"{root}/{name}"
    DeltaTable.create(probe, pa.schema([("writer", pa.string())]), storage_options=options)
    try:
        with ThreadPoolExecutor(WRITERS) as threads:
            winners = [sum(threads.map(_commits, _opened(probe, options))) for _ in range(ROUNDS)]
    finally:
        movable(root, options).delete_dir(name)
    if winners != [1] * ROUNDS:
        raise UsageError(
            f"{root}: this object store lets concurrent commits overwrite each other; use one with conditional writes"
            " (`If-None-Match`)"
        )


def _opened(table: str, options: dict[str, str]) -> list[DeltaTable]:
    return [DeltaTable(table, storage_options=options) for _ in range(WRITERS)]


def _commits(delta: DeltaTable) -> bool:
    """Whether the commit of the version that follows the opened one succeeds."""
    once = CommitProperties(max_commit_retries=0)
    try:
        delta.create_write_transaction([], "append", delta.schema(), partition_by=[], commit_properties=once)
    except CommitFailedError:
        return False
    return True
