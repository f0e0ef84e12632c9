"""scores, before and after -> restatements: how a change of a published day affected its people, and why. Pure."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jobs.scratch import scratch
from jobs.warehouse import publications
from jobs.warehouse.leavers import LEFT_DAYS
from jobs.warehouse.publications import CONSENT, RESTORE, UNPUBLISH, Publication
from schemas.restatements import RESTATEMENTS

SCORED_AGAIN, WITHDRAWN, BROUGHT_BACK = "scored again", "withdrawn", "brought back"
CONSENT_ENDED = "consent ended"


def compared(before: pa.RecordBatchReader, after: pa.RecordBatchReader) -> dict[str, Any]:
    """Compares two streams of rows of `scores`: how many people arrived, left, changed and moved, and by how much (columns of
    `restatements`). Also returns two facts about the rows after the change: their total `influence`, and whether they are
    `simulated`."""
    with scratch() as db:
        db.register("earlier", before)
        db.register("later", after)
        result = db.sql(
            """
            with pairs as (
                select later.influence as influence, later.simulated as simulated, earlier.person_id is not null as was,
                  later.person_id is not null as is_now, was and is_now and earlier is distinct from later as changed,
                  coalesce(later.score - earlier.score, 0) as move
                from earlier full join later using (person_id)
            )
            select count(*) filter (was) as people_before, count(*) filter (is_now) as people_after,
              count(*) filter (not was) as people_arrived, count(*) filter (not is_now) as people_gone,
              count(*) filter (changed) as people_changed, count(*) filter (move <> 0) as people_moved,
              greatest(0, max(move)) as largest_rise, greatest(0, -min(move)) as largest_fall,
              coalesce(avg(abs(move)) filter (move <> 0), 0) as mean_absolute_move,
              coalesce(fsum(influence), 0) as influence, coalesce(bool_or(simulated), false) as simulated
            from pairs
            """
        ).to_arrow_table()
    (columns,) = result.to_pylist()
    return columns


def restatement(
    history: Sequence[Publication],
    publication: Publication,
    comparison: Mapping[str, Any],
    left_days: Sequence[date] = (),
) -> dict[str, Any] | None:
    """The change's row of `restatements`, from the day's earlier changes and the result of `compared`. `left_days`: days of the
    window from which acts were erased since then, because people left. Returns None if the change left the rows as they were,
    or if the day has no earlier change."""
    if not history or not (comparison["people_arrived"] or comparison["people_gone"] or comparison["people_changed"]):
        return None
    row = {
        "day": publication.day,
        "methodology": publication.methodology,
        "run_id": publication.run_id,
        "restated_at": publication.published_at,
    }
    return row | {
        **{name: comparison[name] for name in RESTATEMENTS.column_names if name in comparison},
        "why": json.dumps(_why(history, publication, left_days)),
    }


def _why(history: Sequence[Publication], publication: Publication, left_days: Sequence[date]) -> dict[str, Any]:
    before = history[-1]
    if publication.change == UNPUBLISH:
        return {"change": WITHDRAWN}
    if publication.change == CONSENT:
        return {"change": CONSENT_ENDED}
    if publication.change == RESTORE or not before.people:
        return {"change": BROUGHT_BACK, "run_id": publications.origin([*history, publication]).run_id}
    left = {LEFT_DAYS: list(map(str, left_days))} if left_days else {}
    return {"change": SCORED_AGAIN, **left, **_inputs_changed(before, publication)}


def _inputs_changed(before: Publication, after: Publication) -> dict[str, Any]:
    """The inputs in which two publications of a day differ. Omits inputs that are equal, or that one publication does not
    record."""
    changed: dict[str, Any] = {}
    if before.activity_digests is not None and after.activity_digests is not None:
        old, new = before.activity_digests, after.activity_digests
        changed["activity_days"] = [day for day in sorted({*old, *new}) if old.get(day) != new.get(day)]
    if before.covered_days is not None and after.covered_days is not None:
        changed["coverage_gained"] = _less(after.covered_days, before.covered_days)
        changed["coverage_lost"] = _less(before.covered_days, after.covered_days)
    changed["accounts"] = len({before.accounts_digest, after.accounts_digest} - {None}) > 1
    changed["links"] = before.links_digest != after.links_digest
    versions = [before.code_version, after.code_version]
    changed["code_version"] = versions if len({*versions} - {None}) > 1 else []
    return {name: value for name, value in changed.items() if value}


def _less(days: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Platform -> its days that `other` lacks."""
    lacking = {platform: sorted(set(mine) - set(other.get(platform, ()))) for platform, mine in sorted(days.items())}
    return {platform: left for platform, left in lacking.items() if left}
