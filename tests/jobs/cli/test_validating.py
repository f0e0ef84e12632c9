"""`clout validate`: tables, JSON, the page, and what it records."""

import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs.validation import report
from jobs.warehouse.storage import Warehouse
from schemas.validations import VALIDATIONS
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL
from tests.jobs.cli.result import RunClout
from tests.jobs.world import Did, World

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
HOSTILE = "<script>\x1b[31m"

# ana is engaged with most, then bo, then cy; the day after, ana and bo are.
ACTS = [
    *(Did(DAY, "x", "like", fan, star) for fan, star in (
        ("f1", "ana"), ("f2", "ana"), ("f3", "ana"), ("f1", "bo"), ("f2", "bo"), ("f3", "cy"))),
    *(Did(NEXT, "x", "reshare", fan, star) for fan, star in (("f1", "ana"), ("f2", "ana"), ("f4", "bo"), ("f4", "new"))),
    Did(DAY, HOSTILE, "like", "f1", "dee"),
    Did(NEXT, HOSTILE, "like", "f2", "dee"),
]  # fmt: skip


@pytest.fixture
def validated(warehouse: Warehouse, arrow_rows: ArrowRows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nights = tmp_path / "nights.yaml"
    nights.write_text("min_group: 1")  # of four people
    monkeypatch.setenv("CLOUT_NIGHTS", str(nights))
    world = World(warehouse, arrow_rows)
    for day in (DAY, NEXT):
        for platform in ("x", HOSTILE):
            world.cover(day, platform)
    world.put("test", ACTS)
    world.score(DAY)
    world.count(NEXT)


def test_the_figures_as_tables_and_as_json(clout: RunClout, validated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    shown = clout("validate", "--day", str(DAY), "--outcome", "reshared")
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(
        "2026.11 ranks a person who was reshared above one who was not in 100.0% of pairs; count of engagers: "
    )
    for expected in (
        "4 people had been engaged with by 2026-11-03; 50% of them were reshared on the 1 covered day after it (of 7"
        " asked for).",
        "They received 75% of the outcome (accounts that reshared or quoted the person)",
        "Predictors of 2026-11-03, outcome reshared, 95 % intervals",
        "What a score means: tenths of people, 10 the highest",
        "AUC by platform",
        LABEL,
    ):
        assert expected in shown.out, expected
    assert "\x1b" not in shown.out
    figures = json.loads(clout("validate", "--day", str(DAY), "--outcome", "reshared", "--json").out)
    auc = {(row["platform"], row["predictor"]): row["value"] for row in figures if row["figure"] == "auc"}
    assert auc["*", "2026.11"] == auc["x", "engagers"] == 1.0
    assert auc[HOSTILE, "engagers"] is None  # of one person there is no pair


def test_a_page_that_trusts_nothing_and_is_the_same_each_time(clout: RunClout, validated: None, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert clout("validate", "--day", str(DAY), "--to", str(tmp_path / name)).code == 0
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert set(one) == {"report.html", "figures.csv", "recorded.csv"}
    page = one["report.html"].decode()
    assert "<script" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<svg ") == 4  # without figures over time
    elsewhere = set(re.findall(r"""(?:https?:)?//[^\s"'<>]+""", page))
    assert elsewhere == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}  # names of a format, not places


def test_recorded_figures_appear_over_time(
    clout: RunClout, validated: None, warehouse: Warehouse, arrow_rows: ArrowRows, tmp_path: Path
) -> None:
    assert clout("validate", "--day", str(DAY), "--record").code == 0
    rows = warehouse.read(VALIDATIONS)
    assert set(rows["platform"].to_pylist()) == {"*", "x", HOSTILE}
    earlier = {"day": DAY - timedelta(days=7), "ahead": 7, "outcome": "engaged", "platform": "*", "predictor": "score",
               "figure": "auc", "value": 0.7, "people": 3}  # fmt: skip
    place = {"methodology": "2026.11", "day": earlier["day"]}
    warehouse.replace(VALIDATIONS, arrow_rows(VALIDATIONS, [earlier]), place, run_id="r", job="j")
    assert clout("validate", "--day", str(DAY), "--to", str(tmp_path)).code == 0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg ") == 5
    assert "2026-10-27" in (tmp_path / "recorded.csv").read_text(encoding="utf-8")


def test_wrong_use_is_refused(clout: RunClout, validated: None) -> None:
    refused = clout("validate", "--day", str(DAY), "--outcome", "liked")
    assert (refused.code, refused.err) == (
        2, "clout: outcome 'liked' is unknown; known: engaged, newly-engaged, reshared\n",
    )  # fmt: skip


def test_every_outcome_has_words() -> None:
    assert report.RECEIVED.keys() == report.OUTCOMES.keys()


def test_figures_of_too_few_people_are_neither_shown_nor_recorded(
    clout: RunClout, validated: None, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLOUT_NIGHTS")
    result = clout("validate", "--day", str(DAY), "--outcome", "reshared", "--record")
    assert (result.code, result.out) == (1, "")
    assert "4 people, fewer than min_group (10), so no figures are shown" in result.err
    assert warehouse.row_count(VALIDATIONS, {}) == 0
