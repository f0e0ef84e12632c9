"""scores: the table that BI tools read."""

from schemas.influence import PERSON_COLUMNS
from schemas.table import Table

SCORES = Table(
    name="scores",
    version=2,
    doc="How much attention each published person holds at the end of `day`, and its parts: rows of `influence`, unchanged. A"
    " score describes attention received in the window. It also predicts, though not best: on 25 splits of real activity, a"
    " person who was engaged with in the following week had a higher score than one who was not in 75 % of pairs (PageRank:"
    " 73 %, a count of engagers: 76 %, acts that fade: 77 %). It says nothing about quality, trust, or activity that no source"
    " reported.",
    grain=("methodology", "day", "person_id"),
    partition_by=("methodology", "day"),
    columns=PERSON_COLUMNS,
)
