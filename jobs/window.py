"""The days a score stands on: which are covered, and which must be counted before it is computed.

A day's count in `engagement` is fresh if it was made from the files that `activity` holds for the day now. A scoring run
counts every day of its window that is not, so a score depends on what was pulled and not on the order of runs.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs import runs
from jobs.commits import Span
from jobs.storage import Warehouse
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.runs import RUNS
from schemas.table import Table


def days_between(first_day: date, last_day: date) -> list[date]:
    """Both ends included."""
    return [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]


def spans(days: Sequence[date]) -> str:
    """Ascending days, those in a row as first..last."""
    found: list[list[date]] = []
    for day in days:
        if found and day - found[-1][-1] == timedelta(days=1):
            found[-1] = [found[-1][0], day]
        else:
            found.append([day])
    return ",".join("..".join(map(str, span)) for span in found)


def covered_days(
    warehouse: Warehouse, first_day: date, last_day: date, version: int | None = None
) -> dict[str, set[date]]:
    """Platform -> its days with a coverage row, at a version of `coverage` if one is given."""
    found: dict[str, set[date]] = defaultdict(set)
    window = {"day": Span(first_day, last_day)}
    found_rows = warehouse.read(COVERAGE, window, columns=["platform", "day"], version=version)
    for row in found_rows.to_pylist():
        found[row["platform"]].add(row["day"])
    return dict(found)


def uncovered_days(covered: Mapping[str, set[date]], first_day: date, last_day: date) -> dict[str, list[str]]:
    """Platform -> days of the window on which nothing of it could arrive, for the manifest."""
    window = days_between(first_day, last_day)
    return {platform: [str(day) for day in window if day not in there] for platform, there in sorted(covered.items())}


def activity_fingerprints(warehouse: Warehouse, version: int) -> dict[date, str]:
    """Day -> digest of the names of the files that hold its activity; names are never used twice."""
    return {day: _digest(paths) for day, paths in _files_by_day(warehouse, ACTIVITY, version).items()}


def accounts_fingerprint(warehouse: Warehouse, version: int, last_day: date) -> str:
    """As `activity_fingerprints`: one digest for all that was observed of accounts up to `last_day`."""
    files = _files_by_day(warehouse, ACCOUNTS, version)
    return _digest([path for day, paths in files.items() if day <= last_day for path in paths])


def _files_by_day(warehouse: Warehouse, table: Table, version: int) -> dict[date, list[str]]:
    files = pa.table(warehouse.delta(table, version).get_add_actions(flatten=True)).select(["partition.day", "path"])
    by_day: dict[date, list[str]] = defaultdict(list)
    for file in files.to_pylist():
        by_day[file["partition.day"]].append(file["path"])
    return by_day


def _digest(paths: list[str]) -> str:
    return hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest()


def counted_files(
    warehouse: Warehouse, first_day: date, last_day: date, until: datetime | None = None
) -> dict[date, str]:
    """Day -> digest of the files of activity from which it was last counted, of all counts or those done by an instant."""
    done = (pc.field("job") == "engagement") & (pc.field("status") == runs.DONE)
    if until is not None:
        done = done & (pc.field("finished_at") <= until)
    columns, window = ["day", "parameters", "finished_at"], {"day": Span(first_day, last_day)}
    found = warehouse.read(RUNS, window, columns=columns, where=done).sort_by("finished_at")
    return {row["day"]: json.loads(row["parameters"])["activity_files"] for row in found.to_pylist()}


def stale_days(warehouse: Warehouse, fingerprints: Mapping[date, str], first_day: date, last_day: date) -> list[date]:
    """Days that hold activity, or did when they were counted, and were not counted as it is now."""
    counted = counted_files(warehouse, first_day, last_day)
    return [day for day in days_between(first_day, last_day) if counted.get(day, "") != fingerprints.get(day, "")]
