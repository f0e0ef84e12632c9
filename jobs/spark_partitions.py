"""How many Spark partitions to use: the session's number, or more if aggregations would need large hash tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTING = "spark.sql.shuffle.partitions"

# An aggregation of this many rows needs a hash table of some 60 MB. With a table of 2 GB, each row took more than twice as
# long, and a few such tables at once filled a heap of 3 GB before any of them spilled.
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
