"""The files of a warehouse in an object store."""

import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler
from pyarrow import fs

from jobs import object_store
from jobs.warehouse import pruning, store_requests
from jobs.warehouse.opened import Opened


def deltalake_options(root: str) -> dict[str, str] | None:
    """Options of deltalake for a warehouse at `root`; None unless it is in an object store. Raises like
    `object_store.endpoint`."""
    return object_store.delta_options(store_requests.proxy()) if object_store.is_s3(root) else None


def file_system(root: str) -> fs.FileSystem:
    """The file system rooted at the URL. For S3 it is Arrow's own: threads of Arrow may outlive Python, and those that call
    deltalake's file system, which is written in Python, would then crash the process."""
    if object_store.is_s3(root):
        return fs.SubTreeFileSystem(root.removeprefix(object_store.S3), _client(**object_store.arrow_settings()))
    return movable(root, None)


def movable(root: str, options: dict[str, str] | None) -> fs.FileSystem:
    """The file system rooted at the URL, to move and delete files. Arrow's own would leave an empty object in place of each
    folder. `options` are deltalake's, for the store."""
    return fs.PyFileSystem(DeltaStorageHandler(root, options))


@cache
def _client(**settings: str) -> fs.FileSystem:
    store_requests.report()
    return fs.S3FileSystem(
        **settings,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=object_store.ATTEMPTS),
        allow_delayed_open=True,  # one PUT instead of three requests for a small file
    )


def make_folder(files: fs.FileSystem, folder: str) -> None:
    """Makes a folder, unless the files are in an object store, which has none."""
    base = files.base_fs if isinstance(files, fs.SubTreeFileSystem) else files
    if not isinstance(base, fs.S3FileSystem):
        files.create_dir(folder)


def files_fault(table: str, chosen: pa.Table, delta: DeltaTable, newest: Opened | None) -> str | None:
    """The fault of the first missing file of the opened table, or None. `table` is the table's URL. Asks the store only for
    files that the newest version does not name, because only these are ever removed. `chosen` has a column `path`, as in the
    log."""
    if newest and delta is newest.delta:
        return None
    named = set(pruning.files(newest.delta)["path"].to_pylist()) if newest else set()
    replaced = sorted(set(chosen["path"].to_pylist()) - named)
    for info in file_system(table).get_file_info([unquote(path) for path in replaced]):
        if info.type == fs.FileType.NotFound:
            return f"{table}/{info.path}: this file of the table is missing"
    return None


def copies(root: str) -> Iterator[Path]:
    """Yields a folder for each object below the URL, with a copy of this object alone at its path below the URL. Removes the
    folder before the next one, so that the disk holds one object at a time."""
    files = file_system(root)
    for info in files.get_file_info(fs.FileSelector("", recursive=True)):
        if info.type != fs.FileType.File:
            continue
        with TemporaryDirectory(prefix="clout-") as folder:
            path = Path(folder, info.path)
            path.parent.mkdir(parents=True, exist_ok=True)
            with files.open_input_stream(info.path) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
            yield Path(folder)
