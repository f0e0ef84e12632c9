"""accounts -> accounts_known: what is known of every account at the end of a day, from a month's copy and the days since.

For each column the newest known value counts. A month's copy holds the newest known values of all days up to its end, so a
nightly run reads one copy and the days since, at most 31, whatever the history. It makes the copy of the previous month if it
is missing, from the copy before it and that month's days, without a JVM. A day that is pulled again invalidates the copies that
hold it. The number of accounts grows with every day, so a nightly run looks only for bots and for the people whom it scores.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from jobs.days import ONE_DAY, end_of_month, month_of
from jobs.scratch import scratch
from jobs.warehouse import counted, digests, rollups
from jobs.warehouse.arrow_writer import Layout
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.coverage import COVERAGE

JOB = "accounts_known"

# A copy has bots first, so that a reader of bots opens few row groups.
LAYOUT = Layout(rows_per_group=16_384)
IS_BOT = pc.equal(pc.field("is_bot"), True)

OBSERVED = ("platform", "account_id", "day", "source", "handle", "is_bot")


@dataclass(frozen=True)
class Copy:
    """A month's copy that matches the current files of all days up to its end, at a version of `accounts_known`."""

    month: date
    basis: str
    version: int

    @property
    def partition(self) -> dict[str, date | str]:
        """Column -> value of the copy's partition in `accounts_known`."""
        return {"month": self.month, "basis": self.basis}

    @property
    def select(self) -> str:
        """SQL for the copy's rows in `{copy}`, as observations on the last day of the month."""
        return (
            f"select platform, account_id, date '{end_of_month(self.month)}' as day, '' as source, handle, is_bot"
            f" from {{copy}} where month = date '{self.month}' and basis = '{self.basis}'"
        )


@dataclass(frozen=True)
class Known:
    """What is known of accounts at the end of `day`: the values in a month's copy, and all later observations. If no copy
    matches, `copy` is None and all observations are read."""

    warehouse: Warehouse
    snapshot: Snapshot
    day: date
    copy: Copy | None

    @property
    def first_day(self) -> date:
        """The first day whose observations are read."""
        return end_of_month(self.copy.month) + ONE_DAY if self.copy else date.min

    def bots(self) -> list[str]:
        """The ids of the accounts that are bots, sorted."""
        with scratch() as db:
            self.register(db, IS_BOT)
            spoken = newest_accounts_sql(self.day).format(accounts="(select * from observed where is_bot is not null)")
            return [id for (id,) in db.execute(f"select id from ({spoken}) where is_bot order by id").fetchall()]

    def handles(self, people: Iterable[str]) -> dict[str, str]:
        """person_id -> handle. People without a handle are absent."""
        asked = pa.table({"id": pa.array(sorted(people), pa.string())})
        accounts = pa.array([id.partition(":")[2] for id in asked["id"].to_pylist()], pa.string())
        with scratch() as db:
            self.register(db, pc.field("account_id").isin(accounts))
            db.register("asked", asked)
            theirs = "(from observed semi join asked on id = concat(platform, ':', account_id))"
            newest = newest_accounts_sql(self.day).format(accounts=theirs)
            return dict(db.execute(f"select id, handle from ({newest}) where handle <> '' order by id").fetchall())

    def named_sql(self) -> str:
        """SQL for one row (id, handle) for each of the `{people}` (id) who was ever observed. `{since}` holds the rows of
        `accounts` from `first_day` on that count, and `{copy}`, if there is one, the rows of `accounts_known`."""
        observed = f"select {', '.join(OBSERVED)} from {{since}}"
        if self.copy is not None:
            observed += f" union all {self.copy.select}"
        theirs = f"""
            (
                select observed.* from ({observed}) as observed
                semi join {{people}} as asked on asked.id = concat(platform, ':', account_id)
            )
        """
        return f"select id, handle from ({newest_accounts_sql(self.day).replace('{accounts}', theirs)})"

    def register(self, db: duckdb.DuckDBPyConnection, of_copy: pc.Expression | None = None) -> None:
        """Creates the view `observed`, which holds the copy's rows and all later observations. If `of_copy` is given, the view
        holds only those rows of the copy that meet it."""
        warehouse, now = self.warehouse, self.snapshot
        since = counted.dataset(warehouse, ACCOUNTS, now.accounts, now.coverage, self.first_day, self.day)
        db.register("observed_since", since)
        query = f"select {', '.join(OBSERVED)} from observed_since"
        if self.copy is not None:
            before = warehouse.dataset(ACCOUNTS_KNOWN, self.copy.partition, version=self.copy.version)
            db.register("observed_before", before if of_copy is None else before.filter(of_copy))
            query += f" union all {self.copy.select.format(copy='observed_before')}"
        db.execute(f"create or replace temp view observed as {query}")


