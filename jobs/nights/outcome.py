"""The recorded outcome of a finished job, for programs that wait for it.

Reads the newest done row of `runs` for a job and day; writes nothing.
"""

import json
from datetime import date
from typing import Any

import pyarrow.compute as pc

from jobs.errors import CloutError
from jobs.warehouse import runs
from jobs.warehouse.storage import Warehouse
from schemas.runs import RUNS


def outcome(warehouse: Warehouse, job: str, day: date, **parameters: str) -> dict[str, Any]:
    """`day` (as text), `run` (its id) and the counts of the newest done run of the job and day with these parameters. Raises
    `CloutError` if none is done."""
    done = (pc.field("job") == job) & (pc.field("status") == runs.DONE)
    columns = ["run_id", "parameters", "counts", "started_at"]
    rows = warehouse.read(RUNS, {"day": day}, columns=columns, where=done).sort_by("started_at").to_pylist()
    mine = [row for row in rows if parameters.items() <= json.loads(row["parameters"]).items()]
    if not mine:
        raise CloutError(f"runs {day}: no {job} with {parameters} is done, expected one; see `clout runs --day {day}`")
    return {"day": str(day), "run": mine[-1]["run_id"], **json.loads(mine[-1]["counts"] or "{}")}
