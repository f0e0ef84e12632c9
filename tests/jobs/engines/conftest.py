"""The engines on Spark; one whose package is not here is skipped and says so."""

from collections.abc import Iterator

import pytest

from jobs.engines import Engine
from jobs.engines.graphframes import GraphFramesEngine
from jobs.engines.spark import SparkEngine
from jobs.errors import UsageError
from tests.cores import all_cores


@pytest.fixture(scope="module", autouse=True)
def _all_cores() -> Iterator[None]:
    """Threads that share a graph run at the same time, as in production."""
    with all_cores():
        yield


@pytest.fixture(scope="module", params=[SparkEngine, GraphFramesEngine], ids=lambda kind: kind.name)
def distributed(request: pytest.FixtureRequest) -> Engine:
    """An engine that adds on a cluster."""
    try:
        return request.param()
    except UsageError as missing:
        pytest.skip(str(missing))
