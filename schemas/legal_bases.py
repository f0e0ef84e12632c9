"""legal_bases: legal bases other than consent on which the owner of a warehouse publishes everybody."""

from schemas.table import Column, Table

LEGAL_BASES = Table(
    name="legal_bases",
    version=1,
    doc="Each legal basis other than consent on which the owner of the warehouse publishes everybody, such as a public research"
    " data set, and each end of one. The row recorded last counts. An empty table: only people who consented are published.",
    grain=("recorded_at",),
    partition_by=(),
    columns=(
        Column("reason", "string", "The basis, in the owner's words; null if one ended.", nullable=True),
        Column("recorded_at", "timestamp", "Instant at which it was recorded."),
        Column("recorded_by", "string", "Who answers for it."),
    ),
)
