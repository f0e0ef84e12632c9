"""The benchmark's page and README's picture of it, and the records that they show."""

import re
import sys
from collections.abc import Sequence
from datetime import date
from html import unescape
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.table import Table

from jobs.errors import CloutError
from jobs.places import ROOT
from tests.benchmarks import command_of, modules

NOV_1, NOV_2, NOV_3 = (date(2026, 11, day) for day in (1, 2, 3))
LAPTOP, SERVER = "2 cores of Laptop, 25 GB", "8 cores of Server, 64 GB"
HOSTILE = "<script>alert(1)</script>&\"'\x1b[31m"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return modules(monkeypatch, "records", "page", "charts", "picture", "here", "links", "measuring")


def record(bench: SimpleNamespace, **fields: Any) -> Any:
    """A record in which the fields that do not matter are plain."""
    plain = {"name": "week", "what": "a week", "value": 90.0, "unit": "s", "limit": None, "load": 0.5}
    return bench.records.Record(**plain | {"day": NOV_1, "commit": "aaaa1111", "machine": LAPTOP} | fields)


def text(page: str) -> str:
    """What a reader sees, without charts, as one line."""
    shown = re.sub(r"<(svg|style).*?</\1>", " ", page, flags=re.DOTALL)
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", shown).split()))


def drawn(svg: str) -> tuple[list[str], list[str]]:
    """A chart's texts, and the values of its marks. Where they are depends on the fonts of the machine."""
    elements = [*ElementTree.fromstring(svg).iter()]
    texts = [element.text or "" for element in elements if element.tag.endswith("}text")]
    return texts, [element.attrib["aria-label"] for element in elements if "aria-label" in element.attrib]


# The page


def test_a_figure_is_shown_with_its_limit_its_peers_and_the_value_before(bench: SimpleNamespace) -> None:
    kept = [record(bench, limit=150), record(bench, machine=SERVER, day=NOV_2, value=20.0)]
    now = record(bench, limit=150, day=NOV_3, commit="cccc3333", value=81.0, peers={"DuckDB": 27.0, "Polars": 162.0})
    page = text(bench.page.html(kept, [now]))
    assert "Benchmark of clout at commit cccc3333, 2026-11-03." in page
    peers = "DuckDB 27 s (0.33 times); Polars 162 s (2.0 times)"
    assert f"week a week 81 s within the limit 150 s {peers} 90 s -10% cccc3333 2026-11-03 0.5" in page


def test_a_figure_without_a_limit_a_peer_or_a_record_before_says_so(bench: SimpleNamespace) -> None:
    page = text(bench.page.html([], [record(bench)]))
    assert "0 of 0 figures are within their limits." in page
    assert "week a week 90 s none no peer first aaaa1111" in page
    assert "Each figure was recorded once, so there is no history yet." in page


def test_a_passed_limit_is_marked_in_words_and_color(bench: SimpleNamespace) -> None:
    within, over = record(bench, limit=90), record(bench, what="a day", value=90.5, limit=90)
    page = bench.page.html([], [within, over])
    assert "1 of 2 figures are within their limits." in text(page)
    assert "a week 90 s within the limit 90 s" in text(page)
    assert "a day 90.50 s over the limit 90 s" in text(page)
    texts, _ = drawn(bench.charts.limits([within, over]))
    assert [line for line in texts if " s, " in line] == [
        "90 of 90 s, within the limit",
        "90.50 of 90 s, over the limit",
    ]
    bars = re.findall(
        r'aria-label="share of the limit: ([\d.]+)[^>]*fill="(#\w+)"', bench.charts.limits([within, over])
    )
    assert [colour for _, colour in bars] == [bench.charts.BLUE, bench.charts.ORANGE]


def test_seconds_of_a_busy_machine_are_not_judged_and_not_in_the_picture(bench: SimpleNamespace) -> None:
    busy = [record(bench, limit=limit, unit=unit, what=unit, load=1.1) for unit, limit in (("s", 50), ("GB", 100))]
    page = text(bench.page.html([], busy))
    assert "1 of 1 figures are within their limits; 1 not judged, because the machine was busy." in page
    assert "s 90 s not judged: the machine was busy 50 s" in page
    assert [line for line in drawn(bench.picture.drawn(busy))[0] if "limit" in line] == [
        "share of the limit", "90 of 100 GB, within the limit",
    ]  # fmt: skip
    assert [line for line in drawn(bench.picture.drawn(busy[:1]))[0] if "limit" in line] == ["share of the limit"]


