"""Digests of content: two sets of rows with equal digests are the same rows, whatever their order, files and versions.

Each row is hashed as text and the hashes are added, so one pass in any order is enough. Doubles are written with the
shortest digits that give the same double again.
"""

import duckdb
import pyarrow as pa

from schemas.table import Table

INFLUENCE_DIGEST = "influence_digest"  # parameter of a run: the content of the rows that it computed or checked

NULL = "chr(1)"  # another value than empty text
BETWEEN = "chr(31)"


def digest_sql(table: Table, rows: str, where: str = "true") -> str:
    """The digest of the rows of `table` that a query calls `rows`, as a DuckDB aggregate: 32 hexadecimal digits."""
    values = ", ".join(f"coalesce(cast({rows}.{name} as varchar), {NULL})" for name in table.column_names)
    text = f"concat_ws({BETWEEN}, {values})"
    high, low = (
        f"cast(coalesce(sum(md5_number_{half}({text})) filter (where {where}), 0) % 18446744073709551616 as ubigint)"
        for half in ("upper", "lower")
    )
    return f"printf('%016x%016x', {high}, {low})"


def digest(table: Table, rows: pa.RecordBatchReader) -> str | None:
    """The digest of a stream of rows; None if there are none."""
    with duckdb.connect() as db:
        db.register("given", rows)
        found = db.sql(f"select {digest_sql(table, 'given')} from given having count(*) > 0").fetchall()
    return found[0][0] if found else None
