"""objections: acts and links that people dispute, and how each objection was answered. Rows are only added."""

from schemas.table import Column, Table

OPEN, UPHELD, REJECTED = "open", "upheld", "rejected"
ACT, LINK = "act", "link"

OBJECTIONS = Table(
    name="objections",
    version=1,
    doc="Acts, and links of two accounts, that people dispute. Of the rows of one objection, those recorded last count. An act"
    " of an upheld objection does not count in `engagement` from then on, whenever its day is counted again. Two accounts of an"
    " upheld objection are not linked from then on, whenever a day is scored again, whatever `links` holds.",
    grain=("objection_id", "recorded_at", "day", "src", "dst"),
    partition_by=(),
    columns=(
        Column("objection_id", "string", "Random id of the objection."),
        Column("kind", "string", "What is disputed: `act`, or `link`, that two accounts are one person."),
        Column("person_id", "string", "Who disputes: `platform:account_id`, equal to `src` or `dst`."),
        Column("platform", "string", "Platform of the act; of a link, that of `src`."),
        Column("activity_id", "string", "The act's id, as in `activity`; null for a link.", nullable=True),
        Column("day", "date", "UTC day of the act; of a link, the day of the objection."),
        Column("src", "string", "person_id of the actor; of a link, of who disputes it."),
        Column("dst", "string", "person_id of the target; of a link, of the other account."),
        Column("why", "string", "Why the person disputes it."),
        Column("state", "string", "`open`, `upheld` or `rejected`."),
        Column("answer", "string", "What the person was answered; null while it is open.", nullable=True),
        Column("recorded_at", "timestamp", "Instant at which this row was recorded: from it on, its state applies."),
        Column("recorded_by", "string", "User who recorded it."),
    ),
)
