"""lookups: who looked at the data of one person, and why. Rows are only added."""

from schemas.table import Column, Table

LOOKUPS = Table(
    name="lookups",
    version=1,
    doc="One row per look at one person by `clout show PERSON`, `clout explain` or `clout person export`. Reads of the files"
    " themselves are not seen: whoever may read them sees everybody.",
    grain=("lookup_id",),
    partition_by=(),
    columns=(
        Column("lookup_id", "string", "Random id."),
        Column("looked_at", "timestamp", "Instant of the look."),
        Column("looked_by", "string", "User of the operating system who looked."),
        Column("person_id", "string", "At whom: `platform:account_id`."),
        Column("command", "string", "`show`, `explain` or `export`."),
        Column("why", "string", "The user's reason (`--why`); null if none was given.", nullable=True),
    ),
)
