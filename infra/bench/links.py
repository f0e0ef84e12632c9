"""Measures how long it takes to resolve who has several accounts: 3 million links between 10 million accounts."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from tempfile import TemporaryDirectory

import measuring
import numpy as np
import pyarrow as pa
from measuring import Command, Figure
from records import Measured, of_rows
from rich.table import Table

from jobs.warehouse import links
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.links import LINKS

ACCOUNTS, PAIRS = 10_000_000, 3_000_000
FIRST, DAY = date(2026, 1, 1), date(2026, 11, 1)
LIMIT_S = 300


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Yields the figures of one process that opens the table and resolves its people."""
    with TemporaryDirectory() as folder:
        warehouse = Warehouse(folder)
        warehouse.create_tables()
        warehouse.append(LINKS, evidence(ACCOUNTS, PAIRS), {}, run_id="bench", job="bench")
        command = Command(sys.executable, __file__, folder)
    resolved = json.loads(command.lines[-1][1])
    what = f"{PAIRS:,} links between {ACCOUNTS:,} accounts"
    yield Figure(f"{what}: resolved", resolved["seconds"], "s", LIMIT_S)
    yield Figure("  processor time of the process", command.processor_s, "s")
    yield Figure("  peak memory of the process", command.peak_gb, "GB")
    yield Figure("  people with several accounts", resolved["people"], "people")
    yield Figure("  components above the limit of accounts", resolved["too_large"], "components")


def evidence(accounts: int, pairs: int) -> pa.Table:
    """Rows of `links` for `pairs` random pairs of accounts. A statement of an operator (one row) links half of the pairs,
    evidence of both accounts (two rows) the other half. A tenth of the links has ended."""
    rng = np.random.default_rng(17)
    one, other = rng.integers(0, accounts, (2, pairs))
    one, other = one[one != other], other[one != other]
    names = pa.array([f"example.social:{number:08d}" for number in range(accounts)])
    low, high = names.take(pa.array(np.minimum(one, other))), names.take(pa.array(np.maximum(one, other)))
    count = len(one)
    since = np.datetime64(FIRST) + rng.integers(0, 300, count)
    until = np.where(rng.random(count) < 0.1, since + 100, np.datetime64("NaT"))
    columns = {"account_a": low, "account_b": high, "first_seen": pa.array(since), "until": pa.array(until)}
    made = pa.table(columns | {"is_word": rng.random(count) < 0.5})
    words, both = made.filter(made["is_word"]), made.filter(pa.compute.invert(made["is_word"]))
    said = [(words, "operator", pa.repeat("bench", len(words)))]
    said += [(both, "rel_me", both[end]) for end in ("account_a", "account_b")]
    at = pa.scalar(datetime(2026, 11, 1, tzinfo=UTC), pa.timestamp("us", "UTC"))
    parts = [
        part.append_column("kind", pa.repeat(kind, len(part)))
        .append_column("said_by", by)
        .append_column("why", pa.nulls(len(part), pa.string()))
        .append_column("recorded_at", pa.repeat(at, len(part)))
        for part, kind, by in said
    ]
    return pa.concat_tables(part.select(LINKS.column_names) for part in parts).cast(arrow.schema(LINKS))


def measured(figures: Sequence[Figure]) -> Iterator[Measured]:
    """Yields each figure's value."""
    return of_rows("links", figures)


def table(figures: Sequence[Figure]) -> Table:
    """A row per figure, with its limit."""
    return measuring.table("who has several accounts", figures)


if __name__ == "__main__":
    began = time.monotonic()
    found = links.at_end_of(DAY, Warehouse(sys.argv[1]))
    digest = found.digest
    seconds = time.monotonic() - began
    people = len(pa.compute.unique(found.accounts["person"]))
    print(json.dumps({"seconds": seconds, "people": people, "too_large": len(found.too_large), "digest": digest}))
