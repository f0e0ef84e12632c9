"""Populations: the accounts, repositories or feeds that an operator chose to ask about.

A population is a list in `sources.yaml`, or a file with one member a line: `ACCOUNT<TAB>SINCE<TAB>NOTE`, the last two optional;
`#` begins a comment. SINCE is the first UTC day on which the member is asked. clout never adds a member by itself. A day keeps
the population it was first pulled with, so that a repeated pull gives the same rows.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import orjson

from jobs.errors import CloutError, UsageError
from jobs.files import appearing
from jobs.sources.page import Note

FILE = "population.json"
MOST_LETTERS = 2048


class Member(NamedTuple):
    """One member. `since`: the first UTC day on which it is asked, None for any day."""

    name: str
    since: date | None = None
    note: str | None = None

    def is_asked_on(self, day: date) -> bool:
        """Whether a pull of this day asks it."""
        return self.since is None or self.since <= day


class Population(NamedTuple):
    """The members of one day, in order, and a note on changes since the day pulled before; None if nothing changed."""

    names: tuple[str, ...]
    fingerprint: str
    change: Note | None = None


def read(path: Path) -> tuple[Member, ...]:
    """The members in a file. Raises `UsageError`, which names every wrong line, if the file cannot be read, a day is no day, or
    a member is listed twice."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{path}: expected a population, one account a line: {error}") from error
    members: dict[str, Member] = {}
    faults: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        name, *rest = (part.strip() for part in line.split("\t"))
        if not line.strip() or name.startswith("#"):
            continue
        since, note, *_ = (*rest, "", "")
        try:
            member = Member(name, date.fromisoformat(since) if since else None, note or None)
        except ValueError:
            faults.append(f"line {number}: {since!r} is no day such as 2026-11-03")
            continue
        if name in members:
            faults.append(f"line {number}: {name!r} is listed twice")
        elif not name or len(name) > MOST_LETTERS or not name.isprintable():
            faults.append(f"line {number}: is no name of an account")
        members[name] = member
    if faults:
        raise UsageError(f"{path}: {'; '.join(faults)}")
    return tuple(members.values())


def of_day(folder: Path, day: date, members: Iterable[Member]) -> Population:
    """The population of a day whose recordings are in `folder`. If an earlier pull of the day kept a population, returns that
    one. Else keeps and returns these members, without those whose `since` is later. Raises `CloutError` if the kept population
    is damaged."""
    found = kept(folder)
    if found is None:
        names = tuple(member.name for member in members if member.is_asked_on(day))
        found = Population(names, _fingerprint(names), _change(folder, names))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with appearing(folder / FILE) as part:
            change = found.change.reason if found.change else None
            part.write_bytes(orjson.dumps({"names": names, "change": change}))
    return found


def fingerprint(folder: Path) -> str | None:
    """The fingerprint of the population with which a day was pulled; None if it was pulled without one."""
    found = kept(folder)
    return found.fingerprint if found else None


def kept(folder: Path) -> Population | None:
    """The population with which a day was pulled; None if it was pulled without one. Raises `CloutError` if it is damaged."""
    path = folder / FILE
    try:
        value = orjson.loads(path.read_bytes())
        names, change = tuple(value["names"]), value["change"]
        found = Population(names, _fingerprint(names), Note(change, partial=False) if change else None)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise CloutError(f"{path}: this recording is damaged; remove its folder to ask the platform again") from None
    return found


def _change(folder: Path, names: Sequence[str]) -> Note | None:
    """What changed since the newest earlier day of the same source."""
    earlier = sorted(path.parent for path in folder.parent.glob(f"*/{FILE}") if path.parent.name < folder.name)
    before = kept(earlier[-1]) if earlier else None
    if before is None or set(before.names) == set(names):
        return None
    counts = {"new": len(set(names) - set(before.names)), "gone": len(set(before.names) - set(names))}
    changed = " and ".join(f"{count:,} {word}" for word, count in counts.items() if count)
    return Note(f"the population changed since {earlier[-1].name}: {changed}", partial=False)


def _fingerprint(names: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(sorted(names)).encode(), digest_size=8).hexdigest()
