"""scores: the table that BI tools read."""

from schemas.influence import PERSON_COLUMNS
from schemas.table import Table

SCORES = Table(
    name="scores",
    version=2,
    doc="How much attention each published person holds at the end of `day`, and its parts: rows of `influence`, unchanged.",
    grain=("methodology", "day", "person_id"),
    partition_by=("methodology", "day"),
    columns=PERSON_COLUMNS,
)
