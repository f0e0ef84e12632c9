"""Contracts as Delta schemas: what a table on disk lacks of its contract, and what its log knows of the rows."""

from deltalake import Field, Schema
from deltalake.schema import PrimitiveType

from schemas.table import Table

# Columns whose minimum and maximum the log keeps for each file, since readers filter by them. No other column: ids of people
# must not lie in the log, which no erasure rewrites.
STATISTICS = {
    "activity": ("occurred_at", "pull"),
    "accounts": ("pull",),
    "accounts_known": ("platform",),
    "coverage": ("platform", "source"),
    "rejects": ("pull",),
    "engagement": ("platform", "kind"),
    "influence": ("platform", "rank"),
    "scores": ("platform", "rank"),
    "histories": ("platform", "rank"),
    "publications": ("methodology", "sequence"),
    "restatements": ("methodology", "restated_at"),
    "score_changes": ("since_day", "reason"),
    "methodologies": ("in_force_from",),
    "runs": ("job", "status", "started_at"),
}


def lacking(table: Table, found: Schema) -> list[Field]:
    """Columns that came to the contract after the table was made, each with its doc as `comment`. They may be null, since the
    rows that are there have nothing in them; what else is missing is a fault, and not mended."""
    there = {field.name for field in found.fields}
    return [
        Field(column.name, PrimitiveType(column.type), metadata={"comment": column.doc})
        for column in table.columns
        if column.nullable and column.name not in there
    ]


def reworded(table: Table, found: Schema) -> dict[str, str]:
    """Column -> its doc, where the table on disk has another one."""
    told = {field.name: field.metadata.get("comment") for field in found.fields}
    return {column.name: column.doc for column in table.columns if told.get(column.name, column.doc) != column.doc}
