"""Which engine adds a day's messages: the one that was asked for, or the one that fits."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from jobs.engines import AUTO, Engine
from jobs.engines.budget import budget_bytes
from jobs.errors import UsageError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

log = logging.getLogger(__name__)


def _memory() -> Engine:
    from jobs.engines.memory import MemoryEngine

    return MemoryEngine()


def _spark() -> Engine:
    from jobs.engines.spark import SparkEngine

    return SparkEngine()


def _graphframes() -> Engine:
    from jobs.engines.graphframes import GraphFramesEngine

    return GraphFramesEngine()


ENGINES: dict[str, Callable[[], Engine]] = {"memory": _memory, "spark": _spark, "graphframes": _graphframes}


def require(name: str) -> None:
    """Raises `UsageError` where there is no such engine or what it needs is not here: asked before any work."""
    if name == AUTO:
        budget_bytes()
    elif name in ENGINES:
        ENGINES[name]()
    else:
        raise UsageError(f"engine {name!r} is unknown; there is {', '.join((AUTO, *ENGINES))}")


def chosen(name: str, edges: "DataFrame") -> Engine:
    """The engine of that name; for `auto` engine `memory` where the edges, measured and not guessed, fit its budget, else
    `spark`. `edges` (src, dst, a) are read once to measure them: the caller persists them."""
    if name != AUTO:
        return ENGINES[name]()
    from jobs.engines.memory import MemoryEngine, limits, need

    asked, budget = need(edges), budget_bytes()
    found = MemoryEngine(asked) if asked.fits(budget) else ENGINES["spark"]()
    log.info(
        "engine %s: %d pairs of up to %d people need %.1f GB in memory, %.1f GB may be taken (CLOUT_MEMORY_GB), %s",
        found.name, asked.pairs, asked.people, asked.needed_bytes / 1e9, budget / 1e9, limits(),
    )  # fmt: skip
    return found
