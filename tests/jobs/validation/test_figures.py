"""Figures on hand cases, their invariance, and their intervals."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy import ndarray
from numpy.typing import ArrayLike

from jobs.validation.figures import FIGURES, TENTHS, Order, figures

NAN = float("nan")


def of(values: ArrayLike, received: ArrayLike, weights: ArrayLike | None = None) -> dict[str, float]:
    predicted = np.array(values, float)
    order = Order(predicted, np.array(received))
    drawn = order.figures(np.ones(len(predicted)) if weights is None else np.array(weights))
    return dict(zip(FIGURES, drawn.tolist(), strict=True))


@pytest.mark.parametrize(
    ("values", "received", "auc"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([1, 2, 3, 4], [1, 1, 0, 0], 0.0),
        ([1, 2, 3, 4], [0, 5, 0, 1], 0.75),  # of four pairs only (2, 3) is wrong; how much was received does not matter
        ([7, 7, 7], [0, 1, 0], 0.5),  # ties count half
        ([1, 2, 2, 3], [0, 1, 0, 1], 0.875),  # 1 and 3.5 of 4 pairs: (2, 2) counts half
        ([1, 2], [0, 0], NAN),  # nobody has the outcome
        ([1, 2], [1, 1], NAN),  # everybody has it
    ],
)
def test_auc_counts_the_pairs_in_the_right_order(values: list[int], received: list[int], auc: float) -> None:
    assert of(values, received)["auc"] == pytest.approx(auc, nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=30))
def test_auc_is_that_of_all_pairs(people: list[tuple[int, int]]) -> None:
    with_outcome = [value for value, received in people if received]
    without = [value for value, received in people if not received]
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(with_outcome, without)]
    values, received = zip(*people, strict=True)
    assert of(values, received)["auc"] == pytest.approx(np.mean(pairs) if pairs else NAN, nan_ok=True)


def test_the_top_is_a_share_of_people_and_ties_share_what_they_received() -> None:
    values, received = np.arange(1000), np.zeros(1000, int)
    received[[999, 995, 3]] = [3, 2, 5]
    assert of(values, received)["top_0.1%"] == pytest.approx(0.3)
    assert of(values, received)["top_1%"] == pytest.approx(0.5)
    values[990:] = 5000  # ten people alike: the first one is any of them
    assert of(values, received)["top_0.1%"] == pytest.approx(0.05)
    assert of(np.zeros(1000), received)["top_1%"] == pytest.approx(0.01)


def test_tenths_hold_equally_many_people_and_ties_are_split() -> None:
    received = np.repeat([0, 1], [75, 25])
    found = of(np.arange(100), received)
    assert [found[f"rate_{tenth}"] for tenth in range(1, 11)] == pytest.approx([0] * 7 + [0.5, 1, 1])
    found = of(np.repeat([1, 2], 50), received)
    assert [found[f"rate_{tenth}"] for tenth in range(1, 11)] == pytest.approx([0] * 5 + [0.5] * 5)
    assert Order(np.arange(100.0), received).lowest().tolist() == list(range(0, 100, 10))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=3, max_size=30))
def test_spearman_is_the_correlation_of_ranks_among_people_with_the_outcome(people: list[tuple[int, int]]) -> None:
    hit = [(value, received) for value, received in people if received]
    values, received = zip(*people, strict=True)
    constant = len({value for value, _ in hit}) < 2 or len({received for _, received in hit}) < 2
    ranks = np.array([pd.Series(side).rank() for side in zip(*hit, strict=True)])
    expected = NAN if constant else np.corrcoef(ranks)[0, 1]
    assert of(values, received)["spearman"] == pytest.approx(expected, nan_ok=True)


@given(
    arrays(int, 12, elements=st.integers(0, 4)),
    arrays(int, 12, elements=st.integers(0, 3)),
    arrays(int, 12, elements=st.integers(0, 3)),
    st.permutations(range(12)),
)
def test_a_weight_is_a_number_of_copies_and_order_does_not_matter(
    values: ndarray, received: ndarray, weights: ndarray, order: list[int]
) -> None:
    if not weights.sum():
        weights[0] = 1
    copies = of(np.repeat(values, weights), np.repeat(received, weights))
    assert of(values, received, weights) == pytest.approx(copies, nan_ok=True)
    assert of(values[order], received[order], weights[order]) == pytest.approx(copies, nan_ok=True)


def known(predictors: dict, received: np.ndarray, seed: str = "s", leaders: tuple[str, ...] = ("score",)) -> dict:
    found = figures({name: np.array(each, float) for name, each in predictors.items()}, received, seed, leaders)
    return {(each.predictor, each.name, each.leader): each for each in found}


def world(people: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    drawn = np.random.default_rng(7)
    signal = drawn.normal(size=people)
    received = np.where(signal + drawn.normal(size=people) > 1, 1, 0)
    return {"score": signal, "noise": drawn.normal(size=people)}, received


def test_intervals_are_reproducible_hold_the_value_and_narrow_with_people() -> None:
    few, many = known(*world(300)), known(*world(30_000))
    assert str(known(*world(300))) == str(few)  # as text, because NaN differs from itself
    assert known(*world(300), seed="t")["score", "auc", ""].low != few["score", "auc", ""].low
    for found in (few, many):
        score, noise = found["score", "auc", ""], found["noise", "auc", ""]
        assert score.low < score.value < score.high
        assert noise.low < 0.5 < noise.high
    width = [found["score", "auc", ""].high - found["score", "auc", ""].low for found in (few, many)]
    assert 5 < width[0] / width[1] < 20  # ten, for a hundred times the people


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Of 30 draws, 1.5 lie outside on average; more than 6 would in one of 2,000 tries."""
    truth = 0.5
    drawn = np.random.default_rng(3)
    outside = 0
    for number in range(30):
        received = (drawn.random(200) < 0.3).astype(int)
        auc = known({"noise": drawn.normal(size=200)}, received, str(number), ())["noise", "auc", ""]
        outside += not auc.low <= truth <= auc.high
    assert outside <= 6


