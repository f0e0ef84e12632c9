"""People are forgotten out of real activity, however often their process is killed, and stay forgotten after a backfill."""

import gzip
import importlib
from datetime import date
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest

from jobs.places import ROOT
from tests.fixture_types import FindFile

PEOPLE, KILLS = 30, 2
HIGGS_LINES, EVENTS = 1_500, 600


@pytest.fixture
def kills(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "infra" / "bench"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "")
    monkeypatch.setenv("CLOUT_SUPPRESSION_JOURNAL", "")
    return importlib.import_module("kills")


def test_nothing_is_left_and_nobody_comes_back(kills: ModuleType, data: FindFile, tmp_path: Path) -> None:
    with gzip.open(data("twitter-higgs/higgs-activity_time.txt.gz"), "rt") as lines:
        (tmp_path / "acts.txt").write_text("".join(islice(lines, HIGGS_LINES)))
    (tmp_path / "hours").mkdir()
    with gzip.open(data("gharchive/2015-01-01-0.json.gz"), "rt") as lines:
        (tmp_path / "hours" / "2015-01-01-0.json").write_text("".join(islice(lines, EVENTS)))
    sources = [
        kills.Pulled(f"higgs:higgs={tmp_path / 'acts.txt'}", date(2012, 7, 1), date(2012, 7, 1)),
        kills.Pulled(f"gh:gharchive={tmp_path / 'hours'}", date(2015, 1, 1), date(2015, 1, 1)),
    ]
    figures = {figure.what.strip(): figure for figure in kills.measure(sources, PEOPLE, KILLS)}
    assert figures["rounds from a copy"].measured >= KILLS / kills.KILLS_A_ROUND
    assert figures["killed commands that no command ended"].measured == 0
    assert figures["files that name somebody"].measured == 0
    assert figures["acts of others lost"].measured == 0
    before = figures["rows published before"].measured
    assert before * 0.9 < figures["rows published by a backfill of all days"].measured < before
    assert figures["files searched after it"].measured > 0
    assert figures["files that nobody could search"].measured == 0
    assert figures["files that name somebody after it"].measured == 0
    assert figures["acts that the backfill lost or added"].measured == 0
