"""Compares the bits of every function of the scores: as Comet computes it, and as the JVM does."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import comet
from jobs.backends.spark import SparkBackend
from jobs.influence import score_sql
from jobs.score.attention import fixed_sql, real_sql
from schemas.methodology import load

ACTS, SHARES = map(SparkBackend.log2.format, ("1e0 + acts", "2 * share / (share + factor)"))
FUNCTIONS = {
    "log2 of acts": ACTS,
    "log2 of shares": SHARES,
    "a day's weight": fixed_sql(f"factor * {ACTS}"),
    "a term of inclusion": fixed_sql(f"share * {SHARES}"),
    "attention": fixed_sql(f"8.5e-1 * ({real_sql('units')} / (1e0 + {real_sql('units')} + share))"),
    "units as double": "cast(units as double)",
    "key of a pair": "xxhash64(name, name)",
    "score": score_sql("influence", load("2026.11"), SparkBackend.log1p),
}


def arguments(rng: np.random.Generator, count: int) -> pa.Table:
    """Random arguments over the whole range of each."""
    return pa.table(
        {
            "acts": rng.integers(0, 100_000, count) * 0.05,
            "share": rng.random(count) + 2.0**-60,
            "factor": 2.0 ** rng.uniform(-60, 0, count),
            "units": rng.integers(0, 1 << 62, count) >> rng.integers(0, 62, count),
            "influence": 10.0 ** rng.uniform(-12, 9, count),
            "name": pa.array(rng.integers(0, 1 << 62, count)).cast(pa.string()),
        }
    )


def differing(session: SparkSession, folder: Path, count: int, seed: int) -> dict[str, int]:
    """Function -> how many of `count` random arguments it has different bits for. Writes a file into the folder."""
    file = folder / "arguments.parquet"
    parquet.write_table(arguments(np.random.default_rng(seed), count), file)
    columns = [F.expr(sql).alias(name) for name, sql in FUNCTIONS.items()]

    def answers(rows: int) -> pa.Table:
        with comet.used_for(session, rows):
            return session.read.parquet(str(file)).select(*columns).toArrow()

    by_comet, by_jvm = answers(comet.LEAST_ROWS), answers(0)
    if by_comet.num_rows != count or by_comet.schema != by_jvm.schema:
        raise AssertionError(f"{by_comet.schema}, {by_comet.num_rows} rows; expected {by_jvm.schema}, {count} rows")
    return {name: pc.sum(_bits(by_comet[name], by_jvm[name])).as_py() for name in by_jvm.column_names}


def _bits(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.Array:
    """Whether the bits of each two values differ; -0.0 and 0.0 do."""
    ours, theirs = (column.combine_chunks().to_numpy(zero_copy_only=False) for column in (one, other))
    return pa.array(ours.view(np.int64) != theirs.view(np.int64))
