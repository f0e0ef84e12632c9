"""Digests of rows: equal rows give the same digest, whatever their order and files."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from jobs.scratch import shared
from schemas.table import Table

# Parameter of a run: digest of the rows of `influence` that it computed, checked or published.
INFLUENCE = "influence_digest"
# Parameter of a run: digest of the names of the files that hold these rows.
INFLUENCE_FILES = "influence_files"
# Parameter of a run: digest of who has several accounts; absent if nobody has.
LINKS = "links_digest"

_HALF = "((1::uhugeint << 64) - 1)"


def of_rows(db: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any], columns: Sequence[str]) -> str:
    """Digest of the query's rows as a multiset, computed in one pass and constant memory.

    Each row is hashed to a 128-bit number. The digest covers the row count and the sums of both halves of these numbers. Two
    different days collide by accident with a probability of about 2^-128. A deliberate collision gains little: a stale count of
    the day would pass for fresh until the day's activity changes again.
    """
    (sums,) = db.execute(_sums(query, columns), dict(parameters)).fetchall()
    return of_texts(map(str, sums))


def of_stream(table: Table, rows: pa.RecordBatchReader) -> str | None:
    """Like `of_rows`, but for a stream of a table's rows. Returns None if the stream has no rows."""
    with shared() as db:
        db.register("given", rows)
        sums = db.execute(_sums("from given", table.column_names)).fetchone() or (0,)
    return of_texts(map(str, sums)) if sums[0] else None


def _sums(query: str, columns: Sequence[str]) -> str:
    # Each value is prefixed with its length, so two different rows never give the same text. `concat` leaves out nulls.
    text = ", ".join(f"strlen({name}::varchar), if({name} is null, '-', ':'), {name}::varchar" for name in columns)
    return (
        f"select count(*), sum((number >> 64)::hugeint), sum((number & {_HALF})::hugeint)"
        f" from (select md5_number(concat({text}))::uhugeint as number from ({query}))"
    )


def of_texts(texts: Iterable[str]) -> str:
    """SHA-256 of the texts in their order, as hexadecimal."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
