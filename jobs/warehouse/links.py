"""links -> people: which accounts are one person at the end of a day, and that person's id. Reads only `links`.

A person is a connected component of the links that hold on the day. The person's id is the account that was linked first ever,
by links that have ended too; of several, the first in UTF-8 order. So the id stays when the person gains accounts or loses
others. If two people become one, the id of the one who was linked first stays. If one becomes two, each takes the id of their
own earliest account.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.night_settings import nights
from jobs.scratch import scratch
from jobs.warehouse import digests
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.links import BY_BOTH, LINKS, WORDS

SHOWN = ("account_a", "account_b", "kind", "first_seen", "until", "said_by", "why")

# One row (a, b, since, holds) per pair of account numbers that was linked up to the day. Of `said`, 1 is account a, 2 is b.
_PAIRS = """
    with evidence as (
        select a, b, kind, first_seen, said, arg_max(until, recorded_at) as until
        from links where first_seen <= $day group by all
    ), linked as (
        select a, b, first_seen, until from evidence where kind in (select unnest($words))
        union all
        select one.a, one.b, greatest(one.first_seen, other.first_seen), least(one.until, other.until)
        from evidence as one join evidence as other using (a, b, kind)
        where one.said = 1 and other.said = 2 and kind in (select unnest($by_both))
    )
    select a, b, min(first_seen) as since, bool_or(until > $day) as holds
    from linked where until > first_seen group by all
"""
_ENDLESS = date.max


@dataclass(frozen=True)
class People:
    """Who has several accounts. `accounts` is (account, person), sorted by account; accounts of people who have only one are
    not in it. `too_large` is (person, account_count) of components above the limit, which are not joined."""

    accounts: pa.Table
    too_large: pa.Table

    @cached_property
    def digest(self) -> str | None:
        """Digest of `accounts`; None if nobody has several."""
        lines = pc.binary_join_element_wise(*self.accounts.itercolumns(), "\t")
        return digests.of_texts(lines.to_pylist()) if len(lines) else None

    @cached_property
    def person_of(self) -> dict[str, str]:
        """Account -> person."""
        return dict(zip(*(column.to_pylist() for column in self.accounts.itercolumns()), strict=True))

    def by_person(self) -> dict[str, list[str]]:
        """Person -> accounts, both in order."""
        found: dict[str, list[str]] = {}
        for account, person in self.person_of.items():
            found.setdefault(person, []).append(account)
        return dict(sorted(found.items()))

    def of(self, person: str) -> list[str]:
        """The person's accounts, sorted: the person_id alone if the person has only one, none if it is another person's
        account."""
        theirs = self.accounts.filter(pc.field("person") == person)["account"].to_pylist()
        is_another = pc.any(pc.equal(self.accounts["account"], person)).as_py()
        return theirs or ([] if is_another else [person])


NOBODY = People(
    pa.table({"account": pa.array([], pa.string()), "person": pa.array([], pa.string())}),
    pa.table({"person": pa.array([], pa.string()), "account_count": pa.array([], pa.int64())}),
)


def at_end_of(day: date, warehouse: Warehouse, version: int | None = None) -> People:
    """The people of the UTC day by `links`, at a version if given."""
    evidence = warehouse.read(LINKS, where=pc.field("first_seen") <= pa.scalar(day), version=version)
    if not len(evidence):
        return NOBODY
    with scratch() as db:
        return resolved(db, evidence, day, nights().max_accounts)


def of_accounts(day: date, warehouse: Warehouse, accounts: Iterable[str], version: int | None = None) -> People:
    """Like `at_end_of`, for look-ups: of the people who own these accounts, and perhaps of others. Reads only rows that connect
    them."""
    known: set[str] = set()
    asked = set(accounts)
    evidence = arrow.schema(LINKS).empty_table()
    while asked - known:
        known |= asked
        names = pa.array(sorted(known), pa.string())
        touching = pc.field("account_a").isin(names) | pc.field("account_b").isin(names)
        evidence = warehouse.read(LINKS, where=touching & (pc.field("first_seen") <= pa.scalar(day)), version=version)
        asked = {account for name in ("account_a", "account_b") for account in evidence[name].to_pylist()}
    if not len(evidence):
        return NOBODY
    with scratch() as db:
        return resolved(db, evidence, day, nights().max_accounts)


def evidence(warehouse: Warehouse, accounts: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `links` (columns `SHOWN`) between these accounts, those that ended or were replaced too, in order."""
    names = pa.array(accounts, pa.string())
    between = pc.field("account_a").isin(names) & pc.field("account_b").isin(names)
    order = [(name, "ascending") for name in ("account_a", "account_b", "recorded_at", "said_by")]
    return warehouse.read(LINKS, where=between).sort_by(order).select(SHOWN).to_pylist()


