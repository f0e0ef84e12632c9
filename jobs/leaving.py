"""Forgets a person: suppresses them from now on, erases them from every table, recording and replaced file, and proves by a
search of every byte that they are gone.

Each step can be repeated, so the same command continues a run that was killed. No other command may write at the same time."""

import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jobs import __version__, consent
from jobs.errors import CloutError, UsageError
from jobs.people import byte_search, erasure, holdings
from jobs.people.byte_search import Searched, Sought
from jobs.places import landing
from jobs.sources import suppressed_recordings
from jobs.warehouse import leavers, object_files, runs, suppression, suppression_journal
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE


class TracesError(CloutError):
    """The warehouse still names people who left."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """Who leaves (`people`: each person_id of theirs), further `names` by which they are known, and when (an instant in UTC).
    Raises `UsageError` if an entry of `people` is no person_id."""

    people: tuple[str, ...]
    names: tuple[str, ...] = ()
    at: datetime

    def __post_init__(self) -> None:
        erasure.by_platform(self.people)


def forget(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, Any]:
    """Forgets the people. Returns the certificate: what was removed and searched. Raises `TracesError`, which names tables
    and columns but no person, if a trace is left."""
    hashes = suppression.hashes_of(warehouse, params.people)
    with runs.recorded(warehouse, leavers.FORGET, params.at.date(), batch, **{leavers.PEOPLE: hashes}) as row:
        known = erasure.handles(warehouse, params.people)
        known |= {f"{platform}:{name}" for platform in erasure.by_platform(params.people) for name in params.names}
        suppression.record(warehouse, [*params.people, *sorted(known)], at=params.at, run_id=row.id)
        return _erased(warehouse, params, known, batch, row)


def replay(warehouse: Warehouse, journal: Path, at: datetime, batch: Batch) -> dict[str, Any]:
    """Forgets again the people in the journal whom a restored backup brought back. Returns the certificate like `forget`.
    Raises as `forget` does, and `UsageError` if the journal holds nobody of this warehouse."""
    with runs.recorded(warehouse, leavers.FORGET, at.date(), batch) as row:
        given = suppression_journal.read(warehouse, journal)
        if not given:
            raise UsageError(f"{journal}: holds nobody who left this warehouse or the one of which it is a copy")
        row.counts["replayed"] = suppression.replay(warehouse, given, run_id=row.id)
        people = erasure.people_of(warehouse, suppression.current(warehouse))
        params = Params(people=tuple(people), at=at)
        return _erased(warehouse, params, erasure.handles(warehouse, people), batch, row)


def _erased(warehouse: Warehouse, params: Params, known: set[str], batch: Batch, row: Run) -> dict[str, Any]:
    """Erases people who are suppressed, and proves it. `known`: their handles as `platform:handle`. Returns the certificate."""
    left = suppression.current(warehouse)
    leavers.record(warehouse, row, erasure.days_of(warehouse, params.people))
    withdrawn = sum(count for _, count in consent.apply(warehouse, params.at.date(), batch))
    recorded = _forget_recordings(warehouse, params.people, left)
    erased = dict(erasure.erase(warehouse, params.people, known, left, row.id))
    texts = erased.pop(erasure.TEXTS)
    files = erasure.purge(warehouse)
    sought = holdings.sought(warehouse, params.people, known)
    searched, traces = _search(warehouse, sought)
    row.counts |= {"people": len(params.people), "rows": sum(erased.values()), "files": searched.files}
    if traces:
        raise TracesError(
            f"{len(traces)} traces are left: {'; '.join(traces)}. Run the same command again; if they stay, see"
            " infra/runbooks/leaving.md"
        )
    if searched.unreadable:
        raise TracesError(
            f"{len(searched.unreadable)} files cannot be read, so nobody knows whom they name: "
            f"{'; '.join(map(str, searched.unreadable))}. Repair or remove them, then run the same command again"
        )
    leavers.close(warehouse, row)
    return {
        "at": params.at,
        "code_version": __version__,
        "published_rows_withdrawn": withdrawn,
        "recorded_items_removed": recorded,
        "rows_removed": erased,
        "texts_changed": texts,
        "replaced_files_deleted": files,
        "files_searched": searched.files,
        "bytes_searched": searched.bytes,
        "traces": 0,
        "searched_for": {
            left.hash_of(name): byte_search.how(name.partition(":")[2]) for name in sorted({*params.people, *known})
        },
        "also_searched_for": "each person_id, everywhere",
        "what_stays": "a keyed hash of each id and name in the table `suppressed`, which names nobody without the key",
    }


def _forget_recordings(warehouse: Warehouse, people: Sequence[str], left: suppression.Suppressed) -> int:
    """Rewrites all recordings without the people who left. Looks in a recording for ids of the platforms that `coverage` names
    for its source and day; if `coverage` names none, because the pull failed, for ids of every platform. Removes whole
    recordings in which a person's id is too short to be recognized. Returns the number of removed items, pages and
    recordings."""
    root = landing(warehouse.root)
    if not root.exists():
        return 0
    short = {root / place["source"] / str(place["day"]) for place in erasure.short_places(warehouse, people)}
    removed = [folder for folder in sorted(short) if folder.exists()]
    for folder in removed:
        shutil.rmtree(folder)
    for left_over in root.rglob("*.part"):  # by a killed pull
        left_over.unlink()
    platforms: dict[Path, set[str]] = defaultdict(set)
    everywhere = set(erasure.by_platform(people))
    for place in warehouse.read(COVERAGE, columns=["source", "day", "platform"]).to_pylist():
        platforms[root / place["source"] / str(place["day"])].add(place["platform"])
        everywhere.add(place["platform"])
    return len(removed) + sum(
        suppressed_recordings.rewrite(folder, platform, left)
        for folder in sorted(root.glob("*/????-??-??"))
        for platform in platforms.get(folder, everywhere)
    )


def _search(warehouse: Warehouse, sought: Sought) -> tuple[Searched, list[str]]:
    """What was searched, and where a person is still named."""
    searched, named = Searched(), []
    for folder in _folders(warehouse):
        for trace in byte_search.traces(folder, sought, searched):
            named.append(f"{trace.path.relative_to(folder).parts[0]} ({trace.place})")
    return searched, named


def _folders(warehouse: Warehouse) -> Iterator[Path]:
    """The folders that together hold all tables and recordings. For an object store, these are copies of its objects."""
    if warehouse.is_local:
        yield Path(warehouse.root)
    else:
        if (recordings := landing(warehouse.root)).exists():
            yield recordings
        yield from object_files.copies(warehouse.root)
