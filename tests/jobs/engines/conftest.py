"""Every engine, for the tests that hold for all of them; one whose package is not here is skipped and says so."""

from typing import Any

import pytest

from jobs.engines import Engine
from jobs.engines.graphframes import GraphFramesEngine
from jobs.engines.memory import MemoryEngine
from jobs.engines.spark import SparkEngine
from jobs.errors import UsageError


def _made(kind: Any) -> Engine:
    try:
        return kind()
    except UsageError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module", params=[SparkEngine, GraphFramesEngine], ids=lambda kind: kind.name)
def distributed(request) -> Engine:
    """An engine that adds on a cluster."""
    return _made(request.param)


@pytest.fixture(scope="module", params=[MemoryEngine, SparkEngine, GraphFramesEngine], ids=lambda kind: kind.name)
def engine(request) -> Engine:
    return _made(request.param)
