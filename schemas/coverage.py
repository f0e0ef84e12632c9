"""coverage: which days of which platforms were pulled."""

from schemas.table import Column, Table

COMPLETE, PARTIAL = "complete", "partial"
EVERYONE, POPULATION = "everyone", "population"

COVERAGE = Table(
    name="coverage",
    version=3,
    doc="One row per source, platform and day that was pulled. A platform is covered on a day when it has a row here;"
    " missing data is never a low score.",
    grain=("day", "platform", "source"),
    partition_by=("day",),
    columns=(
        Column("day", "date", "UTC day that was pulled."),
        Column("platform", "string", "Platform the source reports on."),
        Column("source", "string", "ID of the source."),
        Column("status", "string", "`complete`, or `partial`: something of the day is known to be missing."),
        Column(
            "reason",
            "string",
            "Why the day is partial, or a warning such as an empty file; null if there is neither.",
            nullable=True,
        ),
        Column(
            "lasting",
            "boolean",
            "True if the missing part of a partial day will never come, so pulling again does not help; null if unknown.",
            nullable=True,
        ),
        Column(
            "scope",
            "string",
            "`everyone`: the source reports acts of everybody on the platform; also of every source that reads files."
            " `population`: it was asked only about chosen accounts or content, so other people appear only in acts with"
            " them. Null in rows of earlier versions of clout.",
            nullable=True,
        ),
        Column("act_count", "long", "Rows written to `activity`."),
        Column("rejected_count", "long", "Lines that could not be read or break the contract; they are in `rejects`."),
        Column("unresolved_count", "long", "Acts whose target, actor or time is not known; they are in `rejects`."),
        Column("ignored_count", "long", "Known activities that score nothing: deletes, updates, bookkeeping."),
        Column(
            "repeated_count",
            "long",
            "Lines that repeat an act that this source already reported. Platforms may send an act more than once: it is"
            " kept once, and its repeats are no rejects. Null in rows of earlier versions of clout.",
            nullable=True,
        ),
        Column(
            "pull",
            "string",
            "Run whose rows of `activity` and `accounts` count. Until this row is committed, all rows of the earlier pull"
            " count and none of this one. Null in rows of earlier versions of clout.",
            nullable=True,
        ),
        Column(
            "activity_digest",
            "string",
            "Digest of the content of the pull's rows of `activity`, whatever their order and files; equal digests mean equal"
            " rows. Null in rows of earlier versions of clout.",
            nullable=True,
        ),
        Column("accounts_digest", "string", "As `activity_digest`, of the pull's rows of `accounts`.", nullable=True),
    ),
)
