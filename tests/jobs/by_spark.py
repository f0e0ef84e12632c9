"""Has Spark count and score days that fit this process, so that DuckDB would."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs.backends import duck


@contextmanager
def by_spark_alone() -> Iterator[None]:
    """Within the block no day fits this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duck, "LEAST_BYTES", sys.maxsize)
        yield
