"""consent: who agreed to what, when, and how clout learned of it. Rows are only added."""

from schemas.table import Column, Table

NO, SELF, AUDIENCES, PUBLIC = "no", "self", "audiences", "public"
SCOPES = (NO, SELF, AUDIENCES, PUBLIC)  # each includes those before it

CONSENT = Table(
    name="consent",
    version=2,
    doc="What people agreed to. Of a person's rows that apply on a day (`since` <= day < `until`), the one recorded last"
    " counts; of rows recorded at the same instant, the narrowest. Nobody without such a row agreed to anything. Rows are"
    " never changed: a later row replaces an earlier one.",
    grain=("person_id", "since", "recorded_at", "scope"),
    partition_by=(),
    columns=(
        Column("person_id", "string", "Who agreed or refused: `platform:account_id`."),
        Column(
            "scope",
            "string",
            "`public`: may be published in `scores`. `audiences`: may be shown to readers of `scores_for_audiences`. `self`:"
            " only to themselves. `no`: to nobody.",
        ),
        Column("since", "date", "First UTC day on which this applies."),
        Column("until", "date", "UTC day from which it no longer applies; null if it has no end.", nullable=True),
        Column(
            "origin",
            "string",
            "How clout learnt of it: `import` (a file or table of the operator), `operator` (recorded by the operator, as for"
            " accounts of their own organization), or `code` (a code that the person placed in their profile, or removed from"
            " it).",
        ),
        Column(
            "recorded_at",
            "timestamp",
            "Instant at which it was recorded; for a code, at which the platform showed the profile.",
        ),
        Column("recorded_by", "string", "User or service that recorded it."),
        Column(
            "evidence",
            "string",
            "For a code, where it was: the kind of place, and behind a colon the place itself or `removed`. Else null.",
            nullable=True,
        ),
    ),
)
