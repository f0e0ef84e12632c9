"""How many Spark partitions to cut rows into: the session's number, or more where the tables of sums would be large."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTING = "spark.sql.shuffle.partitions"

# Summing this many rows takes a table of some 60 MB in memory. A table of 2 GB took more than twice as long for each row. A few
# such tables, which do not know of each other, filled a heap of 3 GB before they spilled.
ROWS_OF_A_PARTITION = 400_000


def enough(session: "SparkSession", rows: int) -> int:
    """Spark partitions to use for `rows` rows."""
    return max(int(session.conf.get(SETTING) or 1), -(-rows // ROWS_OF_A_PARTITION))


@contextmanager
def enough_for(session: "SparkSession", rows: int) -> Iterator[None]:
    """Within the block Spark plans its exchanges with enough partitions for `rows` rows."""
    usual = session.conf.get(SETTING)
    session.conf.set(SETTING, enough(session, rows))
    try:
        yield
    finally:
        session.conf.set(SETTING, str(usual))
