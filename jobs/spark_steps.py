"""Names the steps of a job: Spark's interface and its log of events show a step's name beside all that the step runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DESCRIPTION = "spark.job.description"


@contextmanager
def step(session: "SparkSession", name: str) -> Iterator[None]:
    """Within the block, this is the name of all that Spark runs for this thread. Afterwards the outer step's name is back."""
    context = session.sparkContext
    outer = context.getLocalProperty(DESCRIPTION)
    context.setJobDescription(name)
    try:
        yield
    finally:
        context.setLocalProperty(DESCRIPTION, outer)  # type: ignore[arg-type] # it documents None, which removes it
