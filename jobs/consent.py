"""people's statements -> consent: records what people agree to, and removes people who no longer agree from published days.

An import, or a change of one person, is one commit of `consent`. Then the published days are changed one by one. If the run
dies in between, the next run changes the remaining days.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from jobs import publish
from jobs.people import applied, consent, legal_basis
from jobs.people.admission import Admission, decide_publication
from jobs.people.applied import Applied
from jobs.warehouse import histories, runs, suppression
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from schemas.table import Table
from schemas.versions import official

JOB = "consent_record"


@dataclass(frozen=True, kw_only=True)
class Params:
    """When (an instant in UTC) and by whom statements are recorded, and how clout learned of them (column `origin` of
    `consent`)."""

    at: datetime
    by: str
    origin: str

    @property
    def today(self) -> date:
        """The UTC day from which a statement counts, unless it names another day."""
        return self.at.date()


def record(warehouse: Warehouse, params: Params, given: Iterable[Mapping[str, Any]], batch: Batch) -> dict[str, float]:
    """Records the rows (as from `jobs.people.consent.row`). Skips rows of people who left, and a row of a file if the person
    made a different statement later than the file's. Returns the count `people`, and the counts of skipped rows, `left` and
    `outdated`. Raises `UsageError` for a row that breaks the rules, before anything is recorded."""
    left = suppression.current(warehouse)
    with runs.recorded(warehouse, JOB, params.today, batch, origin=params.origin) as row:
        row.counts |= {"left": 0, "outdated": 0}

        def count_outdated() -> None:
            row.counts["outdated"] += 1

        def staying() -> Iterator[Mapping[str, Any]]:
            for each in given:
                if each["person_id"] in left:
                    row.counts["left"] += 1
                else:
                    yield each

        timely = consent.timely(warehouse, staying(), count_outdated)
        count = consent.record(warehouse, timely, at=params.at, by=params.by, origin=params.origin, run_id=row.id)
        row.counts["people"] = count
    return row.counts


def record_basis(warehouse: Warehouse, params: Params, reason: str | None, batch: Batch) -> None:
    """Records a legal basis or, if `reason` is None, its end. Raises `UsageError` like `jobs.people.legal_basis.record`."""
    with runs.recorded(warehouse, legal_basis.JOB, params.today, batch, reason=reason) as row:
        legal_basis.record(warehouse, reason, at=params.at, by=params.by, run_id=row.id)


def apply(warehouse: Warehouse, today: date, batch: Batch) -> Iterator[tuple[publish.Params, int]]:
    """Removes people who may not be published on the UTC day `today` from all published days, the newest day first. Yields each
    changed day and the number of people removed. Adds nobody: `clout publish` does that.

    Reads the days of people whose consent changed since the last application, and the days published since then. Reads all days
    if there was no application before, if somebody left, or if a legal basis began or ended."""
    with runs.recorded(warehouse, applied.JOB, today, batch) as row:
        row.inputs |= applied.versions(warehouse)
        admission = decide_publication(warehouse, today)
        since = applied.last(warehouse, today)
        people = applied.taken_out(admission, since) if since else None
        published = _places(warehouse, SCORES, since, people)
        for day, methodology in sorted(published, reverse=True):
            params = publish.Params(day=day, methodology=load(methodology), today=today)
            if withdrawn := publish.withdraw_people(warehouse, params, admission, batch):
                yield params, withdrawn
        _apply_to_changes(warehouse, admission, _places(warehouse, SCORE_CHANGES, since, people), batch)
        histories.remove_wrong_copies(warehouse, run_id=batch.id)
        row.counts["days"] = len(published)


def scored_days(warehouse: Warehouse) -> list[date]:
    """The days, ascending, that are scored under their official methodology: `clout publish` can add people to them."""
    scored = ((date.fromisoformat(place["day"]), place["methodology"]) for place in warehouse.partitions(INFLUENCE))
    return sorted(day for day, methodology in scored if methodology == official(day))


def _places(
    warehouse: Warehouse, table: Table, since: Applied | None, people: set[str] | None
) -> set[tuple[date, str]]:
    """Day and methodology of each partition of the table that may hold somebody who may not be published. `people`: the people
    who may no longer be published; None if that may be anybody."""
    everything = {(date.fromisoformat(place["day"]), place["methodology"]) for place in warehouse.partitions(table)}
    if since is None or people is None:
        return everything
    found = applied.published_since(warehouse, since)
    if people:
        theirs = pc.field("person_id").isin(pa.array(sorted(people), pa.string()))
        rows = warehouse.dataset(table).to_table(columns=["day", "methodology"], filter=theirs)
        found |= {
            (row["day"], row["methodology"]) for row in rows.group_by(["day", "methodology"]).aggregate([]).to_pylist()
        }
    return found & everything


def _apply_to_changes(warehouse: Warehouse, admission: Admission, places: set[tuple[date, str]], batch: Batch) -> None:
    """Removes from these partitions of `score_changes` the people whom `admission` does not admit."""
    version = warehouse.version(SCORE_CHANGES)

    def still(partition: Mapping[str, Any]) -> pa.RecordBatchReader:
        return admission.admitted(warehouse.reader(SCORE_CHANGES, partition, version))

    for day, methodology in sorted(places):
        partition = {"day": day, "methodology": methodology}
        if sum(part.num_rows for part in still(partition)) < warehouse.row_count(SCORE_CHANGES, partition, version):
            warehouse.replace(SCORE_CHANGES, still(partition), partition, run_id=batch.id, job=JOB, version=version)
