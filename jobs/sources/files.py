"""The places of a source (paths, folders, patterns, pipes, standard input) -> its files."""

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from jobs.errors import UsageError

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst")
JSON_LINES = tuple(name + packed for name in (".jsonl", ".ndjson", ".json") for packed in ("", *COMPRESSIONS))
STDIN = "/dev/stdin"

_URL = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def existing(places: Sequence[str], suffixes: Sequence[str] = ()) -> list[Path]:
    """The files at these places: `-` is the standard input, a pattern (`RC_*.zst`) the files it matches, a folder its files
    with one of the suffixes, sorted by name, without those that begin with `.`. Raises `UsageError`, which names the place, if
    a place does not exist or holds nothing to read."""
    files: list[Path] = []
    for place in places:
        if _URL.match(place):
            raise UsageError(
                f"{place}: this type reads files only; fetch it first, or give `-` and its content:"
                f" `curl -fsSL {place} | clout pull ... --source TYPE=-`"
            )
        path = Path(STDIN if place == "-" else place).expanduser()
        matched = [path] if path.exists() else sorted(map(Path, glob.glob(str(path), recursive=True)))
        if not matched:
            raise UsageError(f"{path}: no such file; give the path of a file or folder that exists")
        for match in matched:
            files += _in_folder(match, suffixes) if match.is_dir() else [match]
    return list(dict.fromkeys(files))


def _in_folder(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    found = sorted(
        path
        for path in folder.iterdir()
        if path.name.endswith(tuple(suffixes)) and not path.name.startswith(".") and path.is_file()
    )
    if not found:
        raise UsageError(f"{folder}: no file with one of {', '.join(suffixes)} in this folder")
    return found
