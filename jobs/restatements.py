"""scores -> restatements: what a change of a published day did to its people, and why.

Reads what was published before and after the newest change of one (methodology, day), and the runs behind both; writes
that change's row of `restatements`. `jobs.publish` calls it around each change, and nobody else.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from jobs import runs
from jobs.scratch import scratch
from jobs.storage import Warehouse, rows
from jobs.window import counted_digests, days_between
from schemas.methodology import Methodology
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES

log = logging.getLogger(__name__)

PUBLISH, UNPUBLISH, RESTORE = "publish", "unpublish", "restore"
SCORED_AGAIN, WITHDRAWN, BROUGHT_BACK = "scored again", "withdrawn", "brought back"

Run = Mapping[str, Any]  # a row of `runs`, its JSON read


def tell(warehouse: Warehouse, methodology: Methodology, day: date) -> None:
    """Writes the row of the newest change of these scores, unless the run that made it is done and so has told it.

    The scores and this row are two commits, in this order. Where a process ends between them, its run is not done: the
    next change of the same scores begins by telling that one, from the two versions that the table still holds. Told
    twice it is the same row, and its instant is that of the change.
    """
    partition = {"methodology": methodology.version, "day": day}
    newest = next(warehouse.commits(SCORES, partition), None)
    by_id = {run["run_id"]: run for run in _runs(warehouse, day)}
    if newest is None or newest.run_id not in by_id or by_id[newest.run_id]["status"] == runs.DONE:
        return
    try:
        before = warehouse.reader(SCORES, partition, newest.version - 1)
    except FileNotFoundError:
        log.warning("scores %s: what run %s changed cannot be told, the old files are gone", partition, newest.run_id)
        return
    found = difference(before, warehouse.reader(SCORES, partition, newest.version))
    told_of = {newest.run_id, *warehouse.read(RESTATEMENTS, partition, columns=["run_id"])["run_id"].to_pylist()}
    if found is None or not (found["people_before"] or told_of - {newest.run_id}):
        return  # nothing changed, or the day is published for the first time
    made = [
        run
        for run in by_id.values()
        if run["job"] in (PUBLISH, UNPUBLISH, RESTORE)
        and run["parameters"]["methodology"] == methodology.version
        and (run["status"] == runs.DONE or run["run_id"] in told_of)
    ]
    told = partition | {"run_id": newest.run_id, "restated_at": newest.at, **found}
    told["why"] = json.dumps(_why(warehouse, methodology, day, made, by_id))
    warehouse.replace_bookkeeping(
        RESTATEMENTS,
        rows(RESTATEMENTS, [told]),
        partition | {"run_id": newest.run_id},
        run_id=newest.run_id,
        job=newest.job,
    )


def difference(before: pa.RecordBatchReader, after: pa.RecordBatchReader) -> dict[str, Any] | None:
    """How many people arrived, went, changed and moved between two streams of rows of `scores`, and by how much: columns
    of `restatements`. None where the rows are the same, whatever their order."""
    with scratch() as db:
        db.register("earlier", before)
        db.register("later", after)
        found = db.sql(
            """
            with pairs as (
                select earlier.person_id is not null as was, later.person_id is not null as stands,
                  was and stands and earlier is distinct from later as changed,
                  coalesce(later.score - earlier.score, 0) as move
                from earlier full join later using (person_id)
            )
            select count(*) filter (was) as people_before, count(*) filter (stands) as people_after,
              count(*) filter (not was) as people_arrived, count(*) filter (not stands) as people_gone,
              count(*) filter (changed) as people_changed, count(*) filter (move <> 0) as people_moved,
              greatest(0, max(move)) as largest_rise, greatest(0, -min(move)) as largest_fall,
              coalesce(avg(abs(move)) filter (move <> 0), 0) as mean_absolute_move
            from pairs
            """
        ).to_arrow_table()
    (told,) = found.to_pylist()
    return told if told["people_arrived"] or told["people_gone"] or told["people_changed"] else None


def _runs(warehouse: Warehouse, day: date) -> list[Run]:
    """The day's runs as they were started."""
    found = warehouse.read(RUNS, {"day": day}).sort_by("started_at").to_pylist()
    return [run | {name: json.loads(run[name] or "{}") for name in ("parameters", "uncovered_days")} for run in found]


def _why(
    warehouse: Warehouse, methodology: Methodology, day: date, made: Sequence[Run], by_id: Mapping[str, Run]
) -> dict[str, Any]:
    """`made`: the runs that changed these scores, in their order; the last one is to be explained."""
    published, before = standing(made), standing(made[:-1])
    if published is None:
        return {"change": WITHDRAWN}
    if made[-1]["job"] == RESTORE or before is None:
        return {"change": BROUGHT_BACK, "run_id": published["run_id"]}
    # Runs of earlier versions of clout name less: what they do not tell is not compared.
    scored = [
        by_id[made_by] for run in (before, published) if (made_by := run["parameters"].get("influence_run")) in by_id
    ]
    changed = _inputs_changed(warehouse, methodology, day, *scored) if len(scored) == 2 else {}
    return {"change": SCORED_AGAIN, **changed}


def standing(made: Sequence[Run]) -> Run | None:
    """The publishing run whose rows stand after these changes; None where nothing is published. A `restore` undoes the
    change before it."""
    if not made or made[-1]["job"] == UNPUBLISH:
        return None
    return standing(made[:-2]) if made[-1]["job"] == RESTORE else made[-1]


def _inputs_changed(
    warehouse: Warehouse, methodology: Methodology, day: date, before: Run, after: Run
) -> dict[str, Any]:
    """What two runs of `influence` for the same day stood on and does not agree; nothing that agrees is named."""
    window = days_between(methodology.first_day(day), day)
    files = [counted_digests(warehouse, window[0], day, until=run["started_at"]) for run in (before, after)]
    covered = [
        {platform: {str(day) for day in window} - set(missing) for platform, missing in run["uncovered_days"].items()}
        for run in (before, after)
    ]
    versions = [run["code_version"] for run in (before, after)]
    found = {
        "activity_days": [str(day) for day in window if files[0].get(day, "") != files[1].get(day, "")],
        "coverage_gained": _less(covered[1], covered[0]),
        "coverage_lost": _less(covered[0], covered[1]),
        "accounts": len({run["parameters"].get("accounts_digest") for run in (before, after)} - {None}) > 1,
        "code_version": versions if len(set(versions)) > 1 else [],
    }
    return {name: value for name, value in found.items() if value}


def _less(days: Mapping[str, set[str]], other: Mapping[str, set[str]]) -> dict[str, list[str]]:
    """Platform -> its days that are not among the other's."""
    found = {platform: sorted(there - other.get(platform, set())) for platform, there in sorted(days.items())}
    return {platform: left for platform, left in found.items() if left}
