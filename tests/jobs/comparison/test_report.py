"""What people read of a comparison: words, charts and a page that trusts nothing a platform sent."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa
import pytest

from jobs.comparison import charts, movers, report, tables
from jobs.comparison.tables import Comparison
from jobs.report import page
from jobs.score_twice import Params
from jobs.scratch import separate
from schemas.influence import INFLUENCE
from schemas.methodology import load
from tests.fixture_types import ArrowRows

PARAMS = Params(day=date(2026, 11, 3), methodology=load("2026.12"), against=load("2026.11"))
HOSTILE = "<script>alert(1)</script>&\"'\x1b[31m"
NO_KINDS = pa.table({"person_id": pa.array([], pa.string()), "kind": pa.array([], pa.string()),
                     "units": pa.array([], pa.int64())})  # fmt: skip


@pytest.fixture
def compared(arrow_rows: ArrowRows) -> Callable[..., Comparison]:
    """`compared({"x:a": (1.0, 2.0), ...})`: a comparison of these people's influence, before and after; a score is ten times
    that. None is no row."""

    def made(people: dict[str, tuple[float | None, float | None]], **columns: Any) -> Comparison:
        with separate() as db:
            for number, side in enumerate(("before", "after")):
                rows = [
                    {"person_id": name, "platform": name.partition(":")[0], "influence": influence,
                     "direct": influence, "score": 10 * influence} | columns
                    for name, sides in people.items() if (influence := sides[number]) is not None
                ]  # fmt: skip
                tables.load(db, side, arrow_rows(INFLUENCE, rows).select(tables.COLUMNS))
            tables.pair(db)
            tables.name(db, tables.people(db))
            moved = movers.explained(movers.largest(db, PARAMS.against, PARAMS.methodology), NO_KINDS, NO_KINDS)
            return tables.compared(db, PARAMS.against, PARAMS.methodology, moved)

    return made


LABEL = "legal basis: on <b> ground"

MOVED = {
    "x:a": (1.0, 1.2),
    "x:b": (2.0, 1.9),
    "x:c": (3.0, 2.0),
    "y:d": (1.0, 1.8),
    "y:e": (0.5, 0.5),
    "y:zero": (0.0, 0.0),
}


def test_the_sentences_of_a_change(compared: Callable[..., Comparison]) -> None:
    found = compared(MOVED)
    assert report.headline(found) == "40% of people move by more than 5 points; the median person stays."
    assert list(report.sentences(found)) == [
        "5 of 6 people hold any attention; all shares refer to them.",
        "40% rise, by 8.0 points at most; 40% fall, by 10.0 points at most.",
        "The order changes a little (rank correlation 0.975): of the first 5 people 5 stay among the first 100.",
        "Attention moves from x (80.0% of all to 68.9%) to y (20.0% of all to 31.1%).",
    ]


@pytest.mark.parametrize(
    ("people", "headline", "sentence"),
    [
        ({"x:a": (1.0, 1.1), "x:b": (2.0, 2.2)}, "Nobody moves by more than 5 points; the median person rises by 1.0.",
         "100% rise, by 2.0 points at most; nobody falls."),
        ({"x:a": (1.0, 1.0), "x:b": (9.0, 2.0), "x:c": (3.0, 2.0)},
         "67% of people move by more than 5 points; the median person falls by 10.0.",
         "Nobody rises; 67% fall, by 70.0 points at most."),
        ({"x:a": (1.0, 1.0)}, "Nobody moves by more than 5 points; the median person stays.",
         "Nobody rises; nobody falls."),
    ],
)  # fmt: skip
def test_nobody_is_said_in_words(
    compared: Callable[..., Comparison], people: dict[str, Any], headline: str, sentence: str
) -> None:
    found = compared(people)
    assert report.headline(found) == headline
    assert list(report.sentences(found))[1] == sentence


def test_labels_say_what_has_to_be_said(compared: Callable[..., Comparison]) -> None:
    assert report.label(compared(MOVED), LABEL) == LABEL
    assert report.label(compared(MOVED, simulated=True), LABEL) == "SIMULATED: these people do not exist"
    assert "on &lt;b&gt; ground" in report.html(PARAMS, compared(MOVED), LABEL)


def test_a_hostile_name_is_text_and_nothing_is_fetched(compared: Callable[..., Comparison]) -> None:
    """In a handle, an id and a platform: on the page, in the charts, and as a control character."""
    found = compared({f"x{HOSTILE}:a": (1.0, 2.0), f"y:{HOSTILE}": (2.0, 1.0)}, handle=HOSTILE)
    page = report.html(PARAMS, found, LABEL)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 6
    assert "\x1b" not in page
    elsewhere = set(re.findall(r"""(?:https?:)?//[^\s"'<>]+""", page))
    assert elsewhere == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names of a format, not places
    assert "default-src 'none'" in page


