"""Filters recordings: rewrites each recorded page without the items about people who left. Idempotent."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import orjson
from backports import zstd

from jobs import claims
from jobs.errors import CloutError
from jobs.files import appearing
from jobs.sources.live import population, recording
from jobs.sources.live.recording import FAILED, Recording
from jobs.warehouse.suppression import Suppressed


def rewrite(folder: Path, platform: str, left: Suppressed) -> int:
    """Rewrites the recordings of one day of one source. Returns the number of items, pages and names removed or changed.
    Removes items about people who left. In other items, such as what others did in their repositories, a token replaces the
    name. Removes all pages of a unit that is about somebody who left, or that is unfinished and would continue with their
    name."""
    units: dict[str, list[Path]] = defaultdict(list)
    for page in sorted(folder.glob(f"*{recording.SUFFIX}")):
        units[unquote(page.name.removesuffix(recording.SUFFIX).rpartition(".")[0])].append(page)
    removed = sum(_rewrite_unit(unit, pages, platform, left) for unit, pages in units.items())
    return (
        removed + _rewrite_population(folder / population.FILE, platform, left) + _rewrite_lists(folder, platform, left)
    )


def _rewrite_unit(unit: str, pages: list[Path], platform: str, left: Suppressed) -> int:
    """Writes pages under the unit's new name before it removes the old ones, so that the next run can repeat a run that dies in
    between."""
    read = [_lines(page) for page in pages]
    renamed = left.name_without(platform, unit)
    last = read[-1][-1]
    is_done = orjson.loads(last)[recording.CURSOR]["done"]
    goes_on = not is_done and (renamed != unit or left.is_named(platform, last))
    if renamed is None or goes_on or left.is_about(platform, last):
        for page in reversed(pages):  # the last first, so that a run that dies in between leaves the beginning
            page.unlink(missing_ok=True)
        return len(pages)
    changed = 0
    for number, (page, (*items, cursor)) in enumerate(zip(pages, read, strict=True)):
        claiming = [_unclaimed(item, left) for item in items]
        kept = [left.without(platform, item) for item in claiming if not left.is_about(platform, item)]
        lines = [*kept, left.without(platform, cursor)]
        changed += len(set(items) - set(kept))
        if lines != [*items, cursor] or renamed != unit:
            with appearing(Recording(page.parent, renamed).page(number)) as part:
                part.write_bytes(zstd.compress(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")))
    if renamed != unit:
        for page in pages:
            page.unlink()
    return changed


def _unclaimed(item: str, left: Suppressed) -> str:
    """The item without the claims that name people who left, whichever their platform."""
    if '"claims"' not in item:
        return item

    def kept(value: dict[str, Any]) -> dict[str, Any]:
        claimed = value.get("claims")
        return value | {"claims": claims.without(claimed, left)} if isinstance(claimed, list) else value

    new, old = (json.loads(item, object_hook=hook) for hook in (kept, None))
    return item if new == old else json.dumps(new, separators=(",", ":"))


def _lines(page: Path) -> list[str]:
    try:
        lines = zstd.decompress(page.read_bytes()).decode("utf-8", "surrogateescape").split("\n")
        orjson.loads(lines[-2])[recording.CURSOR]
    except (ValueError, LookupError, TypeError, zstd.ZstdError):
        raise CloutError(f"{page}: this recording is damaged; remove its folder, then try again") from None
    return lines[:-1]


def _rewrite_population(path: Path, platform: str, left: Suppressed) -> int:
    if not path.exists():
        return 0
    value = orjson.loads(path.read_bytes())
    names = [left.name_without(platform, name) for name in value["names"]]
    changed = sum(new != old for new, old in zip(names, value["names"], strict=True))
    if changed:
        with appearing(path) as part:
            part.write_bytes(orjson.dumps(value | {"names": [name for name in names if name is not None]}))
    return changed


def _rewrite_lists(folder: Path, platform: str, left: Suppressed) -> int:
    """Rewrites the day's files that have one name a line. Removes the list of failed units if it names somebody who left,
    because the list decides only their order."""
    removed = 0
    failed = folder / FAILED
    if failed.exists() and left.is_named(platform, failed.read_text(encoding="utf-8", errors="backslashreplace")):
        failed.unlink()
        removed += 1
    for path in folder.glob("*.txt"):
        lines = path.read_text().splitlines()
        kept = [line for line in lines if left.name_without(platform, line) == line]
        if len(kept) < len(lines):
            removed += len(lines) - len(kept)
            with appearing(path) as part:
                part.write_text("".join(f"{line}\n" for line in kept))
    return removed
