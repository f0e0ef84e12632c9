"""activity: acts of people, as platforms reported them."""

from schemas.table import Column, Table

ACTIVITY = Table(
    name="activity",
    version=2,
    doc="One report of one act by one account on content of another. Reports overlap; `engagement` counts each act once.",
    grain=("platform", "source", "activity_id", "kind", "target_id"),
    partition_by=("platform", "day", "source"),
    columns=(
        Column(
            "platform", "string", "Platform the accounts live on, e.g. `twitter`; simulated ones start with `sample-`."
        ),
        Column("day", "date", "UTC day of `occurred_at`."),
        Column(
            "source", "string", "ID of the source that reported it; pulling a source again replaces its own rows only."
        ),
        Column(
            "activity_id",
            "string",
            "The platform's id of the act itself (the reply's own post, the like's record). Where the platform gives none,"
            " `derived:` and a hash of actor, target and second.",
        ),
        Column("kind", "string", "`quote`, `reshare`, `reply`, `mention`, `like`, `follow`, or `post` (own content)."),
        Column("actor_id", "string", "Account that acted, as the platform names it."),
        Column("target_id", "string", "Account whose content it was about; the actor's own for `post`."),
        Column(
            "object_id",
            "string",
            "The target's content that was acted on; null for `mention`, `follow` and `post`. Here and in `activity_id`,"
            " `left-` and a keyed hash of `suppressed` takes the place of the name of somebody who left.",
            nullable=True,
        ),
        Column("occurred_at", "timestamp", "Instant of the act; the platform's server time where it gives one."),
        Column("observed_at", "timestamp", "Date of the platform's answer; null for archives.", nullable=True),
        Column(
            "pull",
            "string",
            "Run that pulled the row. It counts while the `coverage` row of its day, platform and source names the same"
            " pull; null in rows of earlier versions of clout.",
            nullable=True,
        ),
    ),
)
