"""How well a predictor orders people by an outcome, with bootstrap intervals over people. Pure functions of arrays.

People with equal values of the predictor share what they received equally, so their order never matters.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

RESAMPLES = 200
INTERVAL = (2.5, 97.5)  # percentiles
TOPS = {"top_1%": 0.01, "top_0.1%": 0.001}
TENTHS = 10
FIGURES = ("auc", *TOPS, "spearman", *(f"rate_{tenth}" for tenth in range(1, TENTHS + 1)))
LEADS = ("auc", *TOPS)  # figures of which differences between predictors are given


class Order:
    """People in the order of one predictor. Its figures are functions of weights: how often each person counts."""

    def __init__(self, values: np.ndarray, received: np.ndarray) -> None:
        """`values`: of the predictor, one per person, without NaN. `received`: the outcome, >= 0, one per person."""
        self.order = np.argsort(values, kind="stable")
        self.values = values[self.order]
        self.received = received[self.order].astype(float)
        self.ties = _starts(self.values)
        self.hit = np.flatnonzero(self.received)
        hit_values, hit_received = self.values[self.hit], self.received[self.hit]
        self.hit_ties = _starts(hit_values)
        self.by_received = np.argsort(hit_received, kind="stable")
        self.received_ties = _starts(hit_received[self.by_received])

    def figures(self, weights: np.ndarray) -> np.ndarray:
        """The values of `FIGURES`; NaN where a figure is not defined. `weights`: >= 0, one per person in the given order."""
        weights = weights[self.order].astype(float)
        hits = np.where(self.received > 0, weights, 0.0)
        people, hit, got = (
            np.concatenate([[0.0], np.cumsum(np.add.reduceat(each, self.ties))])
            for each in (weights, hits, weights * self.received)
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            miss = people - hit
            auc = (np.diff(hit) * (miss[1:] + miss[:-1])).sum() / (2 * hit[-1] * miss[-1])
            tops = [1 - np.interp((1 - top) * people[-1], people, got) / got[-1] for top in TOPS.values()]
            rates = np.diff(np.interp(people[-1] * np.arange(TENTHS + 1) / TENTHS, people, hit)) * TENTHS / people[-1]
            return np.array([auc, *tops, self._spearman(weights[self.hit]), *rates])

    def lowest(self) -> np.ndarray:
        """The lowest value of the predictor in each tenth of people."""
        return self.values[len(self.values) * np.arange(TENTHS) // TENTHS]

    def _spearman(self, weights: np.ndarray) -> float:
        """Rank correlation among people with the outcome, ties at the mean of their ranks; NaN if either side has only
        ties."""
        x = _ranks(weights, self.hit_ties)
        y = np.empty_like(x)
        y[self.by_received] = _ranks(weights[self.by_received], self.received_ties)
        total = weights.sum()
        x, y = x - (weights * x).sum() / total, y - (weights * y).sum() / total
        spread = (weights * x * x).sum() * (weights * y * y).sum()
        return (weights * x * y).sum() / np.sqrt(spread) if spread > 0 else np.nan


def _starts(ascending: np.ndarray) -> np.ndarray:
    """The first position of each run of equal values."""
    return np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]])[: len(ascending)])


def _ranks(weights: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Mean ranks of people in ascending order who count `weights` times; `starts` begins each run of ties."""
    if not len(weights):
        return weights
    of_run = np.add.reduceat(weights, starts)
    return np.repeat(np.cumsum(of_run) - of_run / 2, np.diff(np.append(starts, len(weights))))


class Figure(NamedTuple):
    """One figure of a predictor: its value, its interval and the number of people. NaN where it is not defined."""

    predictor: str
    name: str
    value: float
    low: float
    high: float
    people: int
    leader: str = ""  # of a figure that says how far the leader is ahead of the predictor

    @property
    def people_in_part(self) -> float:
        """How many people the figure is about: those in the part of all people that its name says, such as a tenth."""
        name = self.name.removeprefix("lead_")
        is_tenth = name.startswith(("rate_", "from_"))
        return self.people * (TOPS.get(name, 1.0) if not is_tenth else 1 / TENTHS)


def figures(
    predictors: Mapping[str, np.ndarray], received: np.ndarray, seed: str, leaders: Sequence[str]
) -> list[Figure]:
    """All figures of each predictor and, as `lead_FIGURE`, how far each leader is ahead of each other predictor.

    `predictors`: name -> one value per person, NaN if unknown. A predictor without a value for anybody is left out. If a
    predictor has values for only some people, its figures, and the leads over it, refer to those people. The same `seed` draws
    the same resamples.
    """
    known = {name: np.flatnonzero(~np.isnan(values)) for name, values in predictors.items()}
    known = {name: people for name, people in known.items() if len(people)}
    orders = {name: Order(predictors[name][people], received[people]) for name, people in known.items()}
    partly = {name: people for name, people in known.items() if len(people) < len(received)}
    rivals = {
        (leader, name): Order(predictors[leader][people], received[people])
        for leader in leaders if leader in known
        for name, people in partly.items() if name != leader
    }  # fmt: skip
    everybody = np.ones(len(received))
    draws = [everybody, *_resamples(len(received), seed)]
    of = {name: np.array([order.figures(draw[known[name]]) for draw in draws]) for name, order in orders.items()}
    of_rivals = {
        pair: np.array([order.figures(draw[known[pair[1]]]) for draw in draws]) for pair, order in rivals.items()
    }
    given = []
    for name, drawn in of.items():
        people = len(known[name])
        given += [_figure(name, figure, drawn[:, column], people) for column, figure in enumerate(FIGURES)]
        given += [
            Figure(name, f"from_{tenth}", float(value), np.nan, np.nan, people)
            for tenth, value in enumerate(orders[name].lowest(), start=1)
        ]
        for leader in leaders:
            if leader in of and leader != name:
                ahead = of_rivals.get((leader, name), of[leader]) - drawn
                given += [
                    _figure(name, f"lead_{figure}", ahead[:, FIGURES.index(figure)], people)._replace(leader=leader)
                    for figure in LEADS
                ]
    return given


def _resamples(people: int, seed: str) -> Iterator[np.ndarray]:
    """How often each person counts, for `RESAMPLES` draws of as many people with replacement."""
    drawn = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()))
    for _ in range(RESAMPLES):
        yield np.bincount(drawn.integers(0, people, people), minlength=people)


def _figure(predictor: str, name: str, drawn: np.ndarray, people: int) -> Figure:
    """A figure from its value (first) and its values among resampled people. Resamples without a value are left out."""
    resampled = drawn[1:][~np.isnan(drawn[1:])]
    low, high = np.percentile(resampled, INTERVAL) if len(resampled) and not np.isnan(drawn[0]) else (np.nan, np.nan)
    return Figure(predictor, name, float(drawn[0]), float(low), float(high), people)
