"""Contracts as Delta schemas: columns missing from a table on disk, column docs that differ, and columns with statistics."""

from deltalake import Field, Schema
from deltalake.schema import PrimitiveType

from schemas.table import Table

# Columns for which the log keeps each file's minimum and maximum, because readers filter by them. Other columns have none: the
# log must not hold ids of people, because erasing a person does not rewrite it.
STATISTICS = {
    "activity": ("occurred_at", "pull"),
    "accounts": ("pull",),
    "accounts_known": ("platform",),
    "consent": ("since", "recorded_at"),
    "coverage": ("platform", "source"),
    "rejects": ("pull",),
    "engagement": ("platform", "kind"),
    "monthly_weights": ("platform",),
    "influence": ("platform", "rank"),
    "scores": ("platform", "rank"),
    "histories": ("platform", "rank"),
    "publications": ("methodology", "sequence"),
    "restatements": ("methodology", "restated_at"),
    "suppressed": ("recorded_at",),
    "objections": ("recorded_at",),
    "requests": ("recorded_at",),
    "lookups": ("looked_at",),
    "score_changes": ("since_day", "reason"),
    "legal_bases": ("recorded_at",),
    "claims": ("kind", "recorded_at"),
    "links": ("kind", "recorded_at"),
    "influence_by_account": ("platform",),
    "validations": ("ahead", "outcome"),
    "methodologies": ("in_force_from",),
    "runs": ("run_id", "job", "status", "started_at"),
}


def lacking(table: Table, actual: Schema) -> list[Field]:
    """Nullable columns that were added to the contract after the table was made, each with its doc as `comment`. Existing rows
    are null in them. Any other missing column is a fault, and nothing fixes it here."""
    present = {field.name for field in actual.fields}
    return [
        Field(column.name, PrimitiveType(column.type), metadata={"comment": column.doc})
        for column in table.columns
        if column.nullable and column.name not in present
    ]


def reworded(table: Table, actual: Schema) -> dict[str, str]:
    """Column -> its doc in the contract, where the table on disk has another one."""
    docs = {field.name: field.metadata.get("comment") for field in actual.fields}
    return {column.name: column.doc for column in table.columns if docs.get(column.name, column.doc) != column.doc}
