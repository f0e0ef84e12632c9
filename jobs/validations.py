"""scores and engagement of the days after -> validations: how well a day's scores predicted what happened next.

Reads the window's days of `engagement` and `accounts`, the day's `influence`, and the days after it of `engagement` and
`coverage`. `record` replaces only (methodology, day, ahead, outcome) of `validations`.
"""

import pyarrow.compute as pc

from jobs.errors import CloutError
from jobs.scratch import scratch
from jobs.validation import baselines, outcomes, reading, tables
from jobs.validation.tables import Params, Validation
from jobs.warehouse import counted, runs
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.validations import VALIDATIONS

JOB = "validate"


def run(warehouse: Warehouse, params: Params, min_group: int = 1) -> Validation:
    """Validates the scores of a day; writes nothing. Leaves out figures of fewer than `min_group` people, and figures from
    which those could be computed. Raises `CloutError` if the day is not scored, if no day after it is covered, or if a day was
    pulled since it was counted. Also raises it if nobody on a platform that is covered afterwards, or fewer than `min_group`
    people, had been engaged with."""
    snapshot = counted.snapshot(warehouse)
    with scratch() as db:
        reading.past(db, warehouse, snapshot, params)
        predicted = baselines.predicted(db, params.versions)
    with scratch() as db:
        covered = reading.future(db, warehouse, snapshot, params)
        received = outcomes.received(db, predicted.people["person_id"], params.outcome)
        everything = outcomes.total(db, params.outcome)
    if not set(covered) & set(predicted.people["platform"].to_pylist()):
        raise CloutError(
            f"influence {params.day}: 0 people with whom somebody engaged on a platform that was covered afterwards,"
            " expected some"
        )
    days = {platform: len(covered_days) for platform, covered_days in covered.items()}
    return Validation(
        params=params,
        platforms=tuple(tables.shown(list(tables.platforms(predicted, received, days, params)), min_group)),
        reached=received.sum() / everything if everything else float("nan"),
        simulated=pc.any(predicted.people["simulated"]).as_py(),
        recorded=reading.recorded(warehouse, params),
    )


def record(warehouse: Warehouse, validation: Validation, batch: Batch) -> None:
    """Writes the figures of each methodology into `validations`, in one commit per methodology."""
    params = validation.params
    for version in params.versions:
        about = {"methodology": version, "ahead": params.ahead, "outcome": params.outcome}
        with runs.recorded(warehouse, JOB, params.day, batch, **about) as row:
            partition = about | {"day": params.day}
            warehouse.replace(VALIDATIONS, tables.rows(validation, version), partition, run_id=row.id, job=JOB)
            row.counts["people"] = validation.whole.people
