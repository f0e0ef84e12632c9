"""Searches constants of a methodology that predict what happens next; run it as `bash infra/bench.sh validate-search`.

Scores every candidate on every split by the arithmetic of engine `memory`, and compares it with the baselines of
`jobs.validation`. Constants are chosen by `CHOOSING` and reported on all other splits.
"""

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from graphs import folder
from measuring import DATA
from rich.table import Table
from validate_sets import Split, splits

from jobs.engines import memory
from jobs.engines.loops import loops
from jobs.places import ROOT
from jobs.validation import figures as validation
from jobs.validation.figures import FIGURES, Order
from schemas.fixed_point import SCALE, UNIT
from schemas.kinds import INTERACTIONS
from schemas.methodology import Methodology, load

NAME = "validate-search"
KEPT = ROOT / "infra" / "validate"  # every candidate, and the report
OFFICIAL = load("2026.11")
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
# Kind weights, rest_weight, half_life_days, and damping with rounds; with one round damping changes no order. The first grid is
# wide, the second close to the official constants.
GRIDS = (
    (("official", "equal", "tenth"), (0, 0.3, 1, 4, 10, 30, 100), (2, 7, 30), ((0.5, 1), (0.1, 3), (0.3, 3), (0.5, 3))),
    (("official", "equal", "steep"), (0.7, 1, 1.5), (20, 30, 60, 90), ((0.3, 3), (0.5, 3), (0.7, 3), (0.9, 3))),
)


def candidates() -> Iterator[tuple[str, Methodology]]:
    """Every combination of constants of either grid, each with a name."""
    for kinds, rest, half, (damping, rounds) in dict.fromkeys(
        combined for grid in GRIDS for combined in itertools.product(*grid)
    ):
        name = f"kinds {kinds}, rest_weight {rest}, half_life_days {half}, damping {damping}, rounds {rounds}"
        weights = dict(zip(INTERACTIONS, map(float, KIND_WEIGHTS[kinds]), strict=True))
        yield name, replace(
            OFFICIAL, version=name, kind_weights=weights, rest_weight=float(rest), half_life_days=float(half),
            damping=damping, rounds=rounds,
        )  # fmt: skip


def influence(split: Split, methodology: Methodology) -> np.ndarray:
    """Influence of the split's `known` people, in accounts' worth."""
    weights = np.array([methodology.kind_weights[kind] for kind in INTERACTIONS])
    faded = np.log2(1 + split.counts @ weights) * 2.0 ** (-split.age / methodology.half_life_days)
    weight = np.bincount(split.pair, faded)
    spent = np.bincount(split.src, weight, split.people)
    share = methodology.damping * weight / (methodology.rest_weight + spent[split.src])
    rows = split.rows._replace(a=np.rint(share * SCALE).astype(np.int64)[split.rows.given])
    loop = loops(rows) if methodology.rounds == 3 else None
    return np.sum(memory.in_rows(rows, methodology.rounds, loop).sums, axis=0)[split.known] * UNIT


def prices(split: Split, methodology: Methodology) -> dict[str, float]:
    """What lifts a new account to the 90th and 99th percentile of the split's `known` people, by resharing on the last day or,
    for `daily`, ten times on each of the last seven: the number of accounts that act once, ten times, or daily; the number of
    members of a clique; and the percentile that a member of a ring reaches, negative, so that less is cheaper on every line."""
    held = np.sort(influence(split, methodology))
    marks = {"90": np.quantile(held, 0.9), "99": np.quantile(held, 0.99)}
    one, ten = (np.log2(1 + acts * methodology.kind_weights["reshare"]) for acts in (1, 10))
    week = ten * (2.0 ** (-np.arange(7) / methodology.half_life_days)).sum()
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


