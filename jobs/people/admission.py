"""Decides whom clout may publish and name: everybody of a simulation; on a recorded legal basis, everybody who did not refuse;
else only people who agreed.

A decision reads one version of `consent`, `links`, `objections` and `legal_bases` and one UTC day, so it does not change
while a command runs. If a person's accounts agreed to different scopes, the narrowest scope counts for the person.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from jobs import labels
from jobs.errors import UsageError
from jobs.people import consent, legal_basis
from jobs.people.legal_basis import LegalBasis
from jobs.warehouse import links, runs, suppression
from jobs.warehouse.links import Versions
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.suppression import Suppressed
from schemas.consent import CONSENT, NO, PUBLIC, SCOPES
from schemas.coverage import COVERAGE
from schemas.kinds import SIMULATED_PREFIX, is_simulated

CONSENTED = "consent"


@dataclass(frozen=True)
class Admission:
    """Who may be published on a UTC day. `basis` is the legal basis, None if only consent counts."""

    warehouse: Warehouse
    day: date
    basis: LegalBasis | None
    version: int  # of `consent`
    links: Versions
    left: Suppressed = field(default_factory=Suppressed)  # people who are never published

    @property
    def is_simulated(self) -> bool:
        """Whether the warehouse holds the simulation. It then holds nobody real."""
        covered = self.warehouse.dataset(COVERAGE).head(1, columns=["platform"])["platform"].to_pylist()
        return any(map(is_simulated, covered))

    @property
    def ground(self) -> str:
        """Why people may be published, as `publications` records it."""
        return self.basis.reason if self.basis else CONSENTED

    @property
    def label(self) -> str:
        """The line that accompanies all output about people."""
        if self.is_simulated:
            return labels.SIMULATED
        return f"legal basis: {self.basis}" if self.basis else labels.BY_CONSENT

    def admitted(self, people: pa.RecordBatchReader) -> pa.RecordBatchReader:
        """The rows of `people` (a stream with the column `person_id`) for people who may be published, unchanged and in
        order."""
        if self.basis and not self.left and not consent.is_recorded(self.warehouse, self.version):
            return people
        return pa.RecordBatchReader.from_batches(people.schema, self._kept(people))

    def _kept(self, people: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
        for batch in people:
            who = batch["person_id"]
            is_known = pc.is_in(who, value_set=self._known)
            admitted = pc.invert(is_known) if self.basis else pc.or_(is_known, pc.starts_with(who, SIMULATED_PREFIX))
            if self.left:
                admitted = pc.and_(
                    admitted, pa.array([person not in self.left for person in who.to_pylist()], pa.bool_())
                )
            yield batch.filter(admitted)

    @cached_property
    def _known(self) -> pa.Array:
        """The people who agreed to be published or, on a legal basis, those who agreed to less."""
        is_asked = [scope for scope in SCOPES if (scope == PUBLIC) != bool(self.basis)]
        known = consent.people(self.warehouse, self.day, self.version, is_asked)
        owners = links.at_end_of(self.day, self.warehouse, self.links).person_of
        if not owners:
            return known
        lesser = [scope for scope in SCOPES if scope != PUBLIC]
        accounts = consent.people(self.warehouse, self.day, self.version, lesser).to_pylist()
        withheld = pa.array({owners[account] for account in accounts if account in owners}, pa.string())
        if self.basis:
            return pa.concat_arrays([known, withheld])
        return known.filter(pc.invert(pc.is_in(known, value_set=withheld)))

    def named(self, people: Iterable[str]) -> set[str]:
        """Those of these people who may be named."""
        asked = set(people)
        owners = links.of_accounts(self.day, self.warehouse, asked, self.links)
        theirs = {who: owners.of(owners.person_of.get(who, who)) for who in asked} if owners.person_of else {}
        everybody = asked.union(*theirs.values())
        recorded = consent.of_people(self.warehouse, everybody, self.day, self.version)
        unknown = PUBLIC if self.basis else NO

        def scope(who: str) -> str:
            words = [recorded[account] for account in theirs.get(who, [who]) if account in recorded]
            return min(words, key=SCOPES.index, default=unknown)

        named = {who for who in asked if scope(who) == PUBLIC or who.startswith(SIMULATED_PREFIX)}
        return {who for who in named if who not in self.left} if self.left else named


def decide_publication(warehouse: Warehouse, day: date | None = None) -> Admission:
    """Like `decide`, for rows of `influence`. Raises `UsageError` if a key of people who left is missing, or if the journal
    holds people whom `suppressed` lacks."""
    return replace(decide(warehouse, day), left=suppression.current(warehouse))


def decide(warehouse: Warehouse, day: date | None = None) -> Admission:
    """The decision for an output on the UTC day (None: the present day), from the current tables. Excludes people who left only
    if their keys are set. Readers need no keys, because `clout person forget` removes these people from `scores` at once."""
    return Admission(
        warehouse,
        day or runs.now().date(),
        legal_basis.current(warehouse),
        warehouse.version(CONSENT),
        links.versions(warehouse),
        suppression.recognized(warehouse),
    )


def is_chosen(warehouse: Warehouse) -> bool:
    """Whether the owner of the warehouse recorded a legal basis or anybody's consent."""
    return legal_basis.current(warehouse) is not None or consent.is_recorded(warehouse)


def require_choice(warehouse: Warehouse) -> None:
    """Raises `UsageError`, which names both ways, if the owner of a warehouse with real people recorded neither a legal basis
    nor anybody's consent."""
    if warehouse.exists() and is_chosen(warehouse):
        return
    raise UsageError(
        "these are real people, and clout publishes nobody who did not agree. Choose one:\n"
        "  people agreed        clout consent import FILE   (CSV or Parquet: person_id, scope)\n"
        '  another legal basis  add --everybody "REASON" to this command, such as --everybody "public research data set, SNAP";'
        " the reason is shown wherever people are"
    )
