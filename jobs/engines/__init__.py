"""Three ways to add the same messages (README: how a score is made). All give the same bits.

An engine gets edges `(src, dst, a)` with `a` a multiple of 2^-36, no edge twice and none from an account to itself, and
returns one row per account, `(id, one, two, three)`: the sums of the messages of each round, as multiples of 2^-36. The frame
may be persisted: the caller unpersists it.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

AUTO = "auto"  # whichever fits: `jobs.engines.choice`


class Engine(Protocol):
    """Adds the messages of up to three rounds."""

    name: str

    def sums(self, edges: "DataFrame", rounds: int) -> "DataFrame":
        """(src string, dst string, a long) -> (id string, one long, two long, three long), every account once."""
        ...
