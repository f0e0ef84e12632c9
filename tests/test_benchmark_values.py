"""Every benchmark's figures as values of one form."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.benchmarks import command_of, modules


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return modules(monkeypatch, "records", "pipeline", "engines", "ten_years", "measuring")


def test_every_benchmark_that_measures_costs_has_values_for_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    main = command_of(monkeypatch)
    parts = [
        part for part in (main.pipeline, *main.ON_GRAPHS.values(), *main.ALONE.values()) if part not in main.JUDGES
    ]
    assert [part.__name__ for part in parts if not hasattr(part, "measured")] == []


def test_an_indented_figure_is_named_after_the_one_it_belongs_to(bench: SimpleNamespace) -> None:
    rows = [
        bench.measuring.Figure(what, 1.0, "s")
        for what in ("links: resolved", "  peak", "    of it", "  people", "others", "  peak")
    ]
    names = ["links: resolved", "links: peak", "links: peak: of it", "links: people", "others", "others: peak"]
    assert [each.what for each in bench.records.of_rows("links", rows)] == names


def test_the_figures_of_the_pipeline(bench: SimpleNamespace) -> None:
    figure = bench.pipeline.Figure("week", "a week", 150, 90.0, 120.0, 4.0, 6.0, 14.0, 3.5)
    skipped = bench.pipeline.Figure("day", "a day", 45, note="skipped")
    assert values(bench.pipeline.measured([figure, skipped])) == [
        ("a week", 90.0, "s", 150, {}),
        ("a week: processor time", 120.0, "s", None, {}),
        ("a week: peak memory", 4.0, "GB", 6.0, {}),
        ("a week: engagement", 14.0, "s", None, {"DuckDB": 3.5}),
    ]


def test_the_peers_of_an_engine_ran_on_its_graph(bench: SimpleNamespace) -> None:
    seconds_of = (
        ("g", 10, "memory", 1.0),
        ("g", 10, "igraph", 2.0),
        ("h", 20, "memory", 3.0),
        ("h", 20, "igraph", 4.0),
    )
    ran = [
        bench.engines.Figure(graph, engine, edges, 1, {"whole": seconds}, 1.0)
        for graph, edges, engine, seconds in seconds_of
    ]
    ran.append(bench.engines.Figure("h", "networkx", 20, note="left out"))
    seconds = [each for each in bench.engines.measured(ran) if each.unit == "s"]
    assert [(each.size, each.value, each.peers) for each in seconds] == [
        (10, 1.0, {"igraph": 2.0}), (20, 3.0, {"igraph": 4.0}),
    ]  # fmt: skip


def test_a_night_on_ten_years_is_also_a_multiple_of_one_on_200_days(bench: SimpleNamespace) -> None:
    figures = [
        bench.ten_years.Figure("night, processor time", 10.0, 12.0),
        bench.ten_years.Figure("paths of a hub", long=0.4),
    ]
    assert values(bench.ten_years.measured(figures)) == [
        ("night, processor time", 12.0, "s", None, {"200 days": 10.0}),
        ("night, processor time, as a multiple of 200 days", 1.2, "times", 1.1, {}),
        ("paths of a hub", 0.4, "s", 2.0, {}),
    ]


def values(measured: Any) -> list[tuple[Any, ...]]:
    return [(each.what, each.value, each.unit, each.limit, each.peers) for each in measured]
