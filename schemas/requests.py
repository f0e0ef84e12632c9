"""requests: what people asked for, when, and when it was done. Rows are only added."""

from schemas.table import Column, Table

FORGET, EXPORT = "forget", "export"
KINDS = (FORGET, EXPORT)

REQUESTS = Table(
    name="requests",
    version=1,
    doc="What people asked for. Of the rows of one request, the one recorded last counts.",
    grain=("request_id", "recorded_at"),
    partition_by=(),
    columns=(
        Column("request_id", "string", "Random id of the request."),
        Column("kind", "string", "`forget` or `export`."),
        Column("asked_on", "date", "UTC day on which the person asked."),
        Column("person_id", "string", "Who asked for an export; null for who asked to be forgotten.", nullable=True),
        Column(
            "hash", "string", "Who asked to be forgotten: the keyed hash, as in `suppressed`. Else null.", nullable=True
        ),
        Column("done_at", "timestamp", "Instant at which it was done; null while it is open.", nullable=True),
        Column("recorded_at", "timestamp", "Instant at which this row was recorded."),
        Column("recorded_by", "string", "User or service that recorded it."),
    ),
)