def test_a_figure_that_the_run_did_not_measure_is_shown_as_it_was_last(bench: SimpleNamespace) -> None:
    kept = [
        record(bench, what="a day", value=9.0),
        record(bench, what="a day", day=NOV_2, commit="bbbb2222", value=8.0),
    ]
    page = text(bench.page.html(kept, [record(bench, day=NOV_3, commit="cccc3333")]))
    assert "a day 8 s none no peer 9 s -11% bbbb2222 2026-11-02" in page
    assert "a day 9 s none" not in page


def test_a_chart_of_growth_has_its_sentence_and_its_table(bench: SimpleNamespace) -> None:
    sizes = ((500_000, 0.5, {"igraph": 2.0, "networkx": 99.0}), (8_000_000, 10.0, {"igraph": 50.0}))
    run = [record(bench, size=size, value=value, peers=peers) for size, value, peers in sizes]
    page = bench.page.html([], run)
    assert "16.0 times the pairs take 20.0 times the time." in text(page)
    assert "As a table pairs measured igraph 500,000 0.50 s 2 s 8,000,000 10 s 50 s" in text(page)
    assert {"clout", "igraph", "networkx", "pairs", "s"} <= set(drawn(bench.charts.growth(run))[0])


def test_a_history_is_by_day_with_a_line_for_each_machine(bench: SimpleNamespace) -> None:
    kept = [record(bench, limit=150), record(bench, day=NOV_2, commit="bbbb2222", machine=SERVER, value=20.0)]
    run = [record(bench, day=NOV_3, commit="cccc3333", value=80.0)]
    page = text(bench.page.html(kept, run))
    assert "90 s at aaaa1111 on 2026-11-01, 80 s at cccc3333 on 2026-11-03." in page
    table = page.partition("load machine ")[2]
    expected = (f"2026-11-01 aaaa1111 90 s 150 s 0.5 {LAPTOP}", f"2026-11-02 bbbb2222 20 s none 0.5 {SERVER}",
                f"2026-11-03 cccc3333 80 s none 0.5 {LAPTOP}")  # fmt: skip
    assert table == " ".join(expected)
    texts, _ = drawn(bench.charts.history([*kept, *run]))
    assert {LAPTOP, SERVER} <= set(texts)
    assert [line for line in texts if line in ("aaaa1111", "bbbb2222", "cccc3333")] == [
        "aaaa1111",
        "bbbb2222",
        "cccc3333",
    ]


def test_each_chart_has_words_in_its_place_and_a_table(bench: SimpleNamespace) -> None:
    kept = [record(bench, size=size, value=size / 1e6, limit=50) for size in (1_000_000, 2_000_000)]
    page = bench.page.html(kept, [record(bench, size=1_000_000, value=3.0, day=NOV_2)])
    charts = re.findall(r'<div role="img" aria-label="([^"]+)"><svg ', page)
    assert [words.partition(".")[0] for words in charts] == ["Shares of limits", "week: a week", "week: a week, 1"]
    assert page.count("<svg ") == len(charts)
    assert page.count("<table") == len(charts)


def test_hostile_text_is_text_and_nothing_is_fetched(bench: SimpleNamespace) -> None:
    fields = {"name": HOSTILE, "what": HOSTILE, "unit": HOSTILE, "limit": 99.0}
    sizes = (1_000_000, 20_000_000)
    kept = [record(bench, **fields, size=size, machine=HOSTILE, commit=HOSTILE) for size in sizes]
    run = [record(bench, **fields, size=size, day=NOV_2, peers={HOSTILE: 1.0}) for size in sizes]
    page = bench.page.html(kept, run)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 20
    assert "\x1b" not in page
    elsewhere = set(re.findall(r"""(?:https?:)?//[^\s"'<>]+""", page))
    assert elsewhere == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names of a format, not places
    assert "default-src 'none'" in page


def test_the_same_records_are_the_same_page(bench: SimpleNamespace) -> None:
    kept, run = [record(bench, limit=90)], [record(bench, day=NOV_2, limit=90)]
    assert bench.page.html(kept, run) == bench.page.html(kept, run)


# Records


