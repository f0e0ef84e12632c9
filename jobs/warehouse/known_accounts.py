"""accounts -> accounts_known: what is known of every account at the end of a day, from a month's copy and the days since.

For each column the newest known value counts. A month's copy holds the newest known values of all days up to its end, so
earlier days need not be read. A nightly run makes the copy of the previous month if it is missing, without a JVM.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from jobs.days import ONE_DAY
from jobs.scratch import scratch
from jobs.warehouse import counted, digests, rollups
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.storage import LostRaceError, Warehouse
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.coverage import COVERAGE

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

JOB = "accounts_known"
OBSERVED = ("platform", "account_id", "day", "source", "handle", "is_bot")


@dataclass(frozen=True)
class Copy:
    """A month's copy that matches the current files of all days up to its end."""

    month: date
    basis: str

    @property
    def partition(self) -> dict[str, date | str]:
        """Column -> value of the copy's partition in `accounts_known`."""
        return {"month": self.month, "basis": self.basis}

    @property
    def select(self) -> str:
        """SQL for the copy's rows in `{copy}`, as observations on the last day of the month."""
        return (
            f"select platform, account_id, date '{rollups.end_of(self.month)}' as day, '' as source, handle, is_bot"
            f" from {{copy}} where month = date '{self.month}' and basis = '{self.basis}'"
        )


def newest_copy(warehouse: Warehouse, snapshot: Snapshot, day: date) -> Copy | None:
    """The newest matching copy of a month before the day's month; None if there is none."""
    copied = rollups.bases_of_copies(warehouse, ACCOUNTS_KNOWN)
    right = (
        Copy(month, basis)
        for month, basis in _bases(warehouse, snapshot, day).items()
        if basis in copied.get(month, ())
    )
    return max(right, key=lambda copy: copy.month, default=None)


def newest_accounts_sql(last_day: date) -> str:
    """SQL for one row per account of `{accounts}`: (id, platform, account_id, handle, is_bot), each the newest known value up
    to `last_day`. Of two sources on one day, the first by name counts. A null does not replace an earlier known value."""
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


def newest_accounts(accounts: "DataFrame", last_day: date) -> "DataFrame":
    """One row (id, handle, is_bot) per account, as known at the end of `last_day`."""
    return accounts.sparkSession.sql(newest_accounts_sql(last_day), accounts=accounts).select("id", "handle", "is_bot")


def make_copy(warehouse: Warehouse, snapshot: Snapshot, day: date, *, run_id: str) -> None:
    """Makes the copy of the newest month with pulled rows before the day's month, unless it exists. Starts from the newest
    earlier copy. If another run makes the same copy and commits first, keeps that copy, which has the same rows."""
    bases = _bases(warehouse, snapshot, day)
    if not bases:
        return
    month, basis = max(bases.items())
    earlier = newest_copy(warehouse, snapshot, day)
    if earlier is not None and earlier.month == month:
        return
    known = f"select date '{month}' as month, '{basis}' as basis, platform, account_id, handle, is_bot from newest"
    last_day = rollups.end_of(month)
    with scratch() as db:
        _register(db, warehouse, snapshot, earlier, last_day)
        rows = db.sql(f"with newest as ({newest_accounts_sql(last_day).format(accounts='observed')}) {known}")
        try:
            warehouse.replace(ACCOUNTS_KNOWN, rows.to_arrow_reader(), {"month": month}, run_id=run_id, job=JOB)
        except LostRaceError as error:
            logging.getLogger(__name__).info("%s", error)


def frame(session: "SparkSession", warehouse: Warehouse, snapshot: Snapshot, day: date) -> "DataFrame":
    """One row (id, handle, is_bot) per account, as known at the end of the day."""
    copy = newest_copy(warehouse, snapshot, day)
    first_day = _first_day(copy)
    observed = counted.frame(session, warehouse, ACCOUNTS, snapshot.accounts, snapshot.coverage, first_day, day).select(
        *OBSERVED
    )
    if copy is not None:
        months = warehouse.frame(session, ACCOUNTS_KNOWN, copy.partition)
        observed = observed.unionByName(session.sql(copy.select.format(copy="{copy}"), copy=months))
    return newest_accounts(observed, day)


def register(db: duckdb.DuckDBPyConnection, name: str, warehouse: Warehouse, snapshot: Snapshot, day: date) -> None:
    """Creates the temporary table `name` with the rows of `frame`, and the columns platform and account_id."""
    _register(db, warehouse, snapshot, newest_copy(warehouse, snapshot, day), day)
    db.execute(f"create temp table {name} as {newest_accounts_sql(day).format(accounts='observed')}")


def handles(warehouse: Warehouse, snapshot: Snapshot, day: date, people: Iterable[str]) -> dict[str, str]:
    """person_id -> handle as known at the end of the day. People without a handle are absent."""
    asked = pa.table({"id": pa.array(sorted(people), pa.string())})
    with scratch() as db:
        _register(db, warehouse, snapshot, newest_copy(warehouse, snapshot, day), day)
        db.register("asked", asked)
        theirs = "(from observed semi join asked on id = concat(platform, ':', account_id))"
        newest = newest_accounts_sql(day).format(accounts=theirs)
        return dict(db.execute(f"select id, handle from ({newest}) where handle <> '' order by id").fetchall())


def credibility_digest(warehouse: Warehouse, snapshot: Snapshot, day: date) -> str:
    """Digest of the account data that scores use at the end of the day: the ids of the accounts that are bots."""
    with scratch() as db:
        _register(db, warehouse, snapshot, newest_copy(warehouse, snapshot, day), day)
        spoken = newest_accounts_sql(day).format(accounts="(select * from observed where is_bot is not null)")
        bots = db.execute(f"select id from ({spoken}) where is_bot order by id").fetchall()
        return digests.of_texts(id for (id,) in bots)


def _register(
    db: duckdb.DuckDBPyConnection, warehouse: Warehouse, snapshot: Snapshot, copy: Copy | None, day: date
) -> None:
    """Creates the view `observed`: the copy's rows, and observations of accounts after the copy up to the day."""
    since = counted.dataset(warehouse, ACCOUNTS, snapshot.accounts, snapshot.coverage, _first_day(copy), day)
    db.register("observed_since", since)
    query = f"select {', '.join(OBSERVED)} from observed_since"
    if copy is not None:
        db.register("observed_before", warehouse.dataset(ACCOUNTS_KNOWN, copy.partition))
        query += f" union all {copy.select.format(copy='observed_before')}"
    db.execute(f"create or replace temp view observed as {query}")


def _first_day(copy: Copy | None) -> date:
    return rollups.end_of(copy.month) + ONE_DAY if copy else date.min


def _bases(warehouse: Warehouse, snapshot: Snapshot, day: date) -> dict[date, str]:
    """Month -> basis, of months before the day's month."""
    opened = [warehouse.delta(ACCOUNTS, snapshot.accounts), warehouse.delta(COVERAGE, snapshot.coverage)]
    bases = rollups.by_month(rollups.files(opened), cumulative=True)
    return {month: basis for month, basis in bases.items() if month < rollups.month_of(day)}
