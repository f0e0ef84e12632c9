"""links -> people: which accounts are one person at the end of a day, and that person's id. Reads only `links`, and
`objections`: if an objection to a link was upheld, no evidence of the link counts.

A person is a connected component of the links that hold on the day. The person's id is the component's account that was linked
first. Links that have ended count too. Of several accounts linked first on the same day, the first in UTF-8 order is the id. So
the id stays when the person gains accounts or loses others. If two people become one, the id of the one who was linked first
stays. If one person becomes two, each takes their own earliest account as the id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from jobs.warehouse import objections
from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.links import LINKS
from schemas.objections import LINK, OBJECTIONS

SHOWN = ("account_a", "account_b", "kind", "first_seen", "until", "said_by", "why")


class Versions(NamedTuple):
    """The versions of the tables that decide who is one person."""

    links: int
    objections: int


@dataclass(frozen=True)
class People:
    """Who has several accounts. `accounts` has the columns (account, person), sorted by account; it omits people who have only
    one account. `too_large` has (person, account_count) of components above the limit, whose accounts are not joined."""

    accounts: pa.Table
    too_large: pa.Table

    @cached_property
    def digest(self) -> str | None:
        """Digest of `accounts`; None if nobody has several accounts."""
        lines = pc.binary_join_element_wise(*self.accounts.itercolumns(), "\t")
        if not len(lines):
            return None
        from jobs.warehouse import digests  # loads DuckDB

        return digests.of_texts(lines.to_pylist())

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
        """The person's accounts, sorted. If the person has only one, it is the person_id itself. The list is empty if that
        person_id is another person's account."""
        theirs = self.accounts.filter(pc.field("person") == person)["account"].to_pylist()
        is_another = pc.any(pc.equal(self.accounts["account"], person)).as_py()
        return theirs or ([] if is_another else [person])

    def with_account(self, account: str) -> list[str]:
        """The accounts, sorted, of the person who owns this one."""
        return self.of(self.person_of.get(account, account))


NOBODY = People(
    pa.table({"account": pa.array([], pa.string()), "person": pa.array([], pa.string())}),
    pa.table({"person": pa.array([], pa.string()), "account_count": pa.array([], pa.int64())}),
)


def versions(warehouse: Warehouse) -> Versions:
    """The newest versions."""
    return Versions(warehouse.version(LINKS), warehouse.version(OBJECTIONS))


def at_end_of(day: date, warehouse: Warehouse, at: Versions | None = None, max_accounts: int | None = None) -> People:
    """The people at the end of the UTC day, by the tables at these versions if given. `max_accounts`: accounts that one person
    may have, if not as in `infra/nights.yaml`."""
    return _resolved(_counting(warehouse, pc.field("first_seen") <= pa.scalar(day), at), day, max_accounts)


def of_accounts(day: date, warehouse: Warehouse, accounts: Iterable[str], at: Versions | None = None) -> People:
    """Like `at_end_of`, for look-ups: the people who own these accounts, and perhaps others. Reads only rows that connect these
    accounts, directly or through other accounts."""
    known: set[str] = set()
    asked = set(accounts)
    evidence = arrow.schema(LINKS).empty_table()
    while asked - known:
        known |= asked
        names = pa.array(sorted(known), pa.string())
        touching = pc.field("account_a").isin(names) | pc.field("account_b").isin(names)
        evidence = _counting(warehouse, touching & (pc.field("first_seen") <= pa.scalar(day)), at)
        asked = {account for name in ("account_a", "account_b") for account in evidence[name].to_pylist()}
    return _resolved(evidence, day)


def evidence(warehouse: Warehouse, accounts: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of `links` (columns `SHOWN`) between these accounts, in order. Includes rows that ended or were replaced, but no
    links that do not count because an objection to them was upheld."""
    names = pa.array(accounts, pa.string())
    between = pc.field("account_a").isin(names) & pc.field("account_b").isin(names)
    order = [(name, "ascending") for name in ("account_a", "account_b", "recorded_at", "said_by")]
    return _counting(warehouse, between).sort_by(order).select(SHOWN).to_pylist()


def are_recorded_since(warehouse: Warehouse, at: datetime, day: date) -> bool:
    """Whether evidence that begins on the UTC day or before, or an objection to a link or its answer, was recorded at that
    instant or later."""
    later = {"recorded_at": Span(at, datetime.max.replace(tzinfo=UTC))}
    return (
        warehouse.row_count(LINKS, later | {"first_seen": Span(date.min, day)}) > 0
        or warehouse.row_count(OBJECTIONS, later | {"kind": LINK}) > 0
    )


def _counting(warehouse: Warehouse, where: pc.Expression, at: Versions | None = None) -> pa.Table:
    """The rows of `links` that meet `where`, without pairs to whose link an objection was upheld."""
    rows = warehouse.read(LINKS, where=where, version=at.links if at else None)
    disputed = objections.upheld_links(warehouse, at.objections if at else None) if len(rows) else set()
    if not disputed:
        return rows
    pairs = pc.binary_join_element_wise(rows["account_a"], rows["account_b"], "\n")
    return rows.filter(pc.invert(pc.is_in(pairs, pa.array(["\n".join(pair) for pair in disputed], pa.string()))))


def _resolved(evidence: pa.Table, day: date, max_accounts: int | None = None) -> People:
    if not len(evidence):
        return NOBODY
    from jobs.night_settings import nights
    from jobs.scratch import scratch
    from jobs.warehouse import components  # loads DuckDB, which readers need only if there are links

    with scratch() as db:
        return People(*components.resolved(db, evidence, day, max_accounts or nights().max_accounts))
