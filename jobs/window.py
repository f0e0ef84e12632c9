"""The days a score stands on: which are covered, and which must be counted before it is computed.

A day's count in `engagement` is fresh if it was made from the files that `activity` holds for the day now. A scoring run
counts every day of its window that is not, so a score depends on what was pulled and not on the order of runs.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from jobs import runs
from jobs.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.runs import RUNS


def days_between(first_day: date, last_day: date) -> list[date]:
    """Both ends included."""
    return [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]


def covered_days(warehouse: Warehouse, first_day: date, last_day: date) -> dict[str, set[date]]:
    """Platform -> its days with a coverage row."""
    found: dict[str, set[date]] = defaultdict(set)
    in_window = (pc.field("day") >= first_day) & (pc.field("day") <= last_day)
    for row in warehouse.read(COVERAGE, columns=["platform", "day"], where=in_window).to_pylist():
        found[row["platform"]].add(row["day"])
    return dict(found)


def uncovered_days(covered: Mapping[str, set[date]], first_day: date, last_day: date) -> dict[str, list[str]]:
    """Platform -> days of the window on which nothing of it could arrive, for the manifest."""
    window = days_between(first_day, last_day)
    return {platform: [str(day) for day in window if day not in there] for platform, there in sorted(covered.items())}


def activity_fingerprints(warehouse: Warehouse, version: int) -> dict[date, str]:
    """Day -> digest of the names of the files that hold its activity; names are never used twice."""
    files = pa.table(warehouse.delta(ACTIVITY, version).get_add_actions(flatten=True)).select(["partition.day", "path"])
    by_day: dict[date, list[str]] = defaultdict(list)
    for file in files.to_pylist():
        by_day[file["partition.day"]].append(file["path"])
    return {day: hashlib.sha256("\n".join(sorted(paths)).encode()).hexdigest() for day, paths in by_day.items()}


def stale_days(warehouse: Warehouse, fingerprints: Mapping[date, str], first_day: date, last_day: date) -> list[date]:
    """Days that hold activity, or did when they were counted, and were not counted as it is now."""
    counted: dict[date, str] = {}
    done = (
        (pc.field("job") == "engagement")
        & (pc.field("status") == runs.DONE)
        & (pc.field("day") >= first_day)
        & (pc.field("day") <= last_day)
    )
    for row in (
        warehouse.read(RUNS, columns=["day", "parameters", "finished_at"], where=done)
        .sort_by("finished_at")
        .to_pylist()
    ):
        counted[row["day"]] = json.loads(row["parameters"])["activity_files"]
    return [day for day in days_between(first_day, last_day) if counted.get(day, "") != fingerprints.get(day, "")]