def search(choosing: list[Split], priced: Split, tried: Iterable[tuple[str, Methodology]]) -> Iterator[dict[str, Any]]:
    """Yields what each candidate is ahead of the best baseline, by split and outcome, in the order of `JUDGED`; the mean of all
    that; and the lines of `prices` on which a fake is cheaper than under the official methodology."""
    best = {
        (split.name, outcome): np.max([judged(each, received) for each in split.baselines.values()], axis=0)
        for split in choosing
        for outcome, received in split.received.items()
    }
    official = prices(priced, OFFICIAL)
    for name, methodology in tried:
        ahead = {}
        for split in choosing:
            held = influence(split, methodology)
            for outcome, received in split.received.items():
                ahead[f"{split.name}, {outcome}"] = judged(held, received) - best[split.name, outcome]
        price = prices(priced, methodology)
        yield {
            "constants": name,
            "mean": round(float(np.mean(list(ahead.values()))), 5),
            "cheaper": [line for line in price if price[line] < official[line] - 0.005],
            "ahead": {where: [round(float(value), 4) for value in values] for where, values in ahead.items()},
        }


@dataclass
class Figure:
    """A figure of a predictor on a split for an outcome, as value, low and high; with `leader`, how far that methodology is
    ahead of the predictor. `chosen_by`: whether the split served to choose the constants."""

    split: str
    chosen_by: bool
    outcome: str
    predictor: str
    figure: str
    leader: str
    value: list[float]
    people: int
    name: str = NAME


def figures(_: Sequence[str]) -> Iterator[Figure]:
    """Searches, keeps every candidate in `search.jsonl`, and yields the figures of the best one, of the best of those under
    which no fake is cheaper, of the official methodology, and of the baselines, on every split."""
    every = list(splits([DATA, *map(Path, filter(None, [os.environ.get("CLOUT_VALIDATE_DATA")]))], folder() / NAME))
    (priced,) = (split for split in every if split.name == PRICED)
    found = search([split for split in every if split.name in CHOOSING], priced, candidates())
    lines = sorted(found, key=lambda line: -line["mean"])
    (KEPT / "search.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    best = [lines[0], next((line for line in lines if not line["cheaper"]), lines[0])]
    named = dict(candidates())
    chosen = {OFFICIAL.version: OFFICIAL} | {line["constants"]: named[line["constants"]] for line in best}
    with (KEPT / "report.jsonl").open("w", encoding="utf-8") as report:
        for split in every:
            for figure in reported(split, chosen):
                report.write(json.dumps(asdict(figure)) + "\n")
                yield figure


def reported(split: Split, chosen: Mapping[str, Methodology]) -> Iterator[Figure]:
    """Yields the figures `JUDGED` of each predictor on a split, and what each of the chosen is ahead of it."""
    values = {name: influence(split, methodology) for name, methodology in chosen.items()} | split.baselines
    for outcome, received in split.received.items():
        for each in validation.figures(values, received, f"{split.name} {outcome}", list(chosen)):
            if each.name.removeprefix("lead_") in JUDGED:
                value = [round(float(part), 4) for part in (each.value, each.low, each.high)]
                yield Figure(
                    split.name,
                    split.name in CHOOSING,
                    outcome,
                    each.predictor,
                    each.name,
                    each.leader,
                    value,
                    each.people,
                )


def table(shown: list[Figure]) -> Table:
    """A row per predictor and figure: its mean on the splits that did not choose, and how often each methodology is worse, the
    whole interval below zero."""
    drawn = Table(title="what predicts what happens next, on splits that did not choose the constants")
    for head in ("predictor", "figure", "mean", "methodology", "ahead by", "worse on", "of"):
        drawn.add_column(head, overflow="fold")
    judging = [figure for figure in shown if not figure.chosen_by]
    for predictor, figure in dict.fromkeys((each.predictor, each.figure) for each in judging if not each.leader):
        own = [each.value[0] for each in judging if (each.predictor, each.figure) == (predictor, figure)]
        drawn.add_row(predictor, figure, f"{np.mean(own):.3f}", "", "", "", str(len(own)))
        lead = (predictor, f"lead_{figure}")
        for leader in dict.fromkeys(each.leader for each in judging if (each.predictor, each.figure) == lead):
            ahead = [each.value for each in judging if (each.predictor, each.figure, each.leader) == (*lead, leader)]
            worse = sum(high < 0 for _, _, high in ahead)
            drawn.add_row(
                "", "", "", leader, f"{np.mean([value for value, _, _ in ahead]):+.3f}", str(worse), str(len(ahead))
            )
    return drawn
