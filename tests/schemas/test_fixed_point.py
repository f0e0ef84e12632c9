"""A unit small enough for a score, and room enough for the largest platforms."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from schemas.fixed_point import SCALE, UNIT


def test_the_unit_is_exact() -> None:
    assert (SCALE, UNIT * SCALE) == (2.0**36, 1.0)


def test_room() -> None:
    """1.3e8 accounts' worth of attention fit into 64 bits."""
    assert np.iinfo(np.int64).max > 1.3e8 * SCALE


@given(st.floats(0, 1e5))
def test_rounding_stays_below_a_unit(value: float) -> None:
    assert abs(round(value * SCALE) * UNIT - value) <= UNIT / 2


@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_doubles_hold_sums_exactly(units: list[int], random: Random) -> None:
    """As long as they stay below 2^53 units, 131,072 accounts' worth: then no order shows even in doubles."""
    shuffled = random.sample(units, len(units))
    assert sum(unit * UNIT for unit in shuffled) == sum(units) * UNIT