def test_records_are_read_in_the_order_of_their_days(bench: SimpleNamespace, tmp_path: Path) -> None:
    """A branch may add its records after those of a later day; records of one day keep their order."""
    kept = [record(bench, day=day, value=value) for day, value in ((NOV_2, 3.0), (NOV_1, 2.0), (NOV_1, 1.0))]
    for each in kept:
        bench.records.append([each], tmp_path / "kept.jsonl")
    assert bench.records.read(tmp_path / "kept.jsonl") == [kept[1], kept[2], kept[0]]
    assert bench.records.read(tmp_path / "none.jsonl") == []


@pytest.mark.parametrize(
    ("broken", "why"),
    [("{", "Input data was truncated"), ("", "Input data was truncated"),
     ('{"what": "a", "value": "1"}', "Expected `float`, got `str` - at `$.value`"),
     ('{"seconds": 1}', "Object contains unknown field `seconds`")],
)  # fmt: skip
def test_a_broken_line_is_one_error_with_its_number(
    bench: SimpleNamespace, tmp_path: Path, broken: str, why: str
) -> None:
    path = tmp_path / "kept.jsonl"
    bench.records.append([record(bench)], path)
    path.write_text(f"{path.read_text()}{broken}\n{path.read_text()}", encoding="utf-8")
    with pytest.raises(CloutError) as raised:
        bench.records.read(path)
    assert str(raised.value) == f"{path}, line 2: expected a record of a figure: {why}"


# The command


@pytest.fixture
def command(bench: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The command with one benchmark, on a commit without changes."""
    main = command_of(monkeypatch)
    fake = SimpleNamespace(
        figures=lambda _: iter([bench.measuring.Figure("links", 3.0, "s", 9.0)]), measured=bench.links.measured,
        table=lambda figures: Table("links"), __name__="links",
    )  # fmt: skip
    monkeypatch.setattr(main, "ALONE", {"links": fake})
    run = bench.records.Run(day=NOV_3, commit="cccc3333", machine=LAPTOP, load=0.5)
    monkeypatch.setattr(bench.here, "run", lambda: run)
    monkeypatch.setattr(bench.here, "refuse_changes", lambda: None)
    monkeypatch.setattr(bench.records, "HISTORY", tmp_path / "history.jsonl")
    monkeypatch.setattr(bench.picture, "PICTURE", tmp_path / "bench.svg")
    return main


def run(command: ModuleType, monkeypatch: pytest.MonkeyPatch, arguments: Sequence[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    command.main()


def test_a_run_writes_a_page_and_keeps_its_figures_only_when_asked(
    command: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(command, monkeypatch, ["links", "--to", str(tmp_path / "to")])
    (page,) = (tmp_path / "to").glob("*.html")
    assert f"page: {page}\n" in capsys.readouterr().out
    assert "links 3 s within the limit 9 s no peer first cccc3333" in text(page.read_text(encoding="utf-8"))
    assert {path.name for path in tmp_path.iterdir()} == {"to"}
    run(command, monkeypatch, ["links", "--to", str(tmp_path / "to"), "--record"])
    kept = (tmp_path / "history.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) == 1
    assert '"what":"links","value":3.0' in kept[0]
    assert "3 of 9 s, within the limit" in drawn((tmp_path / "bench.svg").read_text(encoding="utf-8"))[0]


# The picture


def test_the_picture_shows_of_each_benchmark_the_figure_nearest_to_its_limit(bench: SimpleNamespace) -> None:
    kept = [
        record(bench, limit=100), record(bench, what="its memory", value=5.5, unit="GB", limit=6),
        record(bench, name="links", value=30.0, limit=300), record(bench, name="links", value=3.0, limit=300, day=NOV_2),
        record(bench, name="live"),
    ]  # fmt: skip
    texts, _ = drawn(bench.picture.drawn(kept))
    assert [line for line in texts if re.search(r"\d of \d", line)] == [
        "5.50 of 6 GB, within the limit",
        "3 of 300 s, within the limit",
    ]


def test_readme_shows_the_newest_kept_figures(bench: SimpleNamespace) -> None:
    kept = bench.records.read(bench.records.HISTORY)
    picture = bench.here.PICTURE.read_text(encoding="utf-8")
    assert drawn(picture) == drawn(bench.picture.drawn(kept)), "run `python infra/bench/picture.py`"
    assert f"({bench.here.PICTURE.relative_to(ROOT)})" in (ROOT / "README.md").read_text(encoding="utf-8")
