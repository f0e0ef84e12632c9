"""A day outside its bounds that an operator publishes all the same, and what is kept of that."""

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from jobs import checks, publish
from jobs.checks import CheckError
from jobs.cli import main
from jobs.publish import NotPublishedError
from jobs.warehouse import publications
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import load
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows

DAY = date(2026, 11, 30)
OFFICIAL = load("2026.11")
BATCH = Batch("test")
WHY = "the platform closed down"
PEOPLE = "people_within_trailing_bounds"
FINDING = "people 10.0, expected 50.0 to 1,000.0 after the 7 days published before (2026-11-23..2026-11-29)"


def written(warehouse: Warehouse, arrow_rows: ArrowRows, day: date, people: int, **changes: float) -> None:
    """The day has as many people, of influence 1 each, and is covered."""
    values = {"day": day, "influence": 1.0, "direct": 1.0, "score": 10.0} | changes
    rows = arrow_rows(INFLUENCE, [values | {"person_id": f"twitter:{n}"} for n in range(people)])
    place = {"methodology": OFFICIAL.version, "day": day}
    warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
    warehouse.replace(COVERAGE, arrow_rows(COVERAGE, [{"day": day}]), {"day": day}, run_id="r", job="j")


@pytest.fixture(scope="module")
def a_week(empty: Warehouse, tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> Warehouse:
    """Seven days of 100 people are published, and the next day has 10. To be copied."""
    made = Warehouse(str(shutil.copytree(empty.root, tmp_path_factory.mktemp("week") / "warehouse")))
    for n in range(7, 0, -1):
        written(made, arrow_rows, DAY - timedelta(days=n), 100)
        decide(made, DAY - timedelta(days=n))
    written(made, arrow_rows, DAY, 10)
    return made


@pytest.fixture
def week(a_week: Warehouse, tmp_path: Path) -> Warehouse:
    return Warehouse(str(shutil.copytree(a_week.root, tmp_path / "warehouse")))


@pytest.fixture
def score(week: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`score(day, people)`: as `written`, in this week."""
    return partial(written, week, arrow_rows)


def decide(warehouse: Warehouse, day: date, accept: str | None = None) -> None:
    checks.run(warehouse, checks.Params(day=day, methodology=OFFICIAL.version, accept=accept), BATCH)
    publish.run(warehouse, publish.Params(day=day, methodology=OFFICIAL), BATCH)


def is_published(warehouse: Warehouse, day: date) -> bool:
    return publications.current(warehouse, OFFICIAL.version, day) is not None


def test_a_week_of_refused_days_opens_nothing_and_one_accepted_day_moves_the_bounds(
    week: Warehouse, score: Callable[..., None]
) -> None:
    for n in range(10):
        day = DAY + timedelta(days=n)
        score(day, 10)
        with pytest.raises(CheckError, match=r"after the 7 days published before \(2026-11-23\.\.2026-11-29\)"):
            decide(week, day)
    decide(week, day, accept=WHY)
    score(day + timedelta(days=1), 10)
    decide(week, day + timedelta(days=1))
    assert [n for n in range(11) if is_published(week, DAY + timedelta(days=n))] == [9, 10]


def test_what_is_accepted_is_said_and_on_record_in_publications_and_runs(
    week: Warehouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_WAREHOUSE", week.root)
    with pytest.raises(CheckError):
        decide(week, DAY)
    command = ["publish", "--day", str(DAY)]
    with pytest.raises(NotPublishedError, match=f"its checks failed .*{PEOPLE}: people 10"):
        main.app(command, standalone_mode=False)
    main.app([*command, "--accept", WHY], standalone_mode=False)
    said = capsys.readouterr().out
    assert f"accepted: {PEOPLE}: {FINDING}\n" in said
    assert f"published {DAY} (2026.11): 10 people" in said
    (made,) = publications.history(week, OFFICIAL.version, DAY)
    assert made.accepted is not None
    assert (made.why, made.accepted[PEOPLE]) == (WHY, FINDING)
    runs = week.read(RUNS, {"day": DAY}).sort_by("started_at").to_pylist()
    parameters = json.loads(runs[-1]["parameters"])
    assert (runs[-1]["job"], parameters["accept"], parameters["accepted"][PEOPLE]) == ("publish", WHY, FINDING)


def test_checks_that_accept_let_the_day_be_published_as_a_dag_does(
    week: Warehouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUT_WAREHOUSE", week.root)
    for command in ("checks", "publish"):
        main.app([command, "--day", str(DAY), "--accept", WHY], standalone_mode=False)
        assert f"{PEOPLE}: " in capsys.readouterr().out
    (made,) = publications.history(week, OFFICIAL.version, DAY)
    assert made.accepted is not None
    assert (made.why, made.accepted[PEOPLE]) == (WHY, FINDING)


def test_nothing_but_bounds_is_accepted(week: Warehouse, score: Callable[..., None]) -> None:
    score(DAY, 10, score=101.0)
    with pytest.raises(CheckError):
        decide(week, DAY)
    with pytest.raises(NotPublishedError, match=r"its checks failed .score_on_scale: 10 scores"):
        publish.run(week, publish.Params(day=DAY, methodology=OFFICIAL, accept=WHY), BATCH)
    score(DAY, 10)  # written since it was checked
    with pytest.raises(NotPublishedError, match="its current rows were not checked"):
        publish.run(week, publish.Params(day=DAY, methodology=OFFICIAL, accept=WHY), BATCH)
    assert not is_published(week, DAY)


def test_a_day_within_its_bounds_has_nothing_to_accept(week: Warehouse, score: Callable[..., None]) -> None:
    score(DAY, 100)
    decide(week, DAY, accept=WHY)
    (made,) = publications.history(week, OFFICIAL.version, DAY)
    assert (made.why, made.accepted) == (None, None)
