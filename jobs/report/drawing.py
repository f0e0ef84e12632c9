"""The style of a report's charts: SVG with selectable text. The same tables give byte-identical charts.

A page's charts are transparent, and the page replaces `INK`, `GRID` and `RULE` where the reader prefers a dark page.
"""

import io

import altair as alt

# From the palette of Okabe and Ito, whose colors color-blind people can distinguish. In grayscale ORANGE is light and BLUE
# dark.
ORANGE, BLUE = "#E69F00", "#0072B2"
PALE = "#8FB8D8"
INK, GRID, RULE = "#222", "#e4e4e4", "#555"
# Pixels of a plot with its axes. A phone shows it at this size, a wide screen a third larger.
WIDTH, HEIGHT = 400, 210
FONT = "system-ui, sans-serif"
MARGIN = {"left": 16, "right": 8, "top": 4, "bottom": 4}  # pixels, for a reader whose font is wider than ours


def svg(chart: alt.Chart | alt.LayerChart, height: int = HEIGHT, background: str = "transparent") -> str:
    """The chart as SVG, in the style of reports. `height` is in pixels."""
    sized = chart.properties(width=WIDTH, height=height, autosize=alt.AutoSizeParams(type="fit", contains="padding"))
    styled = (
        sized.configure(font=FONT, padding=MARGIN, background=background)
        .configure_axis(
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            labelColor=INK,
            titleColor=INK,
            gridColor=GRID,
        )
        .configure_legend(labelFontSize=12, labelColor=INK)
        .configure_view(stroke=None)
    )
    drawn = io.StringIO()
    styled.save(drawn, format="svg")
    return drawn.getvalue()
