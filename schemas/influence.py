"""influence: every person's score and its parts, before checks and publication. Internal."""

from schemas.table import Column, Table

PERSON_COLUMNS = (
    Column("day", "date", "UTC day the score describes; activity up to its end is counted."),
    Column("methodology", "string", "Version of the methodology the row was computed with, e.g. `2026.11`."),
    Column(
        "person_id",
        "string",
        "`platform:account_id`, split at the first colon. Of a person with several accounts, the one linked first.",
    ),
    Column("platform", "string", "Platform of the account in `person_id`."),
    Column("handle", "string", "Newest known name of that account; null if unknown.", nullable=True),
    Column("simulated", "boolean", "True for people of the bundled simulation, who do not exist."),
    Column("influence", "double", "Attention held, in accounts' worth, >= 0; equals `direct` + `second` + `third`."),
    Column("direct", "double", "Part of `influence` from those who engage with the person, in accounts' worth."),
    Column("second", "double", "Part that reached those engagers from others, in accounts' worth."),
    Column("third", "double", "Part that came one step further, in accounts' worth."),
    Column(
        "score",
        "double",
        "0 to 100 on an absolute logarithmic scale of `influence`; others' arrival does not lower it.",
    ),
    Column("rank", "long", "Competition rank by `influence` among the day's people, from 1; ties are equal. Relative."),
    Column("percentile", "double", "Share of the day's people with less influence, 0 to below 1. Relative."),
    Column(
        "engager_count", "long", "Distinct accounts of credibility above 0 that engaged in the window (true reach)."
    ),
    Column(
        "window_coverage", "double", "Share of the window's days on which the person's platform was covered, 0 to 1."
    ),
    Column(
        "amplification",
        "double",
        "Others' quotes, reshares, replies and likes per post of the person in the window, >= 0; null if no post is known.",
        nullable=True,
    ),
    Column(
        "inclusion",
        "double",
        "0 to 100; 100: whether the person answers people does not depend on how much direct attention these hold. Null if"
        " too few address the person (`min_inbound`) or nobody is answered.",
        nullable=True,
    ),
)

INFLUENCE = Table(
    name="influence",
    version=2,
    doc="Every person's attention at the end of `day`, all columns that can be published, for all people. Internal: readers"
    " use `scores`.",
    grain=("methodology", "day", "person_id"),
    partition_by=("methodology", "day"),
    columns=PERSON_COLUMNS,
)
