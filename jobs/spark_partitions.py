"""How many Spark partitions rows are cut into: as many as the session says, more where tables would be large."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTING = "spark.sql.shuffle.partitions"

# Sums of so many rows are taken in a table of some 60 MB. One of 2 GB took more than twice as long for each row, and a few such
# tables, which do not know of each other, filled a heap of 3 GB before they spilled.
ROWS_OF_A_PARTITION = 400_000


def enough(session: "SparkSession", rows: int) -> int:
    """For so many rows."""
    return max(int(session.conf.get(SETTING) or 1), -(-rows // ROWS_OF_A_PARTITION))


@contextmanager
def enough_for(session: "SparkSession", rows: int) -> Iterator[None]:
    """Whatever is planned within it is exchanged into enough partitions for so many rows."""
    usual = session.conf.get(SETTING)
    session.conf.set(SETTING, enough(session, rows))
    try:
        yield
    finally:
        session.conf.set(SETTING, str(usual))
