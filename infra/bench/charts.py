"""Charts of figures, as SVG with selectable text. The same records give byte-identical charts.

All text passes through `plain`: a control character would crash the drawing library, and with it the process.
"""

import math
from collections.abc import Sequence

import altair as alt
import pyarrow as pa
from records import Record

from jobs.labels import plain
from jobs.report.drawing import BLUE, INK, ORANGE, PALE, RULE, svg

WITHIN, OVER, UNJUDGED = "within the limit", "over the limit", "not judged: the machine was busy"
COLOUR_OF = {WITHIN: BLUE, OVER: ORANGE, UNJUDGED: PALE}
BAND = 50  # pixels of a figure in `limits`: two lines of text, and a bar below them
AXIS = 60  # pixels of the axis of `limits`
SHOWN = pa.schema(
    {"row": pa.int64(), "what": pa.string(), "share": pa.float64(), "text": pa.string(), "verdict": pa.string()}
)
HERE = "clout"  # beside its peers
COLOURS = [BLUE, ORANGE, RULE, PALE]
LONGEST = 2.0  # limits; a longer bar would make the others too short to compare


def amount(value: float, unit: str) -> str:
    """A value with its unit as one line, rounded to two decimals if it is small."""
    digits = 2 if abs(value) < 100 and value != int(value) else 0
    return plain(f"{value:,.{digits}f} {unit}".strip())


def limits(records: Sequence[Record], background: str = "transparent") -> str:
    """A bar for each figure that has a limit: its share of the limit, below its name and value. Bars end at `LONGEST` limits;
    those past the limit, and those that cannot be judged, have colors of their own."""
    limited = [(record, record.limit) for record in records if record.limit]
    rows = [
        {
            "row": number,
            "what": text_of(record),
            "share": min(record.share, LONGEST),
            "text": f"{amount(record.value, '')} of {amount(limit, record.unit)}, {verdict(record)}",
            "verdict": verdict(record),
        }
        for number, (record, limit) in enumerate(limited)
    ]
    table = pa.Table.from_pylist(rows, SHOWN)
    most = max([1.0, *table["share"].to_pylist()])
    base = alt.Chart(table).encode(alt.Y("row:O", axis=None))
    share = alt.X(
        "share:Q", title="share of the limit", scale=alt.Scale(domain=[0, most]), axis=alt.Axis(format="%", tickCount=5)
    )
    colour = alt.Color("verdict:N", legend=None, scale=alt.Scale(domain=[*COLOUR_OF], range=[*COLOUR_OF.values()]))
    bar = base.mark_bar(height=9, yOffset=15).encode(share, colour)
    names, values = (
        base.mark_text(align="left", dy=dy, fontSize=12, color=color, limit=350).encode(x=alt.value(1), text=text)
        for dy, color, text in ((-13, INK, "what:N"), (2, RULE, "text:N"))
    )
    end = alt.Chart(pa.table({"share": [1.0]})).mark_rule(color=RULE, strokeDash=[4, 3]).encode(share)
    return svg(end + bar + names + values, height=AXIS + BAND * len(rows), background=background)


def verdict(record: Record) -> str:
    """How the value of a figure with a limit compares with it."""
    return UNJUDGED if not record.is_judged else OVER if record.is_over else WITHIN


def text_of(record: Record) -> str:
    """What the figure measured, as one line."""
    size = f", {record.size / 1e6:.1f} M pairs" if record.size else ""
    return plain(f"{record.what}{size}")


def growth(records: Sequence[Record]) -> str:
    """One figure on graphs of several sizes, and its peers, on two logarithmic axes: what grows with the size alone is a
    straight line of the same slope."""
    drawn = [
        (record.size or 0, value, plain(name))
        for record in records
        for name, value in {HERE: record.value, **record.peers}.items()
        if value > 0
    ]
    sizes, values, of = zip(*drawn, strict=True)
    names = list(dict.fromkeys(of))
    x, y = (alt.Axis(format=kind, values=_decades(on)) for on, kind in ((sizes, "~s"), (values, "~g")))
    line = alt.Chart(pa.table({"size": sizes, "value": values, "of": of})).mark_line(point=True).encode(
        alt.X("size:Q", title="pairs", scale=alt.Scale(type="log"), axis=x),
        alt.Y("value:Q", title=plain(records[0].unit), scale=alt.Scale(type="log"), axis=y),
        alt.Color("of:N", title=None, sort=names, scale=alt.Scale(domain=names, range=COLOURS[: len(names)]),
                  legend=alt.Legend(orient="top") if len(names) > 1 else None),
    )  # fmt: skip
    return svg(line)


def _decades(values: Sequence[float]) -> list[float]:
    """The powers of ten from below the least value to above the greatest."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [10.0**power for power in range(low, high + 1)]


def history(records: Sequence[Record]) -> str:
    """One figure from commit to commit, with a line for each machine. Its newest limit, if it has one, is a dashed line."""
    commit, machine = [plain(record.commit) for record in records], [plain(record.machine) for record in records]
    commits, machines = list(dict.fromkeys(commit)), list(dict.fromkeys(machine))
    table = pa.table({"commit": commit, "machine": machine, "value": [record.value for record in records]})
    value = alt.Y("value:Q", title=plain(records[-1].unit), scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=5))
    scale = alt.Scale(domain=machines, range=COLOURS[: len(machines)])
    legend = alt.Legend(orient="top", columns=1, labelLimit=300) if len(machines) > 1 else None
    chart: alt.Chart | alt.LayerChart = alt.Chart(table).mark_line(point=True).encode(
        alt.X("commit:O", title="commit, oldest first", sort=commits, axis=alt.Axis(labelAngle=-40, labelOverlap=True)),
        value,
        alt.Color("machine:N", title=None, sort=machines, scale=scale, legend=legend),
    )  # fmt: skip
    if records[-1].limit is not None:
        limit = alt.Chart(pa.table({"value": [records[-1].limit]}))
        chart = limit.mark_rule(color=RULE, strokeDash=[4, 3]).encode(value) + chart
    return svg(chart)
