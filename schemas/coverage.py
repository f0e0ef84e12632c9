"""coverage: which days of which platforms are there."""

from schemas.table import Column, Table

COVERAGE = Table(
    name="coverage",
    version=1,
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
            "Why the day is partial, or a warning such as an empty file; null if nothing to say.",
            nullable=True,
        ),
        Column("act_count", "long", "Rows written to `activity`."),
        Column("rejected_count", "long", "Lines that could not be read or break the contract; they are in `rejects`."),
        Column("unresolved_count", "long", "Acts whose target, actor or time is not known; they are in `rejects`."),
        Column("ignored_count", "long", "Known activities that score nothing: deletes, updates, bookkeeping."),
    ),
)