def at_end_of(day: date, warehouse: Warehouse, snapshot: Snapshot) -> Known:
    """What is known at the end of the day, with the newest matching copy of a month before the day's month."""
    return Known(warehouse, snapshot, day, _newest_copy(warehouse, _bases(warehouse, snapshot, day)))


def newest_accounts_sql(last_day: date) -> str:
    """SQL for one row (id, platform, account_id, handle, is_bot) per account of `{accounts}`. `handle` and `is_bot` are the
    newest known values up to `last_day`. Of two sources on one day, the first by name counts. A null does not replace an
    earlier known value."""
    columns = ("handle", "is_bot")
    of_day = ", ".join(f"min_by({name}, source) filter (where {name} is not null) as {name}" for name in columns)
    newest = ", ".join(f"max_by({name}, day) filter (where {name} is not null) as {name}" for name in columns)
    return f"""
        select concat(platform, ':', account_id) as id, platform, account_id, {newest}
        from (
            select platform, account_id, day, {of_day}
            from {{accounts}} where day <= date '{last_day}' group by platform, account_id, day
        )
        group by platform, account_id
    """


def make_copy(warehouse: Warehouse, snapshot: Snapshot, day: date, *, run_id: str) -> None:
    """Makes one month's copy, unless it exists. The month is the newest one before the day's month that has pulled rows. Starts
    from the newest earlier copy. If another run makes the same copy and commits first, keeps that copy, which has the same
    rows."""
    bases = _bases(warehouse, snapshot, day)
    if not bases:
        return
    month, basis = max(bases.items())
    earlier = _newest_copy(warehouse, bases)
    if earlier is not None and earlier.month == month:
        return
    columns = f"date '{month}' as month, '{basis}' as basis, platform, account_id, handle, is_bot"
    last_day = end_of_month(month)
    with scratch() as db:
        Known(warehouse, snapshot, last_day, earlier).register(db)
        known = newest_accounts_sql(last_day).format(accounts="observed")
        rows = db.sql(f"select {columns} from ({known}) order by is_bot desc nulls last, platform, account_id")
        reader, place = rows.to_arrow_reader(), {"month": month}
        try:
            warehouse.replace(ACCOUNTS_KNOWN, reader, place, run_id=run_id, job=JOB, layout=LAYOUT)
        except LostRaceError as error:
            logging.getLogger(__name__).info("%s", error)


def credibility_digest(warehouse: Warehouse, snapshot: Snapshot, day: date) -> str:
    """Digest of the account data that scores use at the end of the day: the ids of the accounts that are bots."""
    return digests.of_texts(at_end_of(day, warehouse, snapshot).bots())


def _newest_copy(warehouse: Warehouse, bases: Mapping[date, str]) -> Copy | None:
    version = warehouse.version(ACCOUNTS_KNOWN)
    copied = rollups.bases_of_copies(warehouse, ACCOUNTS_KNOWN, version=version)
    right = (Copy(month, basis, version) for month, basis in bases.items() if basis in copied.get(month, ()))
    return max(right, key=lambda copy: copy.month, default=None)


def _bases(warehouse: Warehouse, snapshot: Snapshot, day: date) -> dict[date, str]:
    """Month -> basis, of months before the day's month."""
    opened = [warehouse.delta(ACCOUNTS, snapshot.accounts), warehouse.delta(COVERAGE, snapshot.coverage)]
    bases = rollups.by_month(rollups.files(opened), cumulative=True)
    return {month: basis for month, basis in bases.items() if month < month_of(day)}
