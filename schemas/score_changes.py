"""score_changes: why a score is not what it was."""

from schemas.table import Column, Table

SCORE_CHANGES = Table(
    name="score_changes",
    version=1,
    doc="A person's change between two days, split by reason; a person's rows sum to the change.",
    grain=("methodology", "day", "since_day", "person_id", "reason"),
    partition_by=("methodology", "day"),
    columns=(
        Column("day", "date", "UTC day of the later score."),
        Column("methodology", "string", "Version of the methodology of both scores."),
        Column("since_day", "date", "UTC day of the earlier score."),
        Column("person_id", "string", "`platform:account_id`, split at the first colon."),
        Column("reason", "string", "Reason code."),
        Column("points", "double", "Part of the change of `score`, in points."),
        Column("influence", "double", "Part of the change of `influence`, in accounts' worth."),
    ),
)
