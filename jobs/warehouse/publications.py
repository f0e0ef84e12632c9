"""Records what is published: rows of `publications`, and of `restatements` for each change to a published day.

Changing a day's scores takes three commits: `scores`, `restatements`, `publications`. Before the first, the run records the
rows for the other two tables in `runs`, as a plan. If the process dies in between, the content of `scores` decides. If the
content matches the plan, the change was made: readers use the plan, and the next change of the day writes the plan's rows.
Nothing here is derived from Delta's log.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, NamedTuple

from jobs.warehouse import digests, runs
from jobs.warehouse.storage import Warehouse, rows
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES

PUBLISH, UNPUBLISH, RESTORE, CONSENT = "publish", "unpublish", "restore", "consent"
CHANGES = (PUBLISH, UNPUBLISH, RESTORE, CONSENT)

PLANNED = "planned"  # a run's parameter that holds its plan until the run is done


@dataclass(frozen=True, kw_only=True)
class Basis:
    """What published rows were computed from; None if not recorded. Days are text, as in JSON."""

    influence_run: str | None = None
    activity_digests: dict[str, str] | None = None  # day -> digest of the activity that was counted
    accounts_digest: str | None = None
    links_digest: str | None = None  # of who had several accounts; None if nobody had
    covered_days: dict[str, list[str]] | None = None  # platform -> days of the window
    code_version: str | None = None
    scored_people: int | None = None  # everybody scored, published or not
    scored_influence: float | None = None  # their total influence, in accounts' worth


@dataclass(frozen=True, kw_only=True)
class Publication(Basis):
    """A row of `publications`, its JSON parsed."""

    day: date
    methodology: str
    sequence: int
    change: str
    run_id: str
    scores_digest: str | None
    replaced_version: int | None
    people: int
    influence: float | None
    published_at: datetime
    published_by: str | None
    ground: str | None = None
    why: str | None = None
    accepted: dict[str, str] | None = None

    @property
    def content(self) -> str | None:
        """Digest of the rows that readers see after this change; empty if not recorded, None after a withdrawal."""
        return (self.scores_digest or "") if self.people else None

    @property
    def basis(self) -> Basis:
        """What the rows were computed from, for a later change that publishes the same rows again."""
        return Basis(**{field.name: getattr(self, field.name) for field in fields(Basis)})


class Plan(NamedTuple):
    """A change to record. `restatement` is a row of `restatements`, or None if there is nothing to restate."""

    publication: Publication
    restatement: Mapping[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """The plan as a dictionary. Its days and instants are not text; the writer of the JSON must convert them with `str`."""
        return {"publication": asdict(self.publication), "restatement": self.restatement}

    @classmethod
    def from_json(cls, plan: Mapping[str, Any]) -> "Plan":
        """The plan that was written as JSON, its days and instants parsed."""
        publication, restatement = plan["publication"], plan["restatement"]
        at, day = datetime.fromisoformat(publication["published_at"]), date.fromisoformat(publication["day"])
        if restatement is not None:
            restatement = restatement | {"restated_at": at, "day": day}
        return cls(Publication(**publication | {"published_at": at, "day": day}), restatement)


_JSON = ("activity_digests", "covered_days", "accepted")


def history(warehouse: Warehouse, methodology: str, day: date) -> list[Publication]:
    """The recorded changes of a day's scores, in order."""
    recorded = warehouse.read(PUBLICATIONS, {"day": day, "methodology": methodology}).sort_by("sequence").to_pylist()
    return [
        Publication(**row | {name: None if row[name] is None else json.loads(row[name]) for name in _JSON})
        for row in recorded
    ]


def origin(history: Sequence[Publication]) -> Publication:
    """The publication whose rows are visible after these changes. A `restore` undoes the change before it; the end of
    somebody's consent leaves all other rows as they were."""
    changes = [change for change in history if change.change != CONSENT]
    return origin(changes[:-2]) if changes[-1].change == RESTORE else changes[-1]


def made_at(history: Sequence[Publication]) -> datetime | None:
    """When the rows that are visible after these changes were published; None if the day was never published. Later removals of
    people do not change this time."""
    published = [change for change in history if change.change != CONSENT]
    return origin(published).published_at if published else None


def current(warehouse: Warehouse, methodology: str, day: date) -> Publication | None:
    """The publication that readers of `scores` see for the day; None if nothing is published. Writes nothing."""
    recorded = history(warehouse, methodology, day)
    unrecorded = _unrecorded(warehouse, methodology, day, recorded)
    newest = unrecorded.publication if unrecorded else recorded[-1] if recorded else None
    return newest if newest and newest.people else None


def complete(warehouse: Warehouse, methodology: str, day: date) -> list[Publication]:
    """Like `history`, but first records a change if the run that made it died before recording it."""
    recorded = history(warehouse, methodology, day)
    unrecorded = _unrecorded(warehouse, methodology, day, recorded)
    if unrecorded is None:
        return recorded
    record(warehouse, unrecorded)
    return [*recorded, unrecorded.publication]


def record(warehouse: Warehouse, plan: Plan) -> None:
    """Writes the plan's rows. Idempotent."""
    publication, restatement = plan
    by = {"run_id": publication.run_id, "job": publication.change}
    place = {"day": publication.day, "methodology": publication.methodology}
    if restatement is not None:  # first, because nobody reads the plan once the publication is recorded
        partition = place | {"run_id": publication.run_id}
        warehouse.replace_bookkeeping(RESTATEMENTS, rows(RESTATEMENTS, [restatement]), partition, **by)
    recorded = rows(PUBLICATIONS, [_row(publication)])
    warehouse.replace_bookkeeping(PUBLICATIONS, recorded, place | {"sequence": publication.sequence}, **by)


def record_earlier(warehouse: Warehouse, publications: Sequence[Publication], *, run_id: str, job: str) -> None:
    """Adds rows that `publications` does not have yet, in one commit."""
    warehouse.append(
        PUBLICATIONS, rows(PUBLICATIONS, [_row(each) for each in publications]), {}, run_id=run_id, job=job
    )


def _row(publication: Publication) -> dict[str, Any]:
    row = asdict(publication)
    return row | {name: None if row[name] is None else json.dumps(row[name], sort_keys=True) for name in _JSON}


def _unrecorded(warehouse: Warehouse, methodology: str, day: date, recorded: Sequence[Publication]) -> Plan | None:
    """The plan of a run that changed the day's scores but did not record it; almost always None."""
    newest = recorded[-1].sequence if recorded else 0
    run_rows = warehouse.read(RUNS, {"day": day, "job": CHANGES}, columns=["status", "parameters", "started_at"])
    unfinished = [
        json.loads(row["parameters"])
        for row in run_rows.sort_by([("started_at", "descending")]).to_pylist()
        if row["status"] != runs.DONE
    ]
    plans = [Plan.from_json(parameters[PLANNED]) for parameters in unfinished if PLANNED in parameters]
    plans = [
        plan for plan in plans if plan.publication.methodology == methodology and plan.publication.sequence > newest
    ]
    if not plans:
        return None
    content = digests.of_stream(SCORES, warehouse.reader(SCORES, {"methodology": methodology, "day": day}))
    if content == (recorded[-1].content if recorded else None):
        return None
    return next((plan for plan in plans if plan.publication.content == content), None)
