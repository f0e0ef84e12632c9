"""influence -> scores: publishes a checked day, withdraws it, restores what was published before, or removes people who no
longer agree.

Each change replaces (methodology, day) of `scores` in one commit. It is recorded in `publications` and, if the day was
published before, in `restatements`; `jobs.warehouse.publications` keeps the three consistent. Publishing also updates
`methodologies`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import pyarrow as pa

from jobs import restatements
from jobs.days import days_between
from jobs.errors import CloutError, GoneError
from jobs.labels import SIMULATION
from jobs.nights import gate
from jobs.people.admission import Admission, decide_publication
from jobs.user import user
from jobs.warehouse import digests, methodologies, publications, runs, scored_rows
from jobs.warehouse.basis import left_days
from jobs.warehouse.publications import CONSENT, PUBLISH, RESTORE, UNPUBLISH, Basis, Plan, Publication
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse, rows
from schemas.consent import CONSENT as CONSENT_TABLE
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.table import Table

People = Callable[[], pa.RecordBatchReader]  # returns the rows to publish, from the start at each call


class NotPublishedError(CloutError):
    """There is nothing to publish, withdraw or restore."""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The partition to publish, withdraw or restore."""

    day: date
    methodology: Methodology
    why: str | None = None  # the reason to record
    accept: str | None = None  # why to publish a day that is outside its bounds
    today: date | None = None  # consent counts as of this UTC day; today if None

    @property
    def partition(self) -> dict[str, Any]:
        """Column -> value of the partition, in `influence` as in `scores`."""
        return {"methodology": self.methodology.version, "day": self.day}

    def __str__(self) -> str:
        return f"{self.day} ({self.methodology.version})"


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Publishes the day: copies, unchanged, the rows of people who may be published. Returns the counts `people` (published)
    and `withheld` (people who may not be published). Raises `NotPublishedError` unless the day's newest checks examined exactly
    the day's rows (`scored_rows`), and either passed or failed only by bounds that an operator accepts."""
    with runs.recorded(warehouse, PUBLISH, params.day, batch, methodology=params.methodology.version) as row:
        methodologies.refuse_changed(warehouse, params.methodology)
        version = row.inputs[INFLUENCE.name] = warehouse.version(INFLUENCE)
        digest = scored_rows.digest(warehouse, row, params.partition, version)
        accepted = _accepted(warehouse, params, digest)
        if accepted:
            row.parameters |= {"accept": accepted.why, "accepted": accepted.findings}
        methodologies.record(warehouse, params.methodology, row)
        stands_on = basis(warehouse, params, digest)
        admission = _decided(warehouse, params, row)
        people = _admitted(warehouse, params, version, admission)
        _change(warehouse, params, row, people, admission, stands_on, accepted, digest)
        row.counts["withheld"] = warehouse.row_count(INFLUENCE, params.partition, version) - row.counts["people"]
    return row.counts


