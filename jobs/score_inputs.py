"""The inputs of a day's score: what the window's acts weigh, and what is known of its accounts at the end of the day.

Reads the window's days of `engagement`, but `monthly_weights` in place of the days of whole months that were added up before;
`coverage`, the newest `accounts`, `links` and `objections`. Writes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow.compute as pc

from jobs.backends import Backend
from jobs.errors import CloutError
from jobs.score import attention, measures
from jobs.score.fading import Fading
from jobs.sql import ENDS, T
from jobs.warehouse import known_accounts, leavers, links
from jobs.warehouse.commits import Partition, Span
from jobs.warehouse.known_accounts import Known
from jobs.warehouse.links import People, Versions
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import Window
from schemas.accounts import ACCOUNTS
from schemas.accounts_known import ACCOUNTS_KNOWN
from schemas.engagement import ENGAGEMENT
from schemas.kinds import POST
from schemas.monthly_weights import MONTHLY_WEIGHTS

# If a window's engagement has at most this many rows, its people (fewer than twice as many) are sent to every task that reads
# accounts: some 200 MB. Otherwise, Spark shuffles and sorts all accounts ever observed.
BROADCAST_ROWS = 2_000_000


class EmptyWindowError(CloutError):
    """There is nobody to score: the window holds no act between two people, or none of its days is covered."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a day's score: the window, its roll-ups, the number of rows of `engagement` and of roll-ups, what is known
    of accounts at the end of the day, the ids of the bots among them, and who has several accounts."""

    warehouse: Warehouse
    window: Window
    roll_ups: RollUps
    row_count: int
    accounts: Known
    bots: list[str]
    people: People
    links: Versions

    @property
    def versions(self) -> dict[str, int]:
        """Table name -> version, for a row of `runs`."""
        return {**self.window.snapshot.versions, MONTHLY_WEIGHTS.name: self.roll_ups.version, **self.links._asdict()}

    def linked(self, backend: Backend[T]) -> T | None:
        """(account, person) of the people who have several accounts; None if nobody has."""
        accounts = self.people.accounts
        return backend.numbered(backend.local(accounts), "account", "person") if len(accounts) else None

    def accounts_of(self, backend: Backend[T]) -> list[tuple[T, Sequence[str]]]:
        """The tables of these inputs, each with its columns that name accounts."""
        days, linked, months = self._days(backend), self.people.accounts, self._months(backend)
        held: list[tuple[T, Sequence[str]]] = [(days, ENDS), (backend.local(linked), linked.column_names)]
        return held if months is None else [*held, (months, ENDS)]

    def known(self, backend: Backend[T], people: T) -> T:
        """(id, handle) of these people or accounts (id, ...)."""
        hint = "/*+ BROADCAST(people) */" if self.row_count <= BROADCAST_ROWS else ""
        known, now = self.accounts, self.accounts.snapshot
        tables = {
            "people": backend.query(f"select {hint} id from {{people}} as people", people=people),
            "since": backend.counted(self.warehouse, ACCOUNTS, now.accounts, now.coverage, known.first_day, known.day),
        }
        if known.copy:
            tables["copy"] = backend.read(self.warehouse, ACCOUNTS_KNOWN, known.copy.partition, known.copy.version)
        return backend.query(known.named_sql(), **tables)

    @cached_property
    def fading(self) -> Fading:
        """The factors of the window's covered days and months, with what the measures beside the score need."""
        window = self.window
        return measures.faded(window.days, window.covered, window.day, window.methodology)

    def engagement(self, backend: Backend[T]) -> T:
        """The engagement of all days of the window, those of rolled-up months too."""
        return backend.numbered(self._engagement(backend, {"day": Span(self.window.first_day, self.window.day)}), *ENDS)

    def _days(self, backend: Backend[T]) -> T:
        return self._engagement(backend, {"day": self.roll_ups.outside(self.window.days)})

    def _engagement(self, backend: Backend[T], days: Partition) -> T:
        return backend.read(self.warehouse, ENGAGEMENT, days, self.window.snapshot.engagement)

    def _months(self, backend: Backend[T]) -> T | None:
        if not self.roll_ups.bases:
            return None
        return backend.read(self.warehouse, MONTHLY_WEIGHTS, self.roll_ups.partition, self.roll_ups.version)

    def spread(self, backend: Backend[T]) -> T:
        """How attention is spread at the end of the day, as `attention.attention` computes it; kept."""
        methodology, carried = self.window.methodology, measures.carried(self.window.methodology)
        doubted = backend.staged(backend.numbered(backend.local(attention.doubted(self.bots)), "id"))

        def of(days: T, months: T | None = None) -> T:
            # One exchange serves every grouping of days and of pairs, because all of them keep an actor's rows together.
            by_actor = backend.query(
                f"select /*+ REPARTITION({backend.spark_partitions}, src) */ * from {{days}}", days=days
            )
            weights = attention.weights(backend, by_actor, self.fading, methodology, carried, months)
            return attention.attention(backend, weights, doubted, methodology, carried)

        tables, months = [self._days(backend)], self._months(backend)
        if months is not None:
            columns = ", ".join(attention.columns_of_month(carried))
            tables.append(backend.query(f"select {columns} from {{months}} where src <> dst", months=months))
        return backend.kept_by_actor(of, *tables)

    def posts(self, backend: Backend[T]) -> T:
        """(src, post_count) of the window's covered days, with one or more rows per account."""
        posts, months = measures.posted(backend, self._days(backend), self.fading), self._months(backend)
        if months is not None:
            posts = backend.query(
                "select src, post_count from {posts} union all select src, post_count from {months} where src = dst",
                posts=posts,
                months=months,
            )
        return backend.numbered(posts, "src")


def read(warehouse: Warehouse, window: Window, roll_ups: RollUps) -> Inputs:
    """Reads the inputs of the day's score, with these roll-ups in place of their months' days. Raises `CloutError` like
    `leavers.refuse`, and `EmptyWindowError` if the window holds no act between two people, or if none of its days is
    covered."""
    held = [
        (ENGAGEMENT, {"day": roll_ups.outside(window.days)}, window.snapshot.engagement, pc.field("kind") != POST),
        (MONTHLY_WEIGHTS, roll_ups.partition, roll_ups.version, pc.field("src") != pc.field("dst")),
    ]
    row_count, has_acts = 0, False
    for table, partition, version, is_act in held:
        rows = warehouse.dataset(table, partition, version=version)
        leavers.refuse(warehouse, table, rows)
        row_count += rows.count_rows()
        # A Spark query would take a second.
        has_acts = has_acts or rows.filter(is_act).head(1, columns=["src"]).num_rows > 0
    _refuse_empty(window, has_acts)
    accounts = known_accounts.at_end_of(window.day, warehouse, window.snapshot)
    versions = links.versions(warehouse)
    people = links.at_end_of(window.day, warehouse, versions)
    return Inputs(warehouse, window, roll_ups, row_count, accounts, accounts.bots(), people, versions)


def _refuse_empty(window: Window, has_acts: bool) -> None:
    pull = f"`clout pull --day {window.day} --source ...`"
    if not has_acts:
        raise EmptyWindowError(
            f"engagement {window.first_day}..{window.day}: no act between two people, expected some; pull days of this window"
            f" first ({pull})"
        )
    if not window.covered:
        raise EmptyWindowError(
            f"coverage {window.first_day}..{window.day}: 0 rows, expected one for each platform pulled; no day of the window is"
            f" covered, so no act counts. Pull days of this window first ({pull})"
        )
