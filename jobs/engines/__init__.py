"""Three engines that add the same messages (README: how a score is made), with bit-identical results.

An engine gets edges `(src, dst, a)` with `a` a multiple of 2^-36, no duplicate edge and none from an account to itself. It
returns one row per account, `(id, one, two, three)`: the sums of each round's messages, as multiples of 2^-36. The frame may be
persisted; the caller unpersists it.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

AUTO = "auto"  # `jobs.engines.choice` picks the engine


class Engine(Protocol):
    """Adds messages over up to three rounds."""

    name: str

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """(src string, dst string, a long) -> (id string, one long, two long, three long), one row per account."""
        ...
