"""score_changes: why each person's score changed between two published days."""

from schemas.table import Column, Table

# Reason code -> its meaning, as the dictionary and the explanation state it.
REASONS = {
    "new_engagement": "people who engaged before did so again",
    "engager_arrived": "people engaged who had not in the window before",
    "faded_engagement": "earlier engagement faded with time",
    "engager_left": "all engagement of some people left the window",
    "attention_moved": "engagers spent their attention on others, or less of it there than before",
    "engagers_attention": "engagers themselves hold more or less attention than before",
    "coverage_restored": "acts of earlier days arrived that had been missing, or acts aged by days covered since",
    "coverage_missing": "acts of earlier days are no longer there, or acts aged less by days no longer covered",
    "credibility": "engagers declared that they are bots, or no longer do",
    "accounts_linked": "accounts became or ceased to be the same person's",
    "methodology": "another methodology is the official one",
}

SCORE_CHANGES = Table(
    name="score_changes",
    version=2,
    doc="A person's change between two days, split by reason; a person's rows sum to the change. Built on request.",
    grain=("methodology", "day", "since_day", "person_id", "reason"),
    partition_by=("methodology", "day"),
    columns=(
        Column("day", "date", "UTC day of the later score."),
        Column("methodology", "string", "Version of the methodology of the later score."),
        Column("since_day", "date", "UTC day of the earlier score."),
        Column("person_id", "string", "`platform:account_id`, split at the first colon."),
        Column("reason", "string", "; ".join(f"`{code}`: {meaning}" for code, meaning in REASONS.items()) + "."),
        Column("points", "double", "Part of the change of `score`, in points."),
        Column("influence", "double", "Part of the change of `influence`, in accounts' worth."),
    ),
)
