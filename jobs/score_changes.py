"""scores of two days -> score_changes: why everybody's score changed.

Reads the inputs from which both days' published scores were computed (`engagement`, `coverage`, `accounts`);
`jobs.warehouse.basis` verifies that the tables still hold them. Replaces only (methodology, day, since_day) of `score_changes`.
Runs on request, never as part of a night.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.scratch import scratch
from jobs.warehouse import runs
from jobs.warehouse.basis import refuse_other_data
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.why import reasons
from jobs.why.published import DUST, Params, Published, bases, influence_of, withheld
from jobs.why.sensitivity import CODES, METHODOLOGY
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
        with scratch() as db:
            reasons.prepare_change(db, warehouse, old.under(warehouse, new.methodology), new)
            changes = reasons.pulled(db, new)
        people = _with_published(warehouse, changes.people, params)
        shown = pc.invert(pc.is_in(people, value_set=withheld(warehouse, params))).to_numpy(zero_copy_only=False)
        published = Published.read(warehouse, params, people)
        parts = np.zeros((len(people), len(CODES)))
        parts[: len(changes.people)] = reasons.of_everybody(changes)
        again = _earlier_again(changes, published, params)
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


def _with_published(warehouse: Warehouse, people: pa.Array, params: Params) -> pa.Array:
    """These people, then all others with a score on the earlier day: their acts may lie before the later methodology's
    window."""
    partition = {"methodology": params.since_methodology.version, "day": params.since_day}
    scored = warehouse.read(SCORES, partition, columns=["person_id"])["person_id"].combine_chunks()
    others = scored.filter(pc.invert(pc.is_in(scored, value_set=people)))
    return pa.concat_arrays([people, others.take(pc.sort_indices(others))])


def _earlier_again(changes: reasons.Changes, published: Published, params: Params) -> np.ndarray:
    """Influence from the acts of the earlier day under the later day's methodology. The people of `changes` come first."""
    edges, change = changes.graph, changes.change
    accounts = len(published.old_influence)
    return influence_of(edges.src, edges.dst, change.old_share, accounts, params.methodology.rounds)


def table(people: pa.Array, parts: np.ndarray, points: np.ndarray, params: Params) -> pa.Table:
    """One row per person and reason whose part exceeds `DUST`. `parts` (influence, in accounts' worth of attention) and
    `points` (of the score) have shape (people, reasons)."""
    moved = np.abs(parts) > DUST
    moved[:, METHODOLOGY] |= np.abs(points[:, METHODOLOGY]) > DUST  # another scale may change points alone
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
