"""publications: every publication, withdrawal and restoration of a day's scores, with the inputs of these scores."""

from schemas.table import Column, Table

PUBLICATIONS = Table(
    name="publications",
    version=3,
    doc="One row per publication, withdrawal or restoration of a day's scores. The row of the highest `sequence` says what is"
    " published now. Nothing about published scores is derived from Delta's log, whose entries expire.",
    grain=("methodology", "day", "sequence"),
    partition_by=("day",),
    columns=(
        Column("day", "date", "UTC day of the scores."),
        Column("methodology", "string", "Version of the methodology of the scores."),
        Column("sequence", "long", "1 for the day's first publication under this methodology, then rising by 1."),
        Column(
            "change",
            "string",
            "`publish`, `unpublish`, `restore`, or `consent`: people who no longer agree were removed.",
        ),
        Column("run_id", "string", "Run that made the change; its row is in `runs`."),
        Column(
            "influence_run",
            "string",
            "Run of `influence` that computed the published rows; null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "scores_digest",
            "string",
            "Digest of the content of the published rows; null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "replaced_version",
            "long",
            "Version of `scores` that held the rows before this change. `restore` reads it while replaced files are kept; null"
            " if unknown.",
            nullable=True,
        ),
        Column("people", "long", "People published; 0 after a withdrawal."),
        Column(
            "influence",
            "double",
            "Their influence in total, in accounts' worth; 0 after a withdrawal, null if unknown.",
            nullable=True,
        ),
        Column(
            "activity_digests",
            "string",
            "JSON: covered day of the window -> digest of the activity that was counted; null after a withdrawal or if"
            " unknown.",
            nullable=True,
        ),
        Column(
            "accounts_digest",
            "string",
            "Digest of who counted as a bot at the end of the day; null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "links_digest",
            "string",
            "Digest of who had several accounts at the end of the day; null if nobody, after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "covered_days",
            "string",
            "JSON: platform -> days of the window that were covered; null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "code_version",
            "string",
            "Version of clout that computed the rows; null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "scored_people",
            "long",
            "Everybody scored on the day, published or not; null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column(
            "scored_influence",
            "double",
            "Influence of everybody scored, in accounts' worth. The checks compare later days with it; null after a withdrawal"
            " or if unknown.",
            nullable=True,
        ),
        Column(
            "ground",
            "string",
            "Why these people may be published: `consent`, `simulation` (they do not exist), or the reason in `legal_bases`;"
            " null after a withdrawal or if unknown.",
            nullable=True,
        ),
        Column("published_at", "timestamp", "Instant of the change."),
        Column("published_by", "string", "User or service that made the change; null if unknown.", nullable=True),
        Column("why", "string", "Reason given by whoever made the change; null if none was given.", nullable=True),
        Column(
            "accepted",
            "string",
            "JSON: check -> its finding, for checks outside their bounds that an operator accepted with the reason in `why`;"
            " null if none.",
            nullable=True,
        ),
    ),
)
