"""Figures of small groups, and of those that would give them away, are hidden in comparisons and validations."""

from itertools import combinations_with_replacement

import pyarrow as pa
import pytest

from jobs.comparison import hiding
from jobs.errors import CloutError
from jobs.small_groups import large
from jobs.validation import tables
from jobs.validation.figures import Figure
from jobs.validation.tables import Platform


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        ([10, 20], [True, True]),
        ([9, 20], [False, False]),
        ([9, 20, 30], [False, False, True]),
        ([0, 9, 0, 20, 30], [True, False, True, False, True]),  # nobody is given away by an empty group
        ([1, 2, 30, 40], [False, False, False, True]),
        ([30, 5, 5], [True, False, False]),  # ten people are enough to hide among
        ([0, 0], [True, True]),
        ([], []),
    ],
)
def test_hidden_groups_cannot_be_computed_from_the_whole(counts: list[int], shown: list[bool]) -> None:
    assert large(counts, 10) == shown


def test_of_any_groups_those_hidden_are_at_least_two_of_at_least_ten_people() -> None:
    for counts in combinations_with_replacement((0, 4, 9, 10, 40), 4):
        shown = large(counts, 10)
        hidden = [count for count, is_shown in zip(counts, shown, strict=True) if not is_shown]
        assert all(count >= 10 or not count for count, is_shown in zip(counts, shown, strict=True) if is_shown)
        if hidden and len(hidden) < sum(map(bool, counts)):
            assert len(hidden) >= 2, counts
            assert sum(hidden) >= 10, counts


def test_one_means_that_nothing_is_hidden() -> None:
    assert large([1, 2, 30], 1) == [True, True, True]


def of_groups(**holders: int) -> pa.Table:
    moves = {"low_move": -1.0, "median_move": 0.5, "high_move": 2.0}
    rows = [
        {"platform": name, "holders": n, "rising": n // 2, "falling": 0, "far": 1, **moves}
        for name, n in holders.items()
    ]
    return pa.Table.from_pylist(rows)


def test_small_platforms_and_counts_of_few_people_are_left_out_of_a_comparison() -> None:
    found = hiding.groups(of_groups(a=3, b=12, c=30), 10).to_pylist()
    moves = {"low_move": None, "median_move": 0.5, "high_move": None}  # a tenth of 30 people is 3
    assert found == [{"platform": "c", "holders": 30, "rising": 15, "falling": 0, "far": None, **moves}]
    assert hiding.groups(of_groups(a=3, b=12, c=30), 1) == of_groups(a=3, b=12, c=30)


def test_bins_of_few_people_are_null() -> None:
    table = pa.table({"score_from": [0, 5, 10, 15], "before": [40, 3, 20, 0], "after": [20, 20, 20, 20]})
    found = hiding.counts(table, ("before", "after"), 10).to_pydict()
    assert (found["before"], found["after"]) == ([40, None, None, 0], [20, 20, 20, 20])


def summary(holders: int) -> pa.Table:
    row = {"holders": holders, "rising": 12, "falling": 3, "far": 0, "largest_rise": 9.0, "largest_fall": 8.0}
    return pa.Table.from_pylist([{**row, "top": 100, "top_kept": 80}])


def test_the_move_of_one_person_is_not_shown_and_nothing_of_few_people() -> None:
    assert hiding.of_whole(summary(20), 10).to_pylist() == [
        {"holders": 20, "rising": 12, "falling": None, "far": 0, "largest_rise": None, "largest_fall": None,
         "top": 100, "top_kept": 80}
    ]  # fmt: skip
    assert hiding.of_whole(summary(20), 1) == summary(20)
    with pytest.raises(CloutError, match=r"9 people hold attention, fewer than min_group \(10\)"):
        hiding.of_whole(summary(9), 10)


def platform(name: str, people: int, with_outcome: int = 10) -> Platform:
    names = ("auc", "top_1%", "lead_top_1%", "rate_3", "from_10")
    figures = tuple(Figure("engagers", each, 0.5, 0.4, 0.6, people) for each in names)
    return Platform(name=name, people=people, with_outcome=with_outcome, covered_days=1, figures=figures)


def test_a_validation_shows_neither_small_platforms_nor_parts_of_few_people() -> None:
    found = list(tables.shown([platform("*", 1020), platform("a", 5), platform("b", 15), platform("c", 1000, 995)], 10))
    assert [(each.name, each.with_outcome) for each in found] == [("*", 10), ("c", None)]
    assert [figure.name for figure in found[1].figures] == ["auc", "top_1%", "lead_top_1%", "rate_3", "from_10"]
    (whole,) = tables.shown([platform("*", 99, 50)], 10)
    assert [figure.name for figure in whole.figures] == ["auc"]
    with pytest.raises(CloutError, match=r"9 people, fewer than min_group \(10\)"):
        list(tables.shown([platform("*", 9)], 10))
