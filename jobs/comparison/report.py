"""The report of a comparison: sentences for the terminal, one HTML page, and a CSV file per table.

The page needs no network and runs no script. It is deterministic: the same comparison gives the same bytes.
"""

from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from jobs.comparison import charts
from jobs.comparison.movers import COUNT
from jobs.comparison.tables import FAR, TOP, Comparison, Params
from jobs.labels import SIMULATED, plain
from jobs.report import page
from jobs.report.page import share

NEARLY_SAME, SIMILAR = 0.99, 0.9  # rank correlation from which on the text uses these words
STAYS = 0.05  # points: a smaller median move is reported as none


def write(params: Params, comparison: Comparison, label: str, to: Path) -> Path:
    """Writes the page and a CSV file per table into the folder, as `page.write` does."""
    return page.write(comparison.tables, html(params, comparison, label), to)


def html(params: Params, comparison: Comparison, label: str) -> str:
    """The page as HTML, with the label of the people on it. It escapes names from platforms."""
    before, after = params.against.version, params.methodology.version
    movers = comparison.movers.to_pylist()
    drawn = {
        "distribution": charts.distribution(comparison.distribution, before, after),
        "moves": charts.moves(comparison.moves),
        "deciles": charts.deciles(comparison.deciles),
        "platforms": charts.platforms(comparison.platforms, before, after),
    }
    return page.rendered(
        "jobs.comparison", "comparison.html", day=params.day, before=before, after=after,
        headline=headline(comparison), sentences=list(sentences(comparison)), whole=comparison.whole,
        label=label, constants=comparison.constants.to_pylist(),
        platforms=comparison.platforms.to_pylist(),
        rising=[row for row in movers if row["move"] > 0], falling=[row for row in movers if row["move"] < 0],
        charts={name: Markup(svg) for name, svg in drawn.items()}, far=FAR, most=COUNT,
    )  # fmt: skip


def label(comparison: Comparison, of_real_people: str) -> str:
    """The label that must accompany all output about these people."""
    return SIMULATED if comparison.whole["simulated"] else of_real_people


def headline(comparison: Comparison) -> str:
    """The main result in one sentence."""
    whole = comparison.whole
    far = f"{share(whole['far'], whole['holders'])} of people move" if whole["far"] else "Nobody moves"
    if whole["far"] is None:
        far = "Few people move"
    typical = whole["median_move"]
    middle = "stays" if abs(typical) < STAYS else f"{'rises' if typical > 0 else 'falls'} by {abs(typical):.1f}"
    return f"{far} by more than {FAR:g} points; the median person {middle}."


def sentences(comparison: Comparison) -> Iterator[str]:
    """Yields the sentences below the headline: holders, moves, order, and attention by platform."""
    whole = comparison.whole
    holders, people = whole["holders"], max(whole["people_before"], whole["people_after"])
    yield f"{holders:,} of {people:,} people hold any attention; all shares refer to them."
    sides = (
        ("rises", "rise", whole["rising"], whole["largest_rise"]),
        ("falls", "fall", whole["falling"], whole["largest_fall"]),
    )
    parts = [
        f"nobody {one}"
        if count == 0
        else f"few {many}"
        if count is None
        else f"{share(count, holders)} {many}{at_most}"
        for one, many, count, largest in sides
        for at_most in ["" if largest is None else f", by {largest:.1f} points at most"]
    ]
    yield _sentence("; ".join(parts))
    rho = whole["rank_correlation"]
    if rho is not None:
        order = "hardly changes" if rho >= NEARLY_SAME else "changes a little" if rho >= SIMILAR else "changes"
        top, kept = whole["top"], whole["top_kept"]
        stay = "" if kept is None else f": of the first {top} people {kept} stay among the first {TOP}"
        yield f"The order {order} (rank correlation {rho:.3f}){stay}."
    shares = {
        row["platform"]: (row["share_before"] or 0.0, row["share_after"] or 0.0)
        for row in comparison.platforms.to_pylist()
    }
    if any(before != after for before, after in shares.values()):
        gained = sorted(shares, key=lambda platform: (shares[platform][1] - shares[platform][0], platform))
        lost, won = (
            f"{plain(name)} ({shares[name][0]:.1%} of all to {shares[name][1]:.1%})" for name in (gained[0], gained[-1])
        )
        yield f"Attention moves from {lost} to {won}."


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
