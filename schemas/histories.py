"""histories: rows of `scores` of past months, sorted by person, so that a query of one person's years need not open all
files."""

from schemas.influence import PERSON_COLUMNS
from schemas.table import Column, Table

HISTORIES = Table(
    name="histories",
    version=1,
    doc="Rows of `scores`, unchanged, a month in one file in order of `person_id`. A copy for speed, renewed by"
    " `clout maintain`: without it every result is the same.",
    grain=("methodology", "month", "basis", "day", "person_id"),
    partition_by=("methodology", "month", "basis"),
    columns=(
        Column("month", "date", "First UTC day of the month that the rows' days lie in."),
        Column(
            "basis", "string", "Digest of the names of the files it was made from; the copy is ignored if they changed."
        ),
        *PERSON_COLUMNS,
    ),
)
