"""Charts of a validation. The same figures give byte-identical charts."""

import math
from collections.abc import Iterable

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.labels import plain
from jobs.report.drawing import BLUE, ORANGE, PALE, RULE, svg
from jobs.validation.figures import TENTHS, Figure
from jobs.validation.tables import Platform, Validation
from schemas.validations import EVERY_PLATFORM, SCORE

NAMES = {
    "engagers": "count of engagers",
    "acts": "count of acts",
    "faded_acts": "faded acts",
    "pagerank": "PageRank",
    "pagerank_unweighted": "PageRank, unweighted",
    "followers": "followers",
}
OVER_TIME = ("engagers", "faded_acts", "pagerank")  # baselines beside the score
MOST_PLATFORMS = 12  # in a chart; the table shows all
FIGURE = pa.schema({"name": pa.string(), "value": pa.float64(), "low": pa.float64(), "high": pa.float64()})
NONE = Figure("", "auc", math.nan, math.nan, math.nan, 0)


def name_of(predictor: str) -> str:
    """The predictor as readers see it: a baseline in words, a methodology by its version."""
    return NAMES.get(predictor, predictor)


def predictors(validation: Validation, figure: str, title: str) -> str:
    """One figure of every predictor: a dot, and a line over its interval. Methodologies are dark."""
    found = [validation.whole.figure(predictor, figure) for predictor in validation.predictors]
    table = _table((name_of(each.predictor), each) for each in found if each)
    order = table["name"].to_pylist()
    mine = alt.FieldOneOfPredicate("name", list(validation.params.versions))
    base = alt.Chart(table).encode(alt.Y("name:N", title=None, sort=order, axis=alt.Axis(labelLimit=180)))
    value = alt.X("value:Q", title=title, scale=alt.Scale(zero=False))
    line = base.mark_rule(strokeWidth=5, color=PALE, strokeCap="round").encode(
        alt.X("low:Q", title=title), alt.X2("high:Q")
    )
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        value, color=alt.condition(mine, alt.value(BLUE), alt.value(ORANGE))
    )
    return svg(line + dot)


def rates(validation: Validation) -> str:
    """How many of each tenth by score had the outcome, with intervals, under the first methodology."""
    version = validation.params.versions[0]
    found = {tenth: validation.whole.figure(version, f"rate_{tenth}") for tenth in range(1, TENTHS + 1)}
    table = _table((f"{tenth}", each) for tenth, each in found.items() if each)
    axis = alt.X(
        "name:O", sort=table["name"].to_pylist(), axis=alt.Axis(labelAngle=0), title="tenth by score; 10 is the highest"
    )
    base = alt.Chart(table).encode(axis)
    bar = base.mark_bar(color=PALE).encode(alt.Y("value:Q", title=None, axis=alt.Axis(format="%", tickCount=5)))
    line = base.mark_rule(strokeWidth=2, color=BLUE).encode(alt.Y("low:Q"), alt.Y2("high:Q"))
    return svg(bar + line)


def platforms(validation: Validation, baseline: str) -> str:
    """The AUC on each platform, of the first methodology and a baseline, for the first `MOST_PLATFORMS` by people."""
    version = validation.params.versions[0]
    shown = sorted(validation.platforms[1:], key=lambda platform: (-platform.people, platform.name))[:MOST_PLATFORMS]
    sides = [
        _auc(shown, predictor).append_column("predictor", pa.array([name_of(predictor)] * len(shown)))
        for predictor in (version, baseline)
    ]
    base = alt.Chart(pa.concat_tables(sides)).encode(
        alt.Y("name:N", title=None, sort=sides[0]["name"].to_pylist(), axis=alt.Axis(labelLimit=150)),
        alt.YOffset("predictor:N", sort=[version, name_of(baseline)]),
        _colour([version, name_of(baseline)]),
    )
    line = base.mark_rule(strokeWidth=3, opacity=0.5).encode(alt.X("low:Q", title="AUC"), alt.X2("high:Q"))
    dot = base.mark_point(filled=True, size=60, opacity=1).encode(
        alt.X("value:Q", title="AUC", scale=alt.Scale(zero=False))
    )
    return svg(line + dot)


def over_time(recorded: pa.Table, version: str) -> str:
    """The AUC on each recorded day, of the score and of some baselines. `recorded` holds rows of `validations`."""
    chosen = pc.and_(pc.equal(recorded["figure"], "auc"), pc.equal(recorded["platform"], EVERY_PLATFORM))
    chosen = pc.and_(chosen, pc.is_in(recorded["predictor"], pa.array([SCORE, *OVER_TIME])))
    names = {SCORE: version} | {name: name_of(name) for name in OVER_TIME}
    table = recorded.filter(chosen).select(["day", "predictor", "value"])
    shown = pa.array([names[name] for name in table["predictor"].to_pylist()], pa.string())
    days = pa.array([str(day) for day in table["day"].to_pylist()], pa.string())
    table = pa.table({"day": days, "predictor": shown, "value": table["value"]})
    line = alt.Chart(table).mark_line(point=True).encode(
        alt.X("day:T", title=None, axis=alt.Axis(format="%Y-%m-%d", tickCount=4)),
        alt.Y("value:Q", title=None, scale=alt.Scale(zero=False)),
        alt.Color("predictor:N", title=None, legend=alt.Legend(orient="top", columns=2),
                  scale=alt.Scale(domain=list(names.values()), range=[BLUE, ORANGE, PALE, RULE])),
    )  # fmt: skip
    return svg(line)


def _auc(of: Iterable[Platform], predictor: str) -> pa.Table:
    # A control character would crash the drawing library, and with it the process.
    found = ((plain(platform.name), platform.figure(predictor, "auc")) for platform in of)
    return _table((name, each or NONE) for name, each in found)


def _table(of: Iterable[tuple[str, Figure]]) -> pa.Table:
    rows = [{"name": name, "value": each.value, "low": each.low, "high": each.high} for name, each in of]
    return pa.Table.from_pylist(rows, FIGURE)


def _colour(names: list[str]) -> alt.Color:
    return alt.Color(
        "predictor:N", title=None, scale=alt.Scale(domain=names, range=[BLUE, ORANGE]), legend=alt.Legend(orient="top")
    )
