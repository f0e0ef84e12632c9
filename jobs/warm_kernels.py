"""Compiles all kernels into the cache. Set-up runs this, so that no score and no explanation waits for compilation."""

import numpy as np

from jobs.engines.memory import influence
from jobs.why import sensitivity


def main() -> None:
    """Compiles every path through the kernels by running them on a ring of three accounts with one edge back."""
    src, dst = np.array([0, 1, 2, 1], np.int32), np.array([1, 2, 0, 0], np.int32)
    influence(src, dst, np.full(4, 1 << 34, np.int64), accounts=3)
    order = np.lexsort((dst, src))
    graph = sensitivity.graph(src[order], dst[order], 3)
    change = sensitivity.Change(*[np.ones(4) for _ in sensitivity.Change._fields])
    shares, arrived = sensitivity.on_the_way(graph, change.old_share, change.share)
    people = np.array([0, 1, 3]), np.array([0, 1, 2])  # two persons; the second has two accounts
    sensitivity.everybody(graph, change, 0.5, shares, arrived, 3, sensitivity.buffers(3, 4), *people)


if __name__ == "__main__":
    main()
