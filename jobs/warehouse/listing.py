"""The data files of an opened table, as its log lists them. deltalake makes this list anew at each call, so it is kept."""

import weakref

import pyarrow as pa
from deltalake import DeltaTable

_kept: dict[int, tuple[int, pa.Table]] = {}  # id of an opened table -> its version, and its files


def added(delta: DeltaTable) -> pa.Table:
    """One row per data file of the table at the version at which it was opened: `path` below the table's root (as in the log,
    URL-encoded), `size_bytes`, `num_records`, `partition.NAME` of each partition column, and, of each column with statistics,
    `min.NAME`, `max.NAME` and `null_count.NAME`."""
    version = delta.version()
    if id(delta) not in _kept:
        weakref.finalize(delta, _kept.pop, id(delta), None)
    elif _kept[id(delta)][0] == version:
        return _kept[id(delta)][1]
    files = pa.table(delta.get_add_actions(flatten=True))
    _kept[id(delta)] = version, files
    return files
