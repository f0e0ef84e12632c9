"""The report of a validation: sentences for the terminal, one HTML page, and CSV files.

The page needs no network and runs no script. It is deterministic: the same validation gives the same bytes.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from jobs.labels import SIMULATED
from jobs.report import page
from jobs.report.page import share
from jobs.validation import charts
from jobs.validation.charts import name_of
from jobs.validation.figures import TENTHS, TOPS, Figure
from jobs.validation.tables import Validation
from schemas.validations import OUTCOMES

RECEIVED = {"engaged": "engaged with", "newly-engaged": "engaged with by new accounts", "reshared": "reshared"}
UNKNOWN = "unknown"


def write(validation: Validation, label: str, to: Path) -> Path:
    """Writes the page, `figures.csv` and `recorded.csv` into the folder, as `page.write` does."""
    return page.write({"figures": figures(validation), "recorded": validation.recorded}, html(validation, label), to)


def figures(validation: Validation) -> pa.Table:
    """One row per platform, predictor, figure and leader. NaN becomes null."""
    rows = [
        {"platform": platform.name} | each._asdict() for platform in validation.platforms for each in platform.figures
    ]
    names = ("platform", "predictor", "name", "leader", "value", "low", "high", "people")
    types = (*[pa.string()] * 4, *[pa.float64()] * 3, pa.int64())
    table = pa.Table.from_pylist(rows, pa.schema(list(zip(names, types, strict=True))))
    for name in ("value", "low", "high"):
        known = pc.if_else(pc.is_nan(table[name]), None, table[name])
        table = table.set_column(table.column_names.index(name), name, known)
    return table.rename_columns({"name": "figure"})


def html(validation: Validation, label: str) -> str:
    """The page as HTML, with the label of real people. It escapes names from platforms."""
    params, whole = validation.params, validation.whole
    drawn = {
        "auc": charts.predictors(validation, "auc", "AUC"),
        "top": charts.predictors(validation, "top_1%", "share that the top 1 % received"),
        "rates": charts.rates(validation),
    }
    if len(validation.platforms) > 1:
        drawn["platforms"] = charts.platforms(validation, best_baseline(validation))
    if len(pc.unique(validation.recorded["day"])) > 1:
        drawn["over_time"] = charts.over_time(validation.recorded, params.versions[0])
    return page.rendered(
        "jobs.validation", "validation.html", params=params, whole=whole, platforms=validation.platforms[1:],
        headline=headline(validation), sentences=list(sentences(validation)), label=label_of(validation, label),
        predictors=validation.predictors, tops=TOPS, tenths=range(TENTHS, 0, -1), baseline=best_baseline(validation),
        outcome=OUTCOMES[params.outcome], received=RECEIVED[params.outcome], shown=shown, rate=rate, name_of=name_of,
        charts={name: Markup(svg) for name, svg in drawn.items()},
    )  # fmt: skip


def label_of(validation: Validation, of_real_people: str) -> str:
    """The label that must accompany all output about these people."""
    return SIMULATED if validation.simulated else of_real_people


def best_baseline(validation: Validation) -> str:
    """The baseline with the highest AUC; the first one if none has any."""
    baselines = [name for name in validation.predictors if name not in validation.params.versions]
    aucs = [np.nan_to_num(_auc(validation, name).value, nan=-1.0) for name in baselines]
    return baselines[int(np.argmax(aucs))]


def headline(validation: Validation) -> str:
    """The main result in one sentence."""
    params = validation.params
    score, baseline = _auc(validation, params.versions[0]), best_baseline(validation)
    if np.isnan(score.value):
        whom = "nobody was" if not validation.whole.with_outcome else "everybody was"
        return f"After {params.day} {whom} {RECEIVED[params.outcome]}, so nothing shows whether the score predicts it."
    return (
        f"{params.versions[0]} ranks a person who was {RECEIVED[params.outcome]} above one who was not in"
        f" {score.value:.1%} of pairs; {name_of(baseline)}: {_auc(validation, baseline).value:.1%}."
    )


def sentences(validation: Validation) -> Iterator[str]:
    """Yields the sentences below the headline: who counts, what they received, and who is ahead of whom."""
    params, whole = validation.params, validation.whole
    days = "day" if whole.covered_days == 1 else "days"
    yield (
        f"{whole.people:,} people had been engaged with by {params.day}; {share(whole.with_outcome, whole.people)} of them"
        f" were {RECEIVED[params.outcome]} on the {whole.covered_days} covered {days} after it (of {params.ahead} asked for)."
    )
    if not np.isnan(validation.reached):
        yield (
            f"They received {validation.reached:.0%} of the outcome ({OUTCOMES[params.outcome]}); the rest went to people with"
            " whom nobody had engaged, whom no predictor can rank."
        )
    for version in params.versions:
        found = [whole.figure(name, "lead_auc", version) for name in validation.predictors]
        leads = [each for each in found if each and not np.isnan(each.value)]
        ahead = [name_of(each.predictor) for each in leads if each.low > 0]
        behind = [name_of(each.predictor) for each in leads if each.high < 0]
        level = [name_of(each.predictor) for each in leads if each.low <= 0 <= each.high]
        parts = (("better than", ahead), ("worse than", behind), ("not distinguishable from", level))
        yield f"By AUC {version} is " + "; ".join(f"{word} {', '.join(names)}" for word, names in parts if names) + "."


def shown(figure: Figure | None, signed: bool = False) -> str:
    """A figure with its interval, with three decimals."""
    if figure is None or np.isnan(figure.value):
        return UNKNOWN
    sign = "+" if signed else ""
    return f"{figure.value:{sign}.3f} [{figure.low:{sign}.3f}, {figure.high:{sign}.3f}]"


def rate(figure: Figure | None) -> str:
    """A share of people with its interval, in percent."""
    if figure is None or np.isnan(figure.value):
        return UNKNOWN
    return f"{figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]"


def _auc(validation: Validation, predictor: str) -> Figure:
    figure = validation.whole.figure(predictor, "auc")
    assert figure is not None, predictor  # every predictor has the figure
    return figure