def are_recorded_since(warehouse: Warehouse, at: datetime, day: date) -> bool:
    """Whether evidence that begins on the UTC day or before was recorded at that instant or later."""
    later = {"recorded_at": Span(at, datetime.max.replace(tzinfo=UTC)), "first_seen": Span(date.min, day)}
    return warehouse.row_count(LINKS, later) > 0


def resolved(db: duckdb.DuckDBPyConnection, evidence: pa.Table, day: date, max_accounts: int) -> People:
    """The people of the UTC day by these rows of `links`; components of more accounts are not joined. `db` is a scratch
    database."""
    names, numbered = _numbered(evidence)
    db.register("links", numbered)
    pairs = db.sql(_PAIRS, params={"day": day, "words": list(WORDS), "by_both": list(BY_BOTH)}).to_arrow_table()
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    since = np.full(len(names), np.datetime64(_ENDLESS))
    for ends in (a, b):
        np.minimum.at(since, ends, pairs["since"].to_numpy())
    holds = pairs["holds"].to_numpy()
    label = joined(a[holds], b[holds], len(names))
    account_count = np.bincount(label, minlength=len(names))[label]
    several = np.flatnonzero(account_count > 1)
    accounts = several[pc.sort_indices(names.take(several))]
    person = np.zeros_like(label)  # by component
    youngest_first = accounts[np.argsort(since[accounts], kind="stable")][::-1]
    person[label[youngest_first]] = youngest_first  # of several values for one place, NumPy keeps the last
    return _people(names, accounts, person[label[accounts]], account_count[accounts], max_accounts)


def _numbered(evidence: pa.Table) -> tuple[pa.Array, pa.Table]:
    """The names of the accounts, and the evidence with their places for names, which take less memory."""
    ends = [evidence[name] for name in ("account_a", "account_b")]
    coded = pa.chunked_array([*ends[0].chunks, *ends[1].chunks], pa.string()).combine_chunks().dictionary_encode()
    said = [pc.equal(evidence["said_by"], end).cast(pa.int8()) for end in ends]
    is_word = pc.is_in(evidence["kind"], pa.array(WORDS))
    columns = {
        "a": coded.indices[: len(evidence)],
        "b": coded.indices[len(evidence) :],
        "said": pc.if_else(
            is_word, pa.scalar(0, pa.int8()), pc.add(said[0], pc.multiply(said[1], pa.scalar(2, pa.int8())))
        ),
        "until": evidence["until"].fill_null(pa.scalar(_ENDLESS)),
        **{name: evidence[name] for name in ("kind", "first_seen", "recorded_at")},
    }
    return coded.dictionary, pa.table(columns)


def _people(
    names: pa.Array, accounts: np.ndarray, person: np.ndarray, account_count: np.ndarray, max_accounts: int
) -> People:
    """From numbers of accounts, in the order of their names, of their persons, and the sizes of their components."""
    few = account_count <= max_accounts
    is_id = ~few & (accounts == person)
    return People(
        pa.table({"account": names.take(accounts[few]), "person": names.take(person[few])}),
        pa.table({"person": names.take(accounts[is_id]), "account_count": account_count[is_id]}),
    )


def joined(one: np.ndarray, other: np.ndarray, count: int) -> np.ndarray:
    """For each of the numbers below `count`, the least number of its connected component. Pairs connect `one` and `other`.

    Each round hooks every component on the least it is connected with, and then flattens the trees (Shiloach and Vishkin, "An
    O(log n) parallel connectivity algorithm", Journal of Algorithms 3, 1982).
    """
    label = np.arange(count)
    while len(one):
        low, high = np.minimum(label[one], label[other]), np.maximum(label[one], label[other])
        apart = low < high
        one, other = one[apart], other[apart]
        np.minimum.at(label, high[apart], low[apart])
        while not np.array_equal(label, further := label[label]):
            label = further
    return label
