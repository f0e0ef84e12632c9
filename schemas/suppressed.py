"""suppressed: who left. The list names nobody: it holds keyed hashes, and the keys lie outside the warehouse."""

from schemas.table import Column, Table

SUPPRESSED = Table(
    name="suppressed",
    version=1,
    doc="One row per account that left and key. No pull brings its acts back, and no publication its scores.",
    grain=("hash", "key_id"),
    partition_by=(),
    columns=(
        Column("hash", "string", "Keyed BLAKE2b hash (32 hexadecimal digits) of `platform:account_id`."),
        Column("key_id", "string", "Which key of CLOUT_SUPPRESSION_KEYS made the hash: 8 hexadecimal digits."),
        Column("recorded_at", "timestamp", "Instant at which the person left."),
    ),
)
