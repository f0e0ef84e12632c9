"""Has Spark count and score days that are so small that DuckDB would."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jobs import few_acts
from jobs.backends import duck


@contextmanager
def by_spark_alone() -> Iterator[None]:
    """Within the block no day is small."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(few_acts, "MOST", 0)
        patch.setattr(duck, "suits", lambda *_: False)
        yield
