"""The inputs of a day's score: what the window's acts weigh, and what is known of its accounts at the end of the day.

Reads the window's days of `engagement`, but `monthly_weights` in place of the days of whole months that were added up before;
`coverage`, the newest `accounts`, `links` and `objections`. Writes nothing.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from pyspark.sql import functions as F

from jobs import spark_partitions
from jobs.errors import CloutError
from jobs.score import attention, linked, measures
from jobs.score.fading import Fading
from jobs.warehouse import known_accounts, leavers, links
from jobs.warehouse.commits import Partition, Span
from jobs.warehouse.known_accounts import Known
from jobs.warehouse.links import People, Versions
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import Window
from schemas.engagement import ENGAGEMENT
from schemas.kinds import POST
from schemas.monthly_weights import MONTHLY_WEIGHTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# If a window's engagement has at most this many rows, its people (fewer than twice as many) are sent to every task that reads
# accounts: some 200 MB. Otherwise, Spark shuffles and sorts all accounts ever observed.
BROADCAST_ROWS = 2_000_000


class EmptyWindowError(CloutError):
    """There is nobody to score: the window holds no act between two people, or none of its days is covered."""


@dataclass(frozen=True)
class Inputs:
    """The inputs of a day's score: the window, its roll-ups, the engagement of all other days, the number of rows of both, what
    is known of accounts at the end of the day, the ids of the bots among them, and who has several accounts."""

    session: "SparkSession"
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

    @property
    def spark_partitions(self) -> int:
        """Spark partitions to use for the rows read and for their pairs."""
        return spark_partitions.enough(self.session, self.row_count)

    @cached_property
    def linked(self) -> "DataFrame | None":
        """(account, person) of the people who have several accounts; None if nobody has."""
        accounts = self.people.accounts
        return linked.frame(self.session, accounts) if len(accounts) else None

    def parts(self, sums: "DataFrame", spread: "DataFrame") -> "DataFrame | None":
        """The parts of people who have several accounts, as rows of `linked.of_accounts`; None if nobody has."""
        if self.linked is None:
            return None
        return linked.of_accounts(spread, sums, self.linked, self.window.methodology.rounds)

    def known(self, ids: "DataFrame") -> "DataFrame":
        """(id, handle) of these accounts (id)."""
        asked = F.broadcast(ids) if self.row_count <= BROADCAST_ROWS else ids
        return self.accounts.frame(self.session, asked)

    @cached_property
    def fading(self) -> Fading:
        """The factors of the window's covered days and months, with what the measures beside the score need."""
        window = self.window
        return measures.faded(window.days, window.covered, window.day, window.methodology)

    @property
    def engagement(self) -> "DataFrame":
        """The engagement of all days of the window, those of rolled-up months too."""
        return self._engagement({"day": Span(self.window.first_day, self.window.day)})

    @cached_property
    def _days(self) -> "DataFrame":
        return self._engagement({"day": self.roll_ups.outside(self.window.days)})

    def _engagement(self, days: Partition) -> "DataFrame":
        return self.warehouse.frame(self.session, ENGAGEMENT, days, version=self.window.snapshot.engagement)

    @cached_property
    def _months(self) -> "DataFrame | None":
        if not self.roll_ups.bases:
            return None
        months, version = self.roll_ups.partition, self.roll_ups.version
        return self.warehouse.frame(self.session, MONTHLY_WEIGHTS, months, version=version)

    def spread(self) -> "DataFrame":
        """How attention is spread at the end of the day, as `attention.attention` computes it."""
        methodology, count = self.window.methodology, self.spark_partitions
        # One exchange serves every grouping of days and of pairs, because all of them keep an actor's rows together.
        by_actor = self._days.repartition(count, "src")
        rolled_up = None if self._months is None else self._months.where("src <> dst")
        carried = measures.carried(methodology)
        weights = attention.weights(by_actor, self.fading, methodology, carried, rolled_up, count)
        return attention.attention(weights, self.session.createDataFrame(attention.doubted(self.bots)), methodology)

    def posts(self) -> "DataFrame":
        """(src, post_count) of the window's covered days, with one or more rows per account."""
        posts = measures.posted(self._days, self.fading)
        if self._months is None:
            return posts
        return posts.unionByName(self._months.where("src = dst").select("src", "post_count"))


def read(session: "SparkSession", warehouse: Warehouse, window: Window, roll_ups: RollUps) -> Inputs:
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
    return Inputs(session, warehouse, window, roll_ups, row_count, accounts, accounts.bots(), people, versions)


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
