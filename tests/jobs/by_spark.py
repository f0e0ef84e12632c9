"""Has Spark count and score days that are so small that DuckDB would."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.engines import budget


@contextmanager
def by_spark_alone() -> Iterator[None]:
    """Within the block the memory budget is too small for DuckDB, but not for engine `memory` and a test's edges."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(budget.VARIABLE, "0.4")
        yield
