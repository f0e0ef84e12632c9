"""The kernel of `finder`: the places in a text where one of many tails ends. A module of its own, because it loads Numba."""

from collections.abc import Collection

import numpy as np
from numba import njit

LONGEST = 7  # bytes of a tail, so that `EMPTY` is none
EMPTY = np.uint64(2**64 - 1)
SLOTS = 16  # of the table per tail: nearly all look-ups end at their first slot
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: spreads similar tails over the table
_BYTE = np.uint64(8)
_ONE = np.uint64(1)


def table(tails: Collection[bytes]) -> np.ndarray:
    """A hash table of the tails, each as a big-endian number, for `ends`. Its length is a power of two."""
    bits = (SLOTS * len(tails)).bit_length()
    slots = np.full(1 << bits, EMPTY)
    for tail in tails:
        number = int.from_bytes(tail, "big")
        slot = (number * int(_FACTOR)) % 2**64 >> (64 - bits)
        while slots[slot] != EMPTY:
            slot = (slot + 1) % len(slots)
        slots[slot] = number
    return slots


@njit(cache=True, nogil=True)
def ends(text: np.ndarray, tails: np.ndarray, width: int, found: np.ndarray) -> int:
    """Writes to `found` each offset of the text at which a tail of `width` bytes ends, ascending. Returns their number. `tails`
    is a `table`; `found` must be as long as the text."""
    mask = (_ONE << (_BYTE * np.uint64(width))) - _ONE
    last = np.uint64(len(tails) - 1)
    shift = np.uint64(64)
    size = len(tails)
    while size > 1:
        size >>= 1
        shift -= _ONE
    window, count = np.uint64(0), 0
    for offset in range(len(text)):
        window = ((window << _BYTE) | np.uint64(text[offset])) & mask
        slot = (window * _FACTOR) >> shift
        while tails[slot] != EMPTY:
            if tails[slot] == window:
                found[count] = offset + 1
                count += 1
                break
            slot = (slot + _ONE) & last
    return count
