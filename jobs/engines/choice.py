"""Chooses the engine of a day: the requested one or, for `auto`, `memory` if the edges fit its budget, else `spark`."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from jobs.engines import AUTO, Engine
from jobs.errors import UsageError
from jobs.memory_budget import budget_bytes

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from jobs.engines.memory import Need

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
    """Raises `UsageError` if the engine does not exist or lacks a requirement. Call it before any work begins."""
    if name == AUTO:
        budget_bytes()
    elif name in ENGINES:
        ENGINES[name]()
    else:
        raise UsageError(f"engine {name!r} is unknown; known: {', '.join((AUTO, *ENGINES))}")


def measured(edges: "DataFrame") -> "Need":
    """The size of edges (src, dst, a), by which `chosen` chooses. Reads them once, so the caller should persist them."""
    from jobs.engines.memory import need

    return need(edges)


def chosen(name: str, needed: "Need") -> Engine:
    """The engine of that name; for `auto`, engine `memory` if edges of this size fit its budget, else `spark`.

    Raises `KeyError` for an unknown name (`require` checks it), and `UsageError` if the engine lacks a requirement.
    """
    if name != AUTO:
        return ENGINES[name]()
    from jobs.engines.memory import MemoryEngine, limits

    budget = budget_bytes()
    engine = MemoryEngine(needed) if needed.fits(budget) else ENGINES["spark"]()
    log.info(
        "engine %s: %d pairs of up to %d people need %.1f GB in memory, %.1f GB may be used (CLOUT_MEMORY_GB), %s",
        engine.name, needed.pairs, needed.people, needed.needed_bytes / 1e9, budget / 1e9, limits(),
    )  # fmt: skip
    return engine
