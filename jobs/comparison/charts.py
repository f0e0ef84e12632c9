"""Charts of a comparison, as SVG with selectable text. The same tables give byte-identical charts."""

import altair as alt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.comparison.tables import FAR
from jobs.labels import plain
from jobs.report.drawing import BLUE, ORANGE, PALE, RULE, svg

BEFORE, AFTER = ORANGE, BLUE
MOST_PLATFORMS = 12  # in a chart; the table shows all


def distribution(table: pa.Table, before: str, after: str) -> str:
    """Histogram of scores, with bars of both methodologies side by side. `table` comes from `tables.distribution`; `before` and
    `after` are versions."""
    sides = pa.concat_tables(
        [
            pa.table({"score": table["score_from"], "people": table[side], "methodology": [version] * len(table)})
            for side, version in (("before", before), ("after", after))
        ]
    )
    return svg(
        alt.Chart(sides)
        .mark_bar()
        .encode(
            alt.X("score:O", title="score, from", axis=alt.Axis(labelAngle=0)),
            alt.Y("people:Q", title=None),
            _colour("methodology", before, after),
            alt.XOffset("methodology:N", sort=[before, after]),
        )
    )


def moves(table: pa.Table) -> str:
    """Histogram of moves in points; the bins from 5 points in each direction are darker. `table` comes from `tables.moves`."""
    far = pc.or_(pc.greater_equal(table["points_from"], FAR), pc.less_equal(table["points_to"], -FAR))
    return svg(
        alt.Chart(table.append_column("far", far))
        .mark_bar()
        .encode(
            alt.X("points_from:Q", bin="binned", title="points"),
            alt.X2("points_to:Q"),
            alt.Y("holders:Q", title=None),
            alt.Color("far:N", legend=None, scale=alt.Scale(domain=[False, True], range=[PALE, AFTER])),
        )
    )


def deciles(table: pa.Table) -> str:
    """How each tenth of people moves: a dot at the median move, a line from the 10th to the 90th percentile. `table` comes from
    `tables.deciles`."""
    tenth = alt.X("decile:O", title="tenth of people by score before; 10 is the highest", axis=alt.Axis(labelAngle=0))
    base = alt.Chart(table).encode(tenth)
    line = base.mark_rule(strokeWidth=5, color=PALE, strokeCap="round").encode(
        alt.Y("low_move:Q", title=None), alt.Y2("high_move:Q")
    )
    dot = base.mark_point(filled=True, size=60, color=AFTER, opacity=1).encode(alt.Y("median_move:Q"))
    zero = alt.Chart(pa.table({"zero": [0]})).mark_rule(color=RULE).encode(alt.Y("zero:Q"))
    return svg(zero + line + dot)


def platforms(table: pa.Table, before: str, after: str) -> str:
    """Each platform's share of all attention, before and after, for the first `MOST_PLATFORMS` rows of `tables.platforms`."""
    shown = table.slice(0, MOST_PLATFORMS)
    # A control character would crash the drawing library, and with it the process.
    names = [plain(name) for name in shown["platform"].to_pylist()]
    sides = pa.concat_tables(
        [
            pa.table({"platform": names, "share": shown[f"share_{side}"], "methodology": [version] * len(shown)})
            for side, version in (("before", before), ("after", after))
        ]
    )
    return svg(
        alt.Chart(sides)
        .mark_bar()
        .encode(
            alt.Y("platform:N", title=None, sort=names, axis=alt.Axis(labelLimit=150)),
            alt.X("share:Q", title="share of all attention", axis=alt.Axis(format="%", tickCount=5)),
            _colour("methodology", before, after),
            alt.YOffset("methodology:N", sort=[before, after]),
        )
    )


def _colour(name: str, before: str, after: str) -> alt.Color:
    scale = alt.Scale(domain=[before, after], range=[BEFORE, AFTER])
    return alt.Color(f"{name}:N", title=None, scale=scale, legend=alt.Legend(orient="top"))
