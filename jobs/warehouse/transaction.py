"""One commit on a Delta table, by any writer. A commit is detected even if its reply is lost, and is flushed so that it
survives a power cut."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from jobs.warehouse import commits, delta_log
from jobs.warehouse.commits import Partition
from jobs.warehouse.races import lost


@contextmanager
def transaction(
    table: str,
    delta: DeltaTable,
    reopened: Callable[[], DeltaTable],
    partition: Partition | None,
    run_id: str,
    job: str,
) -> Iterator[str]:
    """Yields user metadata, with which the block must make one commit on the version at which `delta` was opened. `reopened`
    opens the newest version. `partition` is None if the commit changes no row.

    An error does not prove that the commit failed: its reply may be lost, or a second attempt may collide with the first. So
    the log decides. Raises `LostRaceError` if another commit came first, else the block's own error if the log holds no commit
    of the block. On a local disk, the block ends only after the commit and its files are flushed.
    """
    before, stamp = delta.version(), uuid.uuid4().hex
    description = commits.description(delta)
    try:
        yield commits.metadata(partition, run_id, job, stamp)
    except Exception as error:
        now = reopened()
        if not _holds(now, before, stamp):
            if isinstance(error, CommitFailedError):
                raise lost(table, before, description, now, partition) from error
            raise
    folder = Path(delta.table_uri.removeprefix("file://"))
    if folder.is_dir():
        delta_log.flush(folder, before)


def _holds(delta: DeltaTable, before: int, stamp: str) -> bool:
    """Whether a commit after version `before` carries the stamp."""
    newer = takewhile(lambda commit: commit.version > before, commits.commits(delta.history()))
    return any(commit.stamp == stamp for commit in newer)
