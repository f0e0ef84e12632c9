"""Finds any of many strings in a text, in one pass over its bytes: thousands of names take as long as one.

A hash table holds the last bytes of each string. Only where such a tail ends are whole strings compared.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

TAIL_BYTES = 5  # shorter strings have a table of their own, because short tails end at many places
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789_-")  # bytes of names
_HEXADECIMAL = frozenset(b"0123456789abcdef")


class Finder:
    """The strings to find. They and the texts must be in lower case."""

    def __init__(self, strings: Iterable[bytes]) -> None:
        given = {string for string in strings if string}
        short = {string for string in given if len(string) < TAIL_BYTES}
        self._groups = [_Group(group) for group in (short, given - short) if group]

    def spans(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence of a string that is not a part of a longer name: `x:88` is not in `x:881`, but it is
        in `%2Fx:88`."""
        for group in self._groups:
            for start, end in group.spans(text):
                if (end == len(text) or text[end] not in _NAME) and _begins(text, start):
                    yield start, end

    def rows(self, values: pa.ChunkedArray) -> list[int]:
        """The indices of the values, in any case, that hold one of the strings, ascending."""
        if not self._groups or not len(values):
            return []
        import numpy as np

        texts = pc.fill_null(pc.utf8_lower(values.cast(pa.large_string())), "").combine_chunks()
        joined = "\n".join(texts.to_pylist()).encode("utf-8", "surrogatepass")
        begins = np.concatenate([[0], np.cumsum(pc.binary_length(texts).to_numpy() + 1)])
        starts = [start for start, _ in self.spans(joined)]
        return sorted(set((np.searchsorted(begins, starts, side="right") - 1).tolist()))


class _Group:
    """Strings of at least `width` bytes."""

    def __init__(self, strings: Iterable[bytes]) -> None:
        from jobs.people import tails  # loads Numba, which most commands do not need

        strings = list(strings)
        self._width = min(tails.LONGEST, *map(len, strings))
        self._by_tail: dict[bytes, list[bytes]] = defaultdict(list)
        for string in strings:
            self._by_tail[string[-self._width :]].append(string)
        self._table = tails.table(self._by_tail)
        self._ends = tails.ends

    def spans(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence."""
        import numpy as np

        found = np.empty(len(text), np.int64)  # pages that nothing is written to take no memory
        count = self._ends(np.frombuffer(text, np.uint8), self._table, self._width, found)
        for end in found[:count].tolist():
            for string in self._by_tail.get(text[max(0, end - self._width) : end], ()):
                if text.endswith(string, 0, end):
                    yield end - len(string), end


def _begins(text: bytes, start: int) -> bool:
    """Whether no name goes on from before `start`: there is no byte of a name, or it is the end of an escape such as `%2f`."""
    if not start or text[start - 1] not in _NAME:
        return True
    return start > 2 and text[start - 3] == ord("%") and {*text[start - 2 : start]} <= _HEXADECIMAL
