"""Reports how well scores predict what happens next, on every set; run it as `bash infra/bench.sh validate-report`.

Compares the official methodology, the best constants of `validate_search` and the baselines of `jobs.validation`. Constants are
reported on all splits, and judged on those that did not choose them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from rich.table import Table
from validate_search import CHOOSING, JUDGED, OFFICIAL, Candidate, best, influence
from validate_sets import Split, every_split

from jobs.places import ROOT
from jobs.validation.figures import figures as compared

NAME = "validate-report"
NOW = OFFICIAL.methodology.version
KEPT = ROOT / "infra" / "validate" / "report.jsonl"


@dataclass
class Figure:
    """A figure of a predictor for an outcome on a split. `value` is [value, low, high]. If `leader` is not empty, the figure
    says how far that methodology is ahead of the predictor. `chosen_by`: whether the split was used to choose the constants."""

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
    """Yields the figures of every split, and keeps them in the file `KEPT`."""
    chosen = {NOW: OFFICIAL} | best()
    with KEPT.open("w", encoding="utf-8") as report:
        for split in every_split():
            for figure in reported(split, chosen):
                report.write(json.dumps(asdict(figure)) + "\n")
                yield figure


def reported(split: Split, chosen: Mapping[str, Candidate]) -> Iterator[Figure]:
    """Yields the figures `JUDGED` of each predictor on a split, and how far each chosen methodology is ahead of the
    predictor."""
    values = {name: influence(split, candidate) for name, candidate in chosen.items()} | split.baselines
    for outcome, received in split.received.items():
        for each in compared(values, received, f"{split.name} {outcome}", list(chosen)):
            if each.name.removeprefix("lead_") in JUDGED:
                yield Figure(
                    split=split.name,
                    chosen_by=split.name in CHOOSING,
                    outcome=outcome,
                    predictor=each.predictor,
                    figure=each.name,
                    leader=each.leader,
                    value=[round(float(part), 4) for part in (each.value, each.low, each.high)],
                    people=each.people,
                )


def table(shown: list[Figure]) -> Table:
    """A row per split and outcome with each predictor's AUC and its interval. Then two rows per figure, over all outcomes of
    the splits that did not choose: each predictor's mean, and how often it is better or worse than the official methodology. A
    difference counts only if its whole interval is on one side of zero."""
    predictors = list(dict.fromkeys(figure.predictor for figure in shown))
    values = {(each.split, each.outcome, each.predictor, each.figure, each.leader): each.value for each in shown}
    drawn = Table(title="AUC of what happens next, 95 % intervals; * chose the constants", show_lines=True)
    for head in ("split", "outcome", *predictors):
        drawn.add_column(head, overflow="fold")
    for split, outcome in dict.fromkeys((figure.split, figure.outcome) for figure in shown):
        of_predictors = [values[split, outcome, predictor, "auc", ""] for predictor in predictors]
        cells = [f"{value:.3f}\n{low:.3f}-{high:.3f}" for value, low, high in of_predictors]
        drawn.add_row(f"{split} *" if split in CHOOSING else split, outcome, *cells)
    judging = dict.fromkeys((figure.split, figure.outcome) for figure in shown if not figure.chosen_by)
    for figure in JUDGED:
        means = [np.mean([values[*each, predictor, figure, ""][0] for each in judging]) for predictor in predictors]
        drawn.add_row(f"mean of {len(judging)}", figure, *(f"{mean:.3f}" for mean in means))
        ahead = [
            [values[*each, predictor, f"lead_{figure}", NOW] for each in judging]
            for predictor in predictors
            if predictor != NOW
        ]
        counted = [
            f"{sum(high < 0 for _, _, high in leads)} better\n{sum(low > 0 for _, low, _ in leads)} worse"
            for leads in ahead
        ]
        drawn.add_row(f"than {NOW}", figure, "", *counted)
    return drawn
