"""people's word -> consent: records what people agree to, and takes people who no longer agree out of every published day.

An import or a change of one person is one commit of `consent`. Published days follow, day by day; a run that dies in between
leaves days for the next one.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import pyarrow as pa

from jobs import publish
from jobs.people import consent, legal_basis
from jobs.people.admission import Admission, decide_publication
from jobs.warehouse import histories, runs, suppression
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.methodology import load
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES

JOB = "consent_record"


@dataclass(frozen=True, kw_only=True)
class Params:
    """When (an instant in UTC), by whom and how a word was given: see `origin` of the table `consent`."""

    at: datetime
    by: str
    origin: str

    @property
    def today(self) -> date:
        """The UTC day from which the word counts, unless it names another."""
        return self.at.date()


def record(warehouse: Warehouse, params: Params, given: Iterable[Mapping[str, Any]], batch: Batch) -> dict[str, float]:
    """Records the rows (as from `jobs.people.consent.row`), but nothing of people who left, and no word of a file that is older
    than another word of the person. Returns the counts `people`, `left` and `outdated`. Raises `UsageError` for a row that
    breaks the rules, before anything is recorded."""
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
    """Takes people who may not be published on the UTC day `today` out of all published days, the newest day first. Yields each
    changed day and the number of people taken out. Nobody is added: `clout publish` does that."""
    admission = decide_publication(warehouse, today)
    published = [(date.fromisoformat(place["day"]), place["methodology"]) for place in warehouse.partitions(SCORES)]
    for day, methodology in sorted(published, reverse=True):
        params = publish.Params(day=day, methodology=load(methodology), today=today)
        if withdrawn := publish.withdraw_people(warehouse, params, admission, batch):
            yield params, withdrawn
    _apply_to_changes(warehouse, admission, batch)
    histories.remove_wrong_copies(warehouse, run_id=batch.id)


def _apply_to_changes(warehouse: Warehouse, admission: Admission, batch: Batch) -> None:
    """Takes these people out of `score_changes` too."""
    version = warehouse.version(SCORE_CHANGES)

    def still(partition: Mapping[str, Any]) -> pa.RecordBatchReader:
        return admission.admitted(warehouse.reader(SCORE_CHANGES, partition, version))

    for place in warehouse.partitions(SCORE_CHANGES):
        partition = place | {"day": date.fromisoformat(place["day"])}
        if sum(part.num_rows for part in still(partition)) < warehouse.row_count(SCORE_CHANGES, partition, version):
            warehouse.replace(SCORE_CHANGES, still(partition), partition, run_id=batch.id, job=JOB, version=version)