def test_a_lead_is_of_the_same_people_so_it_is_narrower_than_its_parts() -> None:
    predictors, received = world(3000)
    predictors["nearly"] = predictors["score"] + np.random.default_rng(1).normal(size=3000) / 10
    found = known(predictors, received)
    lead, score, nearly = found["nearly", "lead_auc", "score"], found["score", "auc", ""], found["nearly", "auc", ""]
    assert lead.value == pytest.approx(score.value - nearly.value)
    assert lead.high - lead.low < (score.high - score.low) / 3
    assert found["noise", "lead_auc", "score"].low > 0.2
    assert ("score", "lead_auc", "score") not in found


def test_a_predictor_that_knows_some_people_is_compared_on_them_and_one_that_knows_none_is_left_out() -> None:
    predictors, received = world(1000)
    some = predictors["noise"].copy()
    some[500:] = NAN
    found = known(predictors | {"some": some, "none": np.full(1000, NAN)}, received)
    assert {name for name, _, _ in found} == {"score", "noise", "some"}
    assert found["some", "auc", ""].people == 500
    halves = known({name: each[:500] for name, each in predictors.items()}, received[:500])
    assert found["some", "auc", ""].value == halves["noise", "auc", ""].value
    assert found["some", "lead_auc", "score"].value == pytest.approx(halves["noise", "lead_auc", "score"].value)


@pytest.mark.parametrize("received", [[0, 0, 0], [1, 1, 1], [0, 1, 1]])
def test_few_people_have_figures_or_none_but_no_warning(received: list[int]) -> None:
    found = known({"score": [1, 2, 3]}, np.array(received))
    assert len(found) == len(FIGURES) + TENTHS
    assert np.isnan(found["score", "auc", ""].value) == (len(set(received)) == 1)
