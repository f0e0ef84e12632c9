"""The changelog of contracts: what changed between two dictionaries, column by column.

`python -m schemas.dictionary` compares the dictionary it replaces with the one it writes, and appends the difference to
`CHANGES.md`. A reworded doc is not a change of a contract.
"""

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple

CHANGES = Path(__file__).parent / "CHANGES.md"

_SECTION = re.compile(r"^## (\w+)$(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r"^\| `(\w+)` \| (\w+) \| (yes|no) \|", re.MULTILINE)


class Change(NamedTuple):
    """One row of the changelog. `column` is empty if a whole table was added or removed."""

    table: str
    operation: str
    column: str = ""


def tables(dictionary: str) -> dict[str, dict[str, tuple[str, bool]]]:
    """Table -> column -> (type, nullable), read from a dictionary's text."""
    return {
        table: {name: (kind, null == "yes") for name, kind, null in _COLUMN.findall(section)}
        for table, section in _SECTION.findall(dictionary)
    }


def between(before: str, after: str) -> list[Change]:
    """What changed from one dictionary's text to the other's, by table and column in their order."""
    old, new = tables(before), tables(after)
    changed = [Change(table, "table added") for table in new if table not in old]
    changed += [Change(table, "table removed") for table in old if table not in new]
    for table in (name for name in new if name in old):
        was, now = old[table], new[table]
        changed += [Change(table, "added", name) for name in now if name not in was]
        changed += [Change(table, "removed", name) for name in was if name not in now]
        for name in (name for name in now if name in was and was[name] != now[name]):
            (old_type, old_null), (new_type, new_null) = was[name], now[name]
            if old_type != new_type:
                changed.append(Change(table, f"type {old_type} -> {new_type}", name))
            if old_null != new_null:
                changed.append(Change(table, "nullable" if new_null else "not null", name))
    return changed


def rows(changed: Iterable[Change], on: date) -> str:
    """Lines of the changelog's table."""
    return "".join(
        f"| {on} | `{each.table}` | {each.operation} | {f'`{each.column}`' if each.column else ''} |\n"
        for each in changed
    )
