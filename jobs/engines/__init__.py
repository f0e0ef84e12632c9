"""Three engines that compute the same messages (README: how a score is made), with bit-identical results.

An engine gets edges `(src, dst, a)` without duplicates or self-loops; `a` is a multiple of 2^-36. It returns one row per
account, `(id, one, two, three)`: the sums of the messages of each round to the account, as multiples of 2^-36. The engine may
persist the returned frame; the caller unpersists it.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

AUTO = "auto"  # `jobs.engines.choice` picks the engine


class Engine(Protocol):
    """Computes and adds the messages of up to three rounds."""

    name: str

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """(src string, dst string, a long) -> (id string, one long, two long, three long), one row per account. Columns of
        rounds above `rounds` (1 to 3) are 0."""
        ...
