"""An opened table, and whether its log is still as it was.

To open a table, deltalake parses the log's entries of all its files. So a table is opened again only if its log changed.
"""

from dataclasses import dataclass

from deltalake import DeltaTable
from pyarrow import fs

from jobs.warehouse import delta_log

Stat = tuple[int | None, int | None]  # a file's size and modification time, both None if there is no such file


@dataclass(frozen=True)
class Opened:
    """A table that was opened at its newest version. `commit` is the commit that made this version; None in an object store,
    where no repair undoes a commit."""

    delta: DeltaTable
    commit: Stat | None

    def is_at(self, version: int | None, files: fs.FileSystem) -> bool:
        """Whether opening the table at `version` (None: the newest) would give the same table. `files` is the file system
        rooted at the table. Asks an object store at most once, and only for the newest version."""
        own = self.delta.version()
        if version not in (None, own) or (self.commit and self.commit != _commit(own, files)):
            return False
        return version == own or not _exists(delta_log.commit_name(own + 1), files)


def opened(delta: DeltaTable, files: fs.FileSystem, is_local: bool) -> Opened:
    """The table, just opened at its newest version."""
    return Opened(delta, _commit(delta.version(), files) if is_local else None)


def _commit(version: int, files: fs.FileSystem) -> Stat:
    info = files.get_file_info(delta_log.commit_name(version))
    return info.size, info.mtime_ns


def _exists(path: str, files: fs.FileSystem) -> bool:
    """Whether there is such a file. Of a missing one, `get_file_info` would also ask whether it is a folder."""
    try:
        files.open_input_file(path).close()
    except FileNotFoundError:
        return False
    return True
