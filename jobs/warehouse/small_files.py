"""The small data files of a warehouse in an object store, each read once per process, in one request.

Tables such as `runs` and `coverage` have a small file for each day, and several jobs of a night read the days of the whole
window. Arrow would read a file in at least two requests, each time. A data file never changes, so its bytes can be kept.
"""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from urllib.parse import unquote

import pyarrow as pa
from deltalake.fs import DeltaStorageHandler

from jobs.warehouse import pruning

SMALL_BYTES = 2**16
KEPT_BYTES = 2**26
READ_AT_ONCE = 16  # a request takes long and moves little

_kept: dict[tuple[str, str], bytes] = {}  # by table and path, the oldest first
_keeping = Lock()


def _after_fork() -> None:
    global _keeping
    _keeping = Lock()


os.register_at_fork(after_in_child=_after_fork)


def contents(table: str, chosen: pa.Table, options: dict[str, str] | None) -> dict[str, bytes]:
    """Path in the log -> content of each small file of the table at this URL; empty if they have more than `KEPT_BYTES`
    together. `chosen` holds files as `pruning.files` returns them; `options` are deltalake's. Raises `GoneError` if a file is
    missing."""
    files = zip(chosen["path"].to_pylist(), chosen["size_bytes"].to_pylist(), strict=True)
    small = {path: size for path, size in files if size <= SMALL_BYTES}
    if sum(small.values()) > KEPT_BYTES:
        return {}
    with _keeping:
        found = {path: _kept[table, path] for path in small if (table, path) in _kept}
    if missing := {path: size for path, size in small.items() if path not in found}:
        read = _read(table, missing, options)
        _keep({(table, path): content for path, content in read.items()})
        found |= read
    return found


def _keep(files: Mapping[tuple[str, str], bytes]) -> None:
    with _keeping:
        _kept.update(files)
        surplus = sum(map(len, _kept.values())) - KEPT_BYTES
        while surplus > 0:
            surplus -= len(_kept.pop(next(iter(_kept))))


def _read(table: str, files: Mapping[str, int], options: dict[str, str] | None) -> dict[str, bytes]:
    """Path -> content of the files, which are given with their sizes. Unlike Arrow, deltalake need not ask for a size first."""
    sizes = {unquote(path): size for path, size in files.items()}
    handler = DeltaStorageHandler(table, options, sizes)

    def content(path: str) -> bytes:
        try:
            with handler.open_input_file(path) as opened:
                return opened.read()
        except FileNotFoundError as error:
            raise pruning.missing(table, path) from error

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        return dict(zip(files, pool.map(content, sizes), strict=True))