def test_the_page_shows_everything_and_where_nobody_moves_says_so(compared: Callable[..., Comparison]) -> None:
    page = report.html(PARAMS, compared({"x:a": (1.0, 2.0), "y:b": (1.0, 1.0)}), LABEL)
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    for expected in (
        "Methodology 2026.12 against 2026.11, on 2026-11-03.",
        "50% of people move by more than 5 points",
        "platform_weights.github 1 4",
        "x 1 100% 0% 100% 10.0 → 20.0 +10.00",
        "Largest rises person score move rank why x:a 10.0 → 20.0 +10.0 1 → 1 direct: +10.0 points, because",
        "Largest falls Nobody.",
    ):
        assert expected in text, expected
    assert page.count("<svg ") == 4
    assert (
        report.html(PARAMS, compared({"x:a": (1.0, 2.0)}), LABEL).count("<svg ") == 3
    )  # of one platform there is no share to show


def test_the_same_comparison_is_the_same_bytes_in_a_folder_that_is_made(
    compared: Callable[..., Comparison], tmp_path: Path
) -> None:
    for name in ("one", "two/deep"):
        folder = page.folder(tmp_path / name)
        assert report.write(PARAMS, compared(MOVED), LABEL, folder) == folder / "report.html"
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two/deep"))
    assert one == two
    tables = ("constants", "summary", "distribution", "moves", "deciles", "platforms", "movers")
    assert set(one) == {"report.html", *(f"{name}.csv" for name in tables)}
    assert one["distribution.csv"].decode().splitlines()[:2] == ['"score_from","score_to","before","after"', "0,5,0,0"]


# Charts


def texts(svg: str) -> list[str]:
    """All text of a chart, which is text and no outline."""
    return [element.text or "" for element in ElementTree.fromstring(svg).iter() if element.tag.endswith("}text")]


def test_charts_hold_text_and_colours_that_differ_in_print_too(compared: Callable[..., Comparison]) -> None:
    found = compared(MOVED)
    svg = charts.distribution(found.distribution, "2026.11", "2026.12")
    assert {"2026.11", "2026.12", "0", "15", "score, from"} <= set(texts(svg))
    assert abs(luminance(charts.BEFORE) - luminance(charts.AFTER)) > 0.2
    assert {charts.BEFORE, charts.AFTER} <= set(re.findall(r"#[0-9A-F]{6}", svg))
    assert {"x", "y"} <= set(texts(charts.platforms(found.platforms, "2026.11", "2026.12")))


def luminance(colour: str) -> float:
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_moves_of_more_than_five_points_are_darker() -> None:
    table = pa.table(
        {"points_from": [-5.5, -5.0, 4.5, 5.0], "points_to": [-5.0, -4.5, 5.0, 5.5], "holders": [1, 2, 3, 4]}
    )
    bars = re.findall(r'aria-label="points: (\S+) [^"]*holders: (\d)[^>]*fill="(#\w+)"', charts.moves(table))
    dark, pale, minus = charts.AFTER, charts.PALE, "\N{MINUS SIGN}"
    assert bars == [(f"{minus}5.5", "1", dark), (f"{minus}5", "2", pale), ("4.5", "3", pale), ("5", "4", dark)]


def test_a_chart_shows_the_largest_platforms() -> None:
    names = [f"p{n:02}" for n in range(20)]
    table = pa.table({"platform": names, "share_before": [0.05] * 20, "share_after": [0.05] * 20})
    shown = [text for text in texts(charts.platforms(table, "1", "2")) if text in names]
    assert shown == names[: charts.MOST_PLATFORMS]
