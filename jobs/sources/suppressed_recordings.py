"""Takes people who left out of recordings: rewrites each recorded page without the items that name them. Idempotent."""

from collections import defaultdict
from pathlib import Path
from urllib.parse import unquote

import orjson
from backports import zstd

from jobs.errors import CloutError
from jobs.files import appearing
from jobs.sources.live import population, recording
from jobs.sources.live.recording import FAILED
from jobs.warehouse.suppression import Suppressed


def rewrite(folder: Path, platform: str, left: Suppressed) -> int:
    """Rewrites the recordings of one day of one source. Returns the number of items, pages and names removed. If a unit or one
    of its cursors names who left, all its pages go: the next pull of the day asks about it anew."""
    units: dict[str, list[Path]] = defaultdict(list)
    for page in sorted(folder.glob(f"*{recording.SUFFIX}")):
        units[unquote(page.name.removesuffix(recording.SUFFIX).rpartition(".")[0])].append(page)
    removed = sum(_rewrite_unit(unit, pages, platform, left) for unit, pages in units.items())
    return (
        removed + _rewrite_population(folder / population.FILE, platform, left) + _rewrite_lists(folder, platform, left)
    )


def _rewrite_unit(unit: str, pages: list[Path], platform: str, left: Suppressed) -> int:
    removed = 0
    for page in pages:
        try:
            *items, cursor = zstd.decompress(page.read_bytes()).splitlines()
        except (ValueError, zstd.ZstdError):
            raise CloutError(f"{page}: this recording is damaged; remove its folder, then try again") from None
        if left.is_named(platform, unit) or left.is_named(platform, _text(cursor)):
            for each in reversed(pages):  # the last first, so that a run that dies in between leaves the beginning
                each.unlink(missing_ok=True)
            return len(pages)
        kept = [item for item in items if not left.is_named(platform, _text(item))]
        if len(kept) < len(items):
            removed += len(items) - len(kept)
            with appearing(page) as part:
                part.write_bytes(zstd.compress(b"\n".join([*kept, cursor]) + b"\n"))
    return removed


def _rewrite_population(path: Path, platform: str, left: Suppressed) -> int:
    if not path.exists():
        return 0
    value = orjson.loads(path.read_bytes())
    names = [name for name in value["names"] if not left.is_named(platform, name)]
    removed = len(value["names"]) - len(names)
    if removed:
        with appearing(path) as part:
            part.write_bytes(orjson.dumps(value | {"names": names}))
    return removed


def _rewrite_lists(folder: Path, platform: str, left: Suppressed) -> int:
    """Rewrites files with a name a line. Removes the list of units that failed, which decides only their order."""
    removed = 0
    failed = folder / FAILED
    if failed.exists() and left.is_named(platform, _text(failed.read_bytes())):
        failed.unlink()
        removed += 1
    for path in folder.glob("*.txt"):
        lines = path.read_text().splitlines()
        kept = [line for line in lines if not left.is_named(platform, line)]
        if len(kept) < len(lines):
            removed += len(lines) - len(kept)
            with appearing(path) as part:
                part.write_text("".join(f"{line}\n" for line in kept))
    return removed


def _text(line: bytes) -> str:
    return line.decode("utf-8", "backslashreplace")
