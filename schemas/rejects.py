"""rejects: input lines that were rejected or not resolved, with the reason."""

from schemas.table import Column, Table

REJECTS = Table(
    name="rejects",
    version=2,
    doc="Input that could not become an act: where it was, why, and how it began. Nothing that was read is lost.",
    grain=("platform", "day", "source", "file", "line"),
    partition_by=("platform", "day", "source"),
    columns=(
        Column("platform", "string", "Platform the source reports on."),
        Column("day", "date", "UTC day of the line's time; the first requested day if the line has no readable time."),
        Column("source", "string", "ID of the source."),
        Column("file", "string", "File (or URL) that holds the line."),
        Column("line", "long", "Line in the file, from 1."),
        Column(
            "outcome",
            "string",
            "`rejected` (unreadable or against the contract) or `unresolved` (understood, but names no"
            " known target, actor or time).",
        ),
        Column("reason", "string", "Why, in words that are the same for the same fault."),
        Column("excerpt", "string", "How the line began, at most 200 characters."),
        Column(
            "pull",
            "string",
            "Run that read the line. If several pulls of a day have rows, `coverage` names the one that counts, and `runs`"
            " records why the others failed; null in rows of earlier versions of clout.",
            nullable=True,
        ),
    ),
)
