"""objections: acts and links that people dispute, and what became of it. Rows are only added."""

from schemas.table import Column, Table

OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
STATES = (OPEN, UPHELD, REJECTED)

OBJECTIONS = Table(
    name="objections",
    version=1,
    doc="Acts that people dispute. Of the rows of one objection, those recorded last count. An act of an upheld objection does"
    " not count in `engagement` from then on, whenever its day is counted again.",
    grain=("objection_id", "recorded_at", "day", "src", "dst"),
    partition_by=(),
    columns=(
        Column("objection_id", "string", "Random id of the objection."),
        Column("person_id", "string", "Who disputes: `platform:account_id`, the actor or the target of the act."),
        Column("platform", "string", "Platform of the act."),
        Column("activity_id", "string", "The act's id, as in `activity`."),
        Column("day", "date", "UTC day of the act."),
        Column("src", "string", "person_id of the actor."),
        Column("dst", "string", "person_id of the target."),
        Column("why", "string", "Why the person disputes it."),
        Column("state", "string", "`open`, `upheld` or `rejected`."),
        Column("answer", "string", "What the person was answered; null while it is open.", nullable=True),
        Column("recorded_at", "timestamp", "Instant at which this row was recorded: from it on, its state applies."),
        Column("recorded_by", "string", "User who recorded it."),
    ),
)
