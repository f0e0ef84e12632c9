"""influence -> scores: makes a checked day visible, withdraws it, or brings back what was published before.

Each is one commit on (methodology, day) of `scores` that touches nothing else, and after it a row of `restatements` where
the day was published before. Also keeps `methodologies` in step.
"""

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs import checks, restatements, runs
from jobs.errors import CloutError
from jobs.influence import refuse_changed_methodology
from jobs.restatements import PUBLISH, RESTORE, UNPUBLISH
from jobs.runs import Batch, Run
from jobs.storage import Warehouse, rows
from schemas.influence import INFLUENCE
from schemas.methodologies import METHODOLOGIES
from schemas.methodology import Methodology, in_force
from schemas.runs import RUNS
from schemas.scores import SCORES


class NotPublishedError(CloutError):
    """There is nothing to publish, to withdraw or to bring back."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The partition to publish or to withdraw."""

    day: date
    methodology: Methodology

    @property
    def partition(self) -> dict[str, Any]:
        return {"methodology": self.methodology.version, "day": self.day}

    def __str__(self) -> str:
        return f"{self.day} ({self.methodology.version})"


def may_be_published(people: pa.RecordBatch) -> pa.BooleanArray:
    """Who of these rows of `influence` may be seen in public. Consent is not applied: everybody, for internal use only."""
    return pa.repeat(pa.scalar(True), people.num_rows)


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Copies the rows of those who may be published, unchanged. Raises unless the newest checks of the day passed and
    nothing was written to it since."""
    with runs.recorded(warehouse, PUBLISH, params.day, batch, methodology=params.methodology.version) as row:
        refuse_changed_methodology(warehouse, params.methodology)
        version, row.parameters["influence_run"] = _checked(warehouse, params)
        row.inputs[INFLUENCE.name] = version
        people = warehouse.reader(INFLUENCE, params.partition, version)
        admitted = (people_read.filter(may_be_published(people_read)) for people_read in people)
        _write_methodologies(warehouse, params.methodology, row)
        _replace(warehouse, pa.RecordBatchReader.from_batches(people.schema, admitted), params, row)
        row.counts["people"] = warehouse.row_count(SCORES, params.partition)
    return row.counts


def unpublish(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Withdraws a published day; `influence` keeps it."""
    with runs.recorded(warehouse, UNPUBLISH, params.day, batch, methodology=params.methodology.version) as row:
        row.counts["people"] = warehouse.row_count(SCORES, params.partition)
        if not row.counts["people"]:
            raise NotPublishedError(f"scores {params}: not published, so there is nothing to withdraw")
        _replace(warehouse, rows(SCORES, []), params, row)
    return row.counts


def restore(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Undoes the newest change of the day's scores: what was published before it is published again."""
    with runs.recorded(warehouse, RESTORE, params.day, batch, methodology=params.methodology.version) as row:
        refuse_changed_methodology(warehouse, params.methodology)
        newest = next(warehouse.commits(SCORES, params.partition), None)
        if newest is None:
            raise NotPublishedError(f"scores {params}: never published, so there is nothing to bring back")
        version = row.inputs[SCORES.name] = newest.version - 1
        try:
            before = warehouse.reader(SCORES, params.partition, version).read_all()
        except FileNotFoundError as error:
            raise NotPublishedError(
                f"scores {params}: the files of what was published before are gone (vacuum, erasure); run the day again"
            ) from error
        if not before.num_rows:
            raise NotPublishedError(f"scores {params}: nothing was published before the newest {newest.job}")
        _replace(warehouse, before, params, row)
        row.counts["people"] = before.num_rows
    return row.counts


def _replace(warehouse: Warehouse, people: pa.Table | pa.RecordBatchReader, params: Params, row: Run) -> None:
    """These are the day's scores from now on, and `restatements` tells what that changed."""
    restatements.tell(warehouse, params.methodology, params.day)  # what a run changed that died before it told so
    runs.write(warehouse, [row], runs.STARTED)  # with what it read, so that this change can be told should it die too
    warehouse.replace(SCORES, people, params.partition, run_id=row.id, job=row.job)
    restatements.tell(warehouse, params.methodology, params.day)


def _checked(warehouse: Warehouse, params: Params) -> tuple[int, str]:
    """Version of `influence` at which this partition passed its checks, and the run that wrote it. Raises unless that is
    how it stands now."""
    asked, partition = pc.field("job") == checks.JOB, {"day": params.day}
    columns = ["parameters", "inputs", "status", "started_at"]
    made = [
        row
        for row in warehouse.read(RUNS, partition, columns=columns, where=asked).sort_by("started_at").to_pylist()
        if json.loads(row["parameters"])["methodology"] == params.methodology.version
    ]
    written = next(warehouse.commits(INFLUENCE, params.partition), None)
    version = json.loads(made[-1]["inputs"]).get(INFLUENCE.name, -1) if made and made[-1]["status"] == runs.DONE else -1
    if written is None or version < written.version:
        raise NotPublishedError(
            f"influence {params}: not checked, or its checks failed; nothing published. Run `clout checks --day {params.day}`"
        )
    return version, written.run_id


def _write_methodologies(warehouse: Warehouse, published: Methodology, row: Run) -> None:
    """One row per version that has scores: when it is official comes from `in_force.yaml`."""
    known = {found["version"]: found for found in warehouse.read(METHODOLOGIES).to_pylist()}
    wanted = {version: found["fingerprint"] for version, found in known.items()}
    wanted[published.version] = published.fingerprint
    days = {entry.version: entry for entry in in_force()}
    stated = [
        {
            "version": version,
            "fingerprint": fingerprint,
            "in_force_from": days[version].first_day if version in days else None,
            "in_force_to": days[version].last_day if version in days else None,
        }
        for version, fingerprint in sorted(wanted.items())
    ]
    for entry in stated:
        if entry != known.get(entry["version"]):
            found = rows(METHODOLOGIES, [entry])
            partition = {"version": entry["version"]}
            warehouse.replace_bookkeeping(METHODOLOGIES, found, partition, run_id=row.id, job=PUBLISH)
