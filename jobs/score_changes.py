"""scores of two days -> score_changes: why everybody's score changed.

Reads the inputs from which both days' published scores were computed (`engagement`, `coverage`, `accounts`, `links`);
`jobs.warehouse.basis` verifies that the tables still hold them. Replaces only (methodology, day, since_day) of `score_changes`.
Runs on request, never as part of a night.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.backends import duck
from jobs.warehouse import links, runs
from jobs.warehouse.basis import refuse_other_data
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.why import reasons
from jobs.why.persons import Persons, of_accounts
from jobs.why.published import DUST, Params, Published, bases, withheld
from jobs.why.sensitivity import CODES, LINKED, METHODOLOGY
from schemas import arrow
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES

JOB = "score_changes"


def run(warehouse: Warehouse, params: Params, batch: Batch) -> dict[str, float]:
    """Splits the change of everybody published on both days by reason. Returns the count `people`. Raises as `published_basis`
    does for either day."""
    methodologies = {"methodology": params.methodology.version, "since_methodology": params.since_methodology.version}
    with runs.recorded(warehouse, JOB, params.day, batch, since_day=params.since_day, **methodologies) as row:
        old, new = bases(warehouse, params)
        owners, old_owners = (links.at_end_of(basis.day, warehouse) for basis in (new, old))
        with duck.database() as db:
            reasons.prepare_change(db, warehouse, old.under(warehouse, new.methodology), new)
            changes = reasons.pulled(db, new)
            persons, old_persons = (of_accounts(changes.accounts, people) for people in (owners, old_owners))
            held, old_held = (reasons.held_before(db, changes, each) for each in (persons, old_persons))
        people = _everybody(warehouse, persons, old_persons, params)
        shown = pc.invert(pc.is_in(people, value_set=withheld(warehouse, params))).to_numpy(zero_copy_only=False)
        published = Published.read(warehouse, params, people)
        parts = np.zeros((len(people), len(CODES)))
        parts[: len(persons.names)] = reasons.of_everybody(changes, persons)
        again = old_persons.values(people, old_held)
        parts[:, LINKED] = persons.values(people, held) - again
        if params.methodology == params.since_methodology:
            refuse_other_data(warehouse, old, again[shown], published.old_influence[shown])
        else:
            parts[:, METHODOLOGY] = again - published.old_influence
        people, parts, published = people.filter(pa.array(shown)), parts[shown], published.of(shown)
        refuse_other_data(warehouse, new, published.old_influence + parts.sum(axis=1), published.influence)
        slope, rescaled = published.points(params)
        points = parts * slope[:, None]
        points[:, METHODOLOGY] += rescaled
        rows = table(people, parts, points, params)
        partition = {"methodology": params.methodology.version, "day": params.day, "since_day": params.since_day}
        warehouse.replace(SCORE_CHANGES, rows, partition, run_id=row.id, job=JOB)
        row.counts["people"] = len(pc.unique(rows["person_id"]))
    return row.counts


def _everybody(warehouse: Warehouse, persons: Persons, old_persons: Persons, params: Params) -> pa.Array:
    """The persons of the later day, then all others of the earlier day. The latter include everybody with a published score on
    the earlier day, because the acts behind that score may all lie before the later methodology's window."""
    partition = {"methodology": params.since_methodology.version, "day": params.since_day}
    scored = warehouse.read(SCORES, partition, columns=["person_id"])["person_id"].combine_chunks()
    earlier = pc.unique(pa.concat_arrays([old_persons.names, scored]))
    others = earlier.filter(pc.invert(pc.is_in(earlier, value_set=persons.names)))
    return pa.concat_arrays([persons.names, others.take(pc.sort_indices(others))])


def table(people: pa.Array, parts: np.ndarray, points: np.ndarray, params: Params) -> pa.Table:
    """One row per person and reason whose part exceeds `DUST`. `parts` (influence, in accounts' worth of attention) and
    `points` (of the score) have shape (people, reasons)."""
    moved = np.abs(parts) > DUST
    moved[:, METHODOLOGY] |= np.abs(points[:, METHODOLOGY]) > DUST  # a new scale may change only the points
    who, why = np.nonzero(moved)
    columns: Mapping[str, pa.Array] = {
        "day": pa.repeat(pa.scalar(params.day), len(who)),
        "methodology": pa.repeat(pa.scalar(params.methodology.version), len(who)),
        "since_day": pa.repeat(pa.scalar(params.since_day), len(who)),
        "person_id": people.take(pa.array(who)),
        "reason": pa.array(CODES).take(pa.array(why)),
        "points": pa.array(points[who, why]),
        "influence": pa.array(parts[who, why]),
    }
    return pa.table(columns).cast(arrow.schema(SCORE_CHANGES))
