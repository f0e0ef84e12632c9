"""runs, scores -> publications: records days that were published before the table `publications` existed.

What `runs` does not record stays null. For such a day, `clout explain` can only recompute the scores to check whether the
current tables still give them.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import pyarrow.compute as pc

from jobs.days import days_between
from jobs.warehouse import digests, publications, runs
from jobs.warehouse.publications import CHANGES, RESTORE, UNPUBLISH, Basis, Publication
from jobs.warehouse.storage import Warehouse
from schemas.methodology import load
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.versions import MethodologyError

JOB = "upgrade"


def record(warehouse: Warehouse) -> int:
    """Writes the rows of every published or withdrawn day that has none, in one commit. Returns the number of rows."""
    known = {(row["methodology"], row["day"]) for row in _keys(warehouse)}
    changes_by_day: dict[tuple[str, date], list[Mapping[str, Any]]] = defaultdict(list)
    scored: dict[str, Mapping[str, Any]] = {}
    finished = warehouse.read(RUNS, {"status": runs.DONE, "job": (*CHANGES, runs.INFLUENCE)}).sort_by("started_at")
    for row in finished.to_pylist():
        run = row | {name: json.loads(row[name] or "{}") for name in ("parameters", "counts", "uncovered_days")}
        key = run["parameters"].get("methodology"), run["day"]
        if run["job"] == runs.INFLUENCE:
            scored[run["run_id"]] = run
        elif key not in known:
            changes_by_day[key].append(run)
    earlier: list[Publication] = []
    for (methodology, day), changes in sorted(changes_by_day.items()):
        *before, newest = _rows(methodology, day, changes, scored)
        earlier += [*before, _as_read(warehouse, newest)]
    if earlier:
        publications.record_earlier(warehouse, earlier, run_id=uuid.uuid4().hex, job=JOB)
    return len(earlier)


def _keys(warehouse: Warehouse) -> list[dict[str, Any]]:
    return warehouse.read(PUBLICATIONS, columns=["methodology", "day"]).to_pylist()


def _rows(
    methodology: str, day: date, changes: Sequence[Mapping[str, Any]], scored: Mapping[str, Mapping[str, Any]]
) -> list[Publication]:
    rows: list[Publication] = []
    for run in changes:
        basis = _basis(methodology, day, scored.get(run["parameters"].get("influence_run", "")))
        if run["job"] == RESTORE and len(rows) > 1:
            basis = rows[-2].basis  # a restore undoes the change before it
        withdrawn = run["job"] == UNPUBLISH
        rows.append(
            Publication(
                **asdict(Basis() if withdrawn else basis), day=day, methodology=methodology, sequence=len(rows) + 1,
                change=run["job"], run_id=run["run_id"], scores_digest=None, replaced_version=None,
                people=0 if withdrawn else int(run["counts"].get("people", 0)), influence=0.0 if withdrawn else None,
                published_at=run["finished_at"], published_by=None,
            )
        )  # fmt: skip
    return rows


def _basis(methodology: str, day: date, scored: Mapping[str, Any] | None) -> Basis:
    if scored is None:
        return Basis()
    try:
        window = [str(day) for day in days_between(load(methodology).first_day(day), day)]
    except MethodologyError:  # its file is gone, so its window is unknown
        return Basis(influence_run=scored["run_id"], code_version=scored["code_version"])
    covered = {
        platform: [day for day in window if day not in missing]
        for platform, missing in scored["uncovered_days"].items()
    }
    return Basis(influence_run=scored["run_id"], covered_days=covered, code_version=scored["code_version"])


def _as_read(warehouse: Warehouse, newest: Publication) -> Publication:
    """The newest row, with people, influence and digest read from its rows of `scores`."""
    partition = {"methodology": newest.methodology, "day": newest.day}
    influence = warehouse.read(SCORES, partition, columns=["influence"])["influence"]
    digest = digests.of_stream(SCORES, warehouse.reader(SCORES, partition))
    return replace(newest, people=len(influence), influence=pc.sum(influence).as_py() or 0.0, scores_digest=digest)
