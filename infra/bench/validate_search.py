"""Searches constants of a methodology that predict what happens next; run it as `bash infra/bench.sh validate-search`.

Scores every candidate on the splits of `CHOOSING` by the arithmetic of engine `memory`, and compares it with the baselines of
`jobs.validation`. `validate_report` reports the best ones on all splits.
"""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rich.table import Table
from validate_sets import Split, every_split

from jobs.engines import memory
from jobs.engines.loops import loops
from jobs.places import ROOT
from jobs.validation.figures import FIGURES, Order
from schemas.fixed_point import SCALE, UNIT
from schemas.kinds import INTERACTIONS
from schemas.methodology import Methodology, load

NAME = "validate-search"
KEPT = ROOT / "infra" / "validate" / "search.jsonl"
CHOOSING = {
    "higgs after 3", "higgs after 5", "reddit after 26", "college after 30", "email after 50", "dnc after 965",
}  # fmt: skip
PRICED = "higgs after 6"  # the split on which fakes are priced
JUDGED = ("auc", "top_1%")

KIND_WEIGHTS = {
    "official": (3, 3, 2, 2, 1, 1),
    "equal": (1, 1, 1, 1, 1, 1),
    "tenth": (0.3, 0.3, 0.2, 0.2, 0.1, 0.1),
    "steep": (6, 6, 2, 2, 1, 1),
}
# Form, kind weights, rest_weight, half_life_days, and damping with rounds. With one round, damping does not change the order.
# The first grid is wide, the second is close to the official constants, the third holds other forms.
GRIDS = (
    (
        ("day",), ("official", "equal", "tenth"), (0, 0.3, 1, 4, 10, 30, 100), (2, 7, 30),
        ((0.5, 1), (0.1, 3), (0.3, 3), (0.5, 3)),
    ),
    (
        ("day",), ("official", "equal", "steep"), (0.7, 1, 1.5), (20, 30, 60, 90),
        ((0.3, 3), (0.5, 3), (0.7, 3), (0.9, 3)),
    ),
    (("window", "bounded"), ("official", "equal"), (0.3, 1, 4, 30, 100), (2, 7, 30), ((0.1, 3), (0.5, 3))),
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """Constants, and the form in which a pair's weight grows with its acts. Each form grows with every act, so P1, P2, P5 and
    P6 hold under all of them. Any form but `day` would need new equations.

    - `day`: the sum over days of `log2(1 + acts)`, faded; as in the equations.
    - `window`: `log2(1 + faded acts)` of the window.
    - `bounded`: `faded acts / (1 + faded acts)` of the window.
    """

    methodology: Methodology
    form: str = "day"

    def weights(self, acts: np.ndarray, age: np.ndarray, pair: np.ndarray) -> np.ndarray:
        """The weight of each pair, from weighted acts, age in periods, and pair number of each cell."""
        fade = 2.0 ** (-age / self.methodology.half_life_days)
        if self.form == "day":
            return np.bincount(pair, np.log2(1 + acts) * fade)
        faded = np.bincount(pair, acts * fade)
        return np.log2(1 + faded) if self.form == "window" else faded / (1 + faded)


OFFICIAL = Candidate(load("2026.11"))


def candidates() -> Iterator[tuple[str, Candidate]]:
    """Every combination of all grids, each with a name."""
    for form, kinds, rest, half, (damping, rounds) in dict.fromkeys(
        combined for grid in GRIDS for combined in itertools.product(*grid)
    ):
        name = f"kinds {kinds}, rest_weight {rest}, half_life_days {half}, damping {damping}, rounds {rounds}"
        weights = dict(zip(INTERACTIONS, map(float, KIND_WEIGHTS[kinds]), strict=True))
        constants = replace(
            OFFICIAL.methodology, version=name, kind_weights=weights, rest_weight=float(rest), half_life_days=float(half),
            damping=damping, rounds=rounds,
        )  # fmt: skip
        yield name if form == "day" else f"form {form}, {name}", Candidate(constants, form)


def influence(split: Split, candidate: Candidate) -> np.ndarray:
    """Influence of the split's `known` people, in accounts' worth."""
    methodology = candidate.methodology
    weights = np.array([methodology.kind_weights[kind] for kind in INTERACTIONS])
    weight = candidate.weights(split.counts @ weights, split.age, split.pair)
    spent = np.bincount(split.src, weight, split.people)
    share = methodology.damping * weight / (methodology.rest_weight + spent[split.src])
    rows = split.rows._replace(a=np.rint(share * SCALE).astype(np.int64)[split.rows.given])
    loop = loops(rows) if methodology.rounds == 3 else None
    return np.sum(memory.in_rows(rows, methodology.rounds, loop).sums, axis=0)[split.known] * UNIT


def prices(split: Split, candidate: Candidate) -> dict[str, float]:
    """Line -> the price of a fake. `once 90`, `ten 90` and `daily 90`: how many accounts lift a new account to the 90th
    percentile of the split's `known` people, if each reshares it once on the last day, ten times on the last day, or ten times
    on each of the last seven days. `clique 90`: how many members a clique needs for that, if each reshares each other once on
    the last day. The same for 99. `ring`: the share (0 to 1) of known people below a member of a ring, negative, so that less
    is cheaper on every line."""
    methodology = candidate.methodology
    held = np.sort(influence(split, candidate))
    marks = {"90": np.quantile(held, 0.9), "99": np.quantile(held, 0.99)}
    reshare, alone = methodology.kind_weights["reshare"], np.zeros(1, int)
    (one,), (ten,) = (candidate.weights(np.array([acts * reshare]), alone, alone) for acts in (1, 10))
    (week,) = candidate.weights(np.full(7, 10 * reshare), np.arange(7), np.zeros(7, int))
    given = {
        name: methodology.damping * weight / (methodology.rest_weight + weight)
        for name, weight in (("once", one), ("ten", ten), ("daily", week))
    }
    found = {f"{name} {mark}": float(np.ceil(at / each)) for name, each in given.items() for mark, at in marks.items()}
    sizes = np.arange(2, 2000)
    shares = methodology.damping * one / (methodology.rest_weight + (sizes - 1) * one)
    others = sizes - 1
    steps = [others * shares, others * (others - 1) * shares**2, others * (others - 1) * (others - 2) * shares**3]
    of_clique = sum(steps[: methodology.rounds])
    for mark, at in marks.items():
        found[f"clique {mark}"] = float(sizes[np.argmax(of_clique >= at)]) if (of_clique >= at).any() else np.inf
    of_ring = sum(given["once"] ** step for step in range(1, methodology.rounds + 1))
    return found | {"ring": -float(np.searchsorted(held, of_ring) / len(held))}


def judged(values: np.ndarray, received: np.ndarray) -> np.ndarray:
    """The figures `JUDGED`."""
    drawn = Order(values, received).figures(np.ones(len(values)))
    return drawn[[FIGURES.index(name) for name in JUDGED]]


def search(choosing: list[Split], priced: Split, tried: Iterable[tuple[str, Candidate]]) -> Iterator[dict[str, Any]]:
    """Yields for each candidate: how far it is ahead of the best baseline, by split and outcome, in the order of `JUDGED`; the
    mean of all these values; and the lines of `prices` on which a fake is cheaper than under the official methodology."""
    best = {
        (split.name, outcome): np.max([judged(each, received) for each in split.baselines.values()], axis=0)
        for split in choosing
        for outcome, received in split.received.items()
    }
    official = prices(priced, OFFICIAL)
    for name, candidate in tried:
        ahead = {}
        for split in choosing:
            held = influence(split, candidate)
            for outcome, received in split.received.items():
                ahead[f"{split.name}, {outcome}"] = judged(held, received) - best[split.name, outcome]
        price = prices(priced, candidate)
        yield {
            "constants": name,
            "mean": round(float(np.mean(list(ahead.values()))), 5),
            "cheaper": [line for line in price if price[line] < official[line] - 0.005],
            "ahead": {where: [round(float(value), 4) for value in values] for where, values in ahead.items()},
        }


@dataclass
class Figure:
    """A candidate. `mean`: how far it is ahead of the best baseline, as the mean over the splits of `CHOOSING`, their outcomes
    and the figures. `cheaper`: the lines of `prices` on which a fake is cheaper than under the official methodology."""

    constants: str
    mean: float
    cheaper: list[str]
    name: str = NAME


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Searches, keeps every candidate in the file `KEPT`, the best first, and yields them in this order."""
    every = list(every_split())
    (priced,) = (split for split in every if split.name == PRICED)
    found = search([split for split in every if split.name in CHOOSING], priced, candidates())
    lines = sorted(found, key=lambda line: -line["mean"])
    KEPT.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    yield from (Figure(line["constants"], line["mean"], line["cheaper"]) for line in lines)


def best() -> dict[str, Candidate]:
    """Name -> candidate, for the best ones that the last search kept: the best of the official form, the best of any other
    form, and the best under which no fake is cheaper. If there is none of a sort, the best of all takes its place."""
    lines = [json.loads(line) for line in KEPT.read_text(encoding="utf-8").splitlines()]
    named = dict(candidates())
    names = [line["constants"] for line in lines]
    firsts = (
        (name for name in names if named[name].form == "day"),
        (name for name in names if named[name].form != "day"),
        (line["constants"] for line in lines if not line["cheaper"]),
    )
    return {name: named[name] for name in (next(first, names[0]) for first in firsts)}


def table(shown: list[Figure]) -> Table:
    """The ten best candidates, and the best one under which no fake is cheaper."""
    drawn = Table(title="constants, by how far they are ahead of the best baseline where they were chosen")
    for head in ("constants", "ahead by", "cheaper fakes"):
        drawn.add_column(head, overflow="fold")
    honest = [figure for figure in shown if not figure.cheaper][:1]
    for figure in [*shown[:10], *(each for each in honest if each not in shown[:10])]:
        drawn.add_row(figure.constants, f"{figure.mean:+.4f}", ", ".join(figure.cheaper) or "none")
    return drawn
