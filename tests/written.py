"""What a pull left on disk, as the bytes that a reader of each file would see: recordings and tables are compressed."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
from backports import zstd


def contents(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file below the folders, and its content."""
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            yield path, _content(path)


def holding(text: str, *folders: Path) -> list[Path]:
    """The files below the folders whose names or contents hold the text."""
    return [path for path, content in contents(*folders) if text.encode() in content or text in str(path)]


def _content(path: Path) -> bytes:
    if path.suffix == ".zst":
        return zstd.decompress(path.read_bytes())
    if path.suffix == ".parquet":
        rows = pq.ParquetFile(path).read().to_pylist()
        return json.dumps(rows, default=str, ensure_ascii=False).encode()
    return path.read_bytes()
