"""The benchmark of live sources pulls whole days from its servers, and its roster's server limits the rate."""

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from jobs.places import ROOT

PULLED = "pulled: recorded, parsed, rows committed"
BENCH = Path(__file__).parent.parent.parent / "infra" / "bench"


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(BENCH)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    module = importlib.import_module("live")
    monkeypatch.setattr(importlib.import_module("measuring"), "LOOK_EVERY_S", 0.05)
    return module


def test_the_roster_is_pulled_as_fast_as_the_limit_allows(live: ModuleType) -> None:
    figures = {figure.what.strip(): figure for figure in live.roster(5, 4, 2)}
    assert figures["requests"].measured > 2 * 5  # two of each account, and the likes of one
    assert figures["refused requests"].measured == 0
    assert figures["ratio to what the limit alone demands"].measured >= 1
    assert 10 < figures["peak memory"].measured < 1_000
    assert live.table([*figures.values()]).row_count == len(figures)


def test_all_events_of_the_stream_are_recorded_and_parsed(live: ModuleType) -> None:
    figures = {figure.what.strip(): figure for figure in live.stream(2_000)}
    pulled, least = (figures[f"{what}"].measured for what in (PULLED, "only received, and its JSON parsed"))
    assert pulled > figures["parsed"].measured > 0
    assert pulled > least > 0
    assert 400 < figures["received"].measured < 600
    assert 20 < figures["recording"].measured < 500
    assert 10 < figures["peak memory"].measured < 1_000


def test_a_pull_that_lacks_events_is_no_figure(
    live: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(live, "server", lambda *given, served=live.server: served(given[0], 1_000))
    with pytest.raises(SystemExit):
        list(live.stream(2_000))
    assert "1,000 of 2,000 events were recorded" in capfd.readouterr().err
