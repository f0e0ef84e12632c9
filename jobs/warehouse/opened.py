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
    """A table that was opened at its newest version, and the commit that made this version."""

    delta: DeltaTable
    commit: Stat

    def is_at(self, version: int | None, files: fs.FileSystem) -> bool:
        """Whether opening the table at `version` (None: the newest) would give the same table. `files` is the file system
        rooted at the table."""
        commit, following = _commits(self.delta, files)
        if commit != self.commit:  # a repair undid the commit
            return False
        return following == (None, None) if version is None else version == self.delta.version()


def opened(delta: DeltaTable, files: fs.FileSystem) -> Opened:
    """The table, just opened at its newest version."""
    return Opened(delta, _commits(delta, files)[0])


def _commits(delta: DeltaTable, files: fs.FileSystem) -> tuple[Stat, Stat]:
    """The commit of the table's version, and the one that follows it."""
    version = delta.version()
    infos = files.get_file_info([delta_log.commit_name(version), delta_log.commit_name(version + 1)])
    commit, following = ((info.size, info.mtime_ns) for info in infos)
    return commit, following
