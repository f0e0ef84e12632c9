"""Acts that their platform takes back on a later day: they stop counting on the day to which they belong.

A pull of a day reads its own recording and, for the `withdraw_days` days after it, what the recordings of those days take back.
So a day that is pulled again loses those acts, whatever the order of pulls. A pull that takes back acts of earlier days pulls
those days again, from their recordings and without a request. Their scores become stale, `clout repair` computes them again,
and each change is a restatement.

A population's units say in their recordings what they take back (`Cursor.taken_back`). Deleted accounts of a day take back
their acts only if the platform gave at least half of the population's units on that day, because a failing platform may deny
that anything exists.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from jobs.scratch import shared
from jobs.sources.lines import Parse
from jobs.sources.live import population
from jobs.sources.live.recording import Recording
from jobs.sources.page import ACTS, UNDOS, Account, Act, Ignored, Page, Record, no_rows
from jobs.warehouse import counted
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY


class Withdrawals(NamedTuple):
    """What one day takes back: acts, each as (activity_id, actor_id), and all acts of these accounts."""

    acts: Sequence[tuple[str, str]] = ()
    accounts: frozenset[str] = frozenset()


def of_population(folder: Path) -> Withdrawals:
    """What the units of the population take back, as recorded in a day's folder."""
    kept = population.kept(folder)
    return of_units(folder, kept.names if kept else ())


def of_units(folder: Path, names: Iterable[str]) -> Withdrawals:
    """What these units take back, as recorded in a day's folder."""
    units = [Recording(folder, name) for name in names]
    cursors = [unit.cursor for unit in units]
    taken_back = [(each, by) for cursor in cursors if cursor.done for each, by in cursor.taken_back or ()]
    accounts = frozenset(by for each, by in taken_back if each is None)
    is_trusted = not accounts or 2 * sum(unit.is_given for unit in units) >= len(units)
    return Withdrawals(
        [(each, by) for each, by in taken_back if each is not None], accounts if is_trusted else frozenset()
    )


def without(parse: Parse, accounts: Collection[str], *, towards: bool = False) -> Parse:
    """Like `parse`, but ignores what these accounts did, and drops their account rows. With `towards`, also ignores what others
    did to them."""

    def is_out(act: Act) -> bool:
        return act.actor_id in accounts or (towards and act.target_id in accounts)

    def parsed(line: bytes) -> Sequence[Record]:
        return [
            Ignored(record.occurred_at) if isinstance(record, Act) and is_out(record) else record
            for record in parse(line)
            if not (isinstance(record, Account) and record.account_id in accounts)
        ]

    return parsed


def page(platform: str, file: str, acts: Sequence[tuple[str, str]]) -> Page:
    """A page that takes back these acts. Its undos have no time, so each belongs to the pulled day that has the act."""
    nothing = pa.nulls(len(acts), UNDOS.field("occurred_at").type)
    undos = pa.record_batch([*_columns(acts), nothing], schema=UNDOS)
    return Page(platform=platform, file=file, acts=no_rows(ACTS), undos=undos)


def affected_days(
    warehouse: Warehouse, source_id: str, withdrawn: Withdrawals, first_day: date, last_day: date
) -> list[date]:
    """The days, ascending, on which the source has acts that count and that are taken back."""
    if not withdrawn.acts and not withdrawn.accounts:
        return []
    snapshot = counted.snapshot(warehouse)
    rows = counted.dataset(warehouse, ACTIVITY, snapshot.activity, snapshot.coverage, first_day, last_day)
    with shared() as db:
        db.register("activity", rows)
        db.register("acts", pa.table(dict(zip(("activity_id", "actor_id"), _columns(withdrawn.acts), strict=True))))
        db.register("accounts", pa.table({"actor_id": pa.array(sorted(withdrawn.accounts), pa.string())}))
        found = db.sql(
            """
            select day from activity semi join acts using (activity_id, actor_id) where source = $source
            union
            select day from activity semi join accounts using (actor_id) where source = $source
            order by day
            """,
            params={"source": source_id},
        ).fetchall()
    return [day for (day,) in found]


def _columns(acts: Sequence[tuple[str, str]]) -> tuple[pa.Array, pa.Array]:
    return (
        pa.array([activity_id for activity_id, _ in acts], pa.string()),
        pa.array([actor_id for _, actor_id in acts], pa.string()),
    )
