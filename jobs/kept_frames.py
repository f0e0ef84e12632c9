"""Whether Spark compresses the frames that it keeps between the steps of a job."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SETTING = "spark.sql.inMemoryColumnarStorage.compressed"

# The pairs of this many rows take some 300 MB uncompressed. Of more, compressed ones may still fit the heap.
MOST_ROWS = 2_000_000


@contextmanager
def uncompressed(session: "SparkSession", rows: int) -> Iterator[None]:
    """Within the block Spark keeps frames uncompressed if they are made of at most `MOST_ROWS` rows. Compression took 8 %
    of the processor time of a day's queries."""
    if rows > MOST_ROWS:
        yield
        return
    session.conf.set(SETTING, "false")
    try:
        yield
    finally:  # not what it was before the block: days that are scored at once share the session
        session.conf.set(SETTING, session.sparkContext.getConf().get(SETTING, "true"))
