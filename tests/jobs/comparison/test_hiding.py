"""Figures of few people are hidden, also those that follow from others."""

import pyarrow as pa
import pytest

from jobs.comparison import hiding

COUNTS = {"rising": 0, "falling": 0, "far": 0}


@pytest.mark.parametrize(
    ("kept", "is_shown"), [(100, True), (90, True), (91, False), (10, True), (9, False), (0, True)]
)
def test_how_many_stay_among_the_first_is_hidden_if_few_stay_or_few_leave(kept: int, is_shown: bool) -> None:
    whole = pa.table({"holders": [500], "top": [100], "top_kept": [kept], "largest_rise": [1.0], "largest_fall": [1.0]})
    for name, count in COUNTS.items():
        whole = whole.append_column(name, [pa.array([count])])
    shown = hiding.of_whole(whole, 10)
    assert shown["top_kept"].to_pylist() == [kept if is_shown else None]


@pytest.mark.parametrize(
    ("holders", "moves"),
    [(100, (-1.0, 0.0, 1.0)), (99, (None, 0.0, None)), (20, (None, 0.0, None)), (19, (None, None, None))],
)
def test_a_quantile_of_moves_is_hidden_if_few_move_as_far(holders: int, moves: tuple) -> None:
    tenths = pa.table({"holders": [holders] * 2, **{name: [count] * 2 for name, count in COUNTS.items()}})
    for name, move in zip(hiding.QUANTILES, (-1.0, 0.0, 1.0), strict=True):
        tenths = tenths.append_column(name, [pa.array([move] * 2)])
    shown = hiding.groups(tenths, 10)
    assert tuple(shown[name][0].as_py() for name in hiding.QUANTILES) == moves
    assert hiding.groups(tenths, 1).equals(tenths)