def unpublish(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Withdraws a published day; `influence` keeps its rows. Raises `NotPublishedError` if the day is not published."""
    with runs.recorded(warehouse, UNPUBLISH, params.day, batch, methodology=params.methodology.version) as row:
        published = warehouse.row_count(SCORES, params.partition)
        if not published:
            raise NotPublishedError(f"scores {params}: not published, so there is nothing to withdraw")
        _change(warehouse, params, row, lambda: rows(SCORES, []).to_reader(), None, Basis())
        row.counts["people"] = published
    return row.counts


def withdraw_people(warehouse: Warehouse, params: Params, admission: Admission, batch: Batch) -> int:
    """Removes from a published day the people whom `admission` does not admit; all other rows stay. Returns how many people it
    removed; if none, it records no run."""
    version = warehouse.version(SCORES)
    still = _admitted(warehouse, params, version, admission, SCORES)
    withdrawn = warehouse.row_count(SCORES, params.partition, version) - sum(part.num_rows for part in still())
    if withdrawn:
        with runs.recorded(warehouse, CONSENT, params.day, batch, methodology=params.methodology.version) as row:
            row.inputs |= {SCORES.name: version, CONSENT_TABLE.name: admission.version}
            row.counts["withheld"] = withdrawn
            history = publications.complete(warehouse, params.methodology.version, params.day)
            _change(warehouse, params, row, still, admission, history[-1].basis if history else Basis())
    return withdrawn


def restore(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Undoes the newest change of the day's scores: publishes again what was published before it.

    The rows come from `influence` if it still holds them, else from the files that the change replaced, which are kept for
    `keep_replaced_days`. Raises `NotPublishedError` if nothing was published before, or if neither holds the rows.
    """
    with runs.recorded(warehouse, RESTORE, params.day, batch, methodology=params.methodology.version) as row:
        methodologies.refuse_changed(warehouse, params.methodology)
        recorded = publications.complete(warehouse, params.methodology.version, params.day)
        history = [change for change in recorded if change.change != CONSENT]  # no restoration brings people back
        if not history:
            raise NotPublishedError(f"scores {params}: never published, so there is nothing to restore")
        if len(history) < 2 or not history[-2].people:
            raise NotPublishedError(f"scores {params}: nothing was published before the newest {history[-1].change}")
        wanted, change = history[-2:]
        admission = _decided(warehouse, params, row)
        held = _rows_of(warehouse, params, wanted, change, admission, row)
        _change(warehouse, params, row, held, admission, wanted.basis)
    return row.counts


def _rows_of(
    warehouse: Warehouse, params: Params, wanted: Publication, change: Publication, admission: Admission, row: Run
) -> People:
    """The rows of publication `wanted`, which `change` replaced: only those of people who may still be published. Raises
    `NotPublishedError` if the rows are no longer held."""
    if wanted.scores_digest is None:
        raise NotPublishedError(
            f"scores {params}: what was published before the newest {change.change} was published by an earlier version of"
            " clout, which did not record its content; to publish what `influence` holds,"
            f" run `clout publish --day {params.day}`"
        )
    computed = warehouse.version(INFLUENCE)
    again = _admitted(warehouse, params, computed, admission)
    if digests.of_stream(SCORES, again()) == wanted.scores_digest or _is_computed(warehouse, params, computed, wanted):
        row.inputs[INFLUENCE.name] = computed
        return again
    replaced = change.replaced_version
    try:
        kept = replaced is not None and digests.of_stream(SCORES, warehouse.reader(SCORES, params.partition, replaced))
    except GoneError:
        kept = None
    if replaced is None or kept != wanted.scores_digest:
        raise NotPublishedError(
            f"scores {params}: what was published before the newest {change.change} ({wanted.people:,} people, until"
            f" {change.published_at:%Y-%m-%d %H:%M} UTC) cannot be restored: its files are no longer kept"
            f" (keep_replaced_days in infra/nights.yaml) and `influence` holds other rows. To publish what `influence` holds,"
            f" run `clout publish --day {params.day}`"
        )
    row.inputs[SCORES.name] = replaced
    return _admitted(warehouse, params, replaced, admission, SCORES)


def _is_computed(warehouse: Warehouse, params: Params, version: int, wanted: Publication) -> bool:
    """Whether this version of `influence` holds the rows from which `wanted` was published. The published rows alone do not
    show this, because consent may have changed since."""
    digest = digests.of_stream(INFLUENCE, warehouse.reader(INFLUENCE, params.partition, version))
    return digest is not None and any(
        run["run_id"] == wanted.influence_run and run["parameters"].get(digests.INFLUENCE) == digest
        for run in _runs(warehouse, params, runs.INFLUENCE)
    )


@dataclass(frozen=True)
class _Accepted:
    """Findings of checks that an operator accepted, and the reason."""

    findings: dict[str, str]
    why: str


def _change(
    warehouse: Warehouse,
    params: Params,
    row: Run,
    people: People,
    admission: Admission | None,
    made_from: Basis,
    accepted: _Accepted | None = None,
    digest_of_all: str | None = None,
) -> None:
    """Replaces the day's scores with the rows of `people`. Records the change, the ground on which these people may be
    published, and what their rows were made from. `digest_of_all`: digest of the rows of everybody scored, if `people` are from
    these rows."""
    # Read first, so that this change loses the race if another is committed meanwhile.
    version = warehouse.version(SCORES)
    history = publications.complete(warehouse, params.methodology.version, params.day)
    comparison = restatements.compared(warehouse.reader(SCORES, params.partition, version), people())
    is_all = digest_of_all is not None and comparison["people_after"] == made_from.scored_people
    publication = Publication(
        **asdict(made_from),
        day=params.day,
        methodology=params.methodology.version,
        sequence=history[-1].sequence + 1 if history else 1,
        change=row.job,
        run_id=row.id,
        scores_digest=digest_of_all if is_all else digests.of_stream(SCORES, people()),
        replaced_version=version,
        people=comparison["people_after"],
        influence=comparison["influence"],
        ground=SIMULATION if comparison["simulated"] else admission.ground if admission else None,
        published_at=runs.now(),
        published_by=user(),
        why=accepted.why if accepted else params.why,
        accepted=accepted.findings if accepted else None,
    )
    left = left_days(warehouse, params.day, params.methodology)
    plan = Plan(publication, restatements.restatement(history, publication, comparison, left))
    row.parameters[publications.PLANNED] = plan.as_json()
    runs.write(warehouse, [row], runs.STARTED)
    warehouse.replace(SCORES, people(), params.partition, version=version, run_id=row.id, job=row.job)
    publications.record(warehouse, plan)
    del row.parameters[publications.PLANNED]
    row.counts["people"] = publication.people


def _decided(warehouse: Warehouse, params: Params, row: Run) -> Admission:
    """Who may be published on the day of the publication. Records the version of `consent` that was read."""
    admission = decide_publication(warehouse, params.today)
    row.inputs[CONSENT_TABLE.name] = admission.version
    return admission


def _admitted(
    warehouse: Warehouse, params: Params, version: int, admission: Admission, table: Table = INFLUENCE
) -> People:
    """Returns a function that reads the day's rows of this version of the table: only those that may be published."""
    return lambda: admission.admitted(warehouse.reader(table, params.partition, version))


def _accepted(warehouse: Warehouse, params: Params, digest: str | None) -> _Accepted | None:
    """The findings that an operator accepted, with the reason from `params` or else from the checks' run. None if all figures
    are within bounds. Raises `NotPublishedError` unless the day's newest checks examined rows of this digest and do not refuse
    the day."""
    checked = _runs(warehouse, params, runs.CHECKS)
    if (
        not checked
        or checked[-1]["parameters"].get(digests.INFLUENCE) != digest
        or checked[-1]["status"] == runs.STARTED
    ):
        raise NotPublishedError(
            f"influence {params}: its current rows were not checked; nothing published. Run `clout checks --day {params.day}`"
        )
    why = params.accept or checked[-1]["parameters"].get("accept")
    results = json.loads(checked[-1]["checks"] or "{}")
    results = gate.accepted(results) if why else results
    refused = "; ".join(f"{name}: {problem}" for name, problem in gate.refusals(results).items())
    if refused or not results:
        raise NotPublishedError(
            f"influence {params}: its checks failed ({refused or checked[-1]['error']}); nothing published. See"
            " infra/runbooks/checks_failed.md"
        )
    findings = gate.accepted_findings(results)
    return _Accepted(findings, why) if findings else None


def basis(warehouse: Warehouse, params: Params, digest: str | None) -> Basis:
    """What the rows of `influence` with this digest were computed from, as recorded by the newest run that computed them. Also
    holds the figures of everybody in these rows, as recorded by the newest checks of them."""
    scored, checked = (
        [
            run
            for run in _runs(warehouse, params, job)
            if run["status"] in ended and run["parameters"].get(digests.INFLUENCE) == digest
        ]
        for job, ended in ((runs.INFLUENCE, (runs.DONE,)), (runs.CHECKS, (runs.DONE, runs.FAILED)))
    )
    counts = json.loads(checked[-1]["counts"] or "{}") if checked else {}
    figures = Basis(scored_people=counts.get("people"), scored_influence=counts.get("influence"))
    if not scored:
        return figures
    parameters = scored[-1]["parameters"]
    window = [str(day) for day in days_between(params.methodology.first_day(params.day), params.day)]
    return replace(
        figures,
        influence_run=scored[-1]["run_id"],
        activity_digests=parameters.get("activity_digests"),
        accounts_digest=parameters.get("accounts_digest"),
        links_digest=parameters.get(digests.LINKS),
        covered_days={
            platform: [day for day in window if day not in missing]
            for platform, missing in json.loads(scored[-1]["uncovered_days"] or "{}").items()
        },
        code_version=scored[-1]["code_version"],
    )


def _runs(warehouse: Warehouse, params: Params, job: str) -> list[Mapping[str, Any]]:
    """The job's runs for the day and methodology in order of their start, with `parameters` parsed."""
    rows = warehouse.read(RUNS, {"day": params.day, "job": job}).sort_by("started_at").to_pylist()
    read = [run | {"parameters": json.loads(run["parameters"])} for run in rows]
    return [run for run in read if run["parameters"].get("methodology") == params.methodology.version]
