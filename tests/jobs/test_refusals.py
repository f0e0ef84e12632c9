"""A range in which the checks refuse days: all others are published, the refused ones are reported, and tried again."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from jobs import engagement, influence
from jobs.cli import main
from jobs.day_range import RefusedDaysError
from jobs.influence import Params
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.grounds import REASON

pytestmark = pytest.mark.system  # whole nights take longer than a unit test may

FIRST = date(2026, 10, 1)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """A folder that is not there yet."""
    return Warehouse(str(tmp_path / "warehouse"))


@pytest.fixture
def run(
    warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrow_rows: ArrowRows
) -> Callable[[list[int]], None]:
    """`run([100, 10])`: runs as many days as there are numbers; Spark is left out, and each day has its number of people."""
    monkeypatch.setenv("CLOUT_WAREHOUSE", warehouse.root)

    def ran(people: list[int]) -> None:
        days = [FIRST + timedelta(days=n) for n in range(len(people))]
        count_of = dict(zip(days, people, strict=True))

        def score(
            session: object, warehouse: Warehouse, params: Params, batch: Batch, engine: object
        ) -> dict[str, int]:
            values = {"day": params.day, "influence": 1.0, "direct": 1.0, "score": 10.0}
            rows = arrow_rows(INFLUENCE, [values | {"person_id": f"toots:{n}"} for n in range(count_of[params.day])])
            place = {"methodology": "2026.11", "day": params.day}
            warehouse.replace(INFLUENCE, rows, place, run_id="r", job="influence")
            return {"people": rows.num_rows, "pairs": 0}

        monkeypatch.setattr(engagement, "run", lambda *_: [])
        monkeypatch.setattr(influence, "run", score)
        like = {"type": "Like", "actor": "ana", "object": {"id": "b1", "attributedTo": "bo"}}
        path = tmp_path / "acts.jsonl"
        path.write_text("\n".join(json.dumps(like | {"published": f"{day}T09:00:00Z"}) for day in days))
        command = [
            "run",
            "--source",
            f"toots:activitystreams={path}",
            "--first-day",
            str(days[0]),
            "--everybody",
            REASON,
        ]
        main.app([*command, "--last-day", str(days[-1])], standalone_mode=False)

    return ran


def published(warehouse: Warehouse) -> list[int]:
    return sorted((day - FIRST).days for day in warehouse.read(PUBLICATIONS)["day"].to_pylist())


def test_a_refused_day_keeps_no_later_day_from_being_published_and_all_are_reported_at_the_end(
    run: Callable[[list[int]], None],
    warehouse: Warehouse,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """More days in a row are refused than each is compared with."""
    (tmp_path / "nights.yaml").write_text("gate_days: 3\n")
    monkeypatch.setenv("CLOUT_NIGHTS", str(tmp_path / "nights.yaml"))
    people = [1000] * 3 + [10] * 4 + [1000] * 2
    with pytest.raises(RefusedDaysError) as raised:
        run(people)
    assert raised.value.exit_code == 1
    first, *each = str(raised.value).splitlines()
    assert first == "checks refused 4 of 9 days:"
    assert [line.split()[1] for line in each] == [str(FIRST + timedelta(days=n)) for n in range(3, 7)]
    assert all("people 10.0, expected 500.0 to 10,000.0 after the 3 days published before" in line for line in each)
    assert published(warehouse) == [*range(3), 7, 8]
    said = capsys.readouterr().out
    assert "\n9 days pulled, 5 scored, in " in said
    assert said.count("\nREFUSED ") == 4

    with pytest.raises(RefusedDaysError, match="checks refused 4 of 9 days"):
        run(people)  # goes on with the days that are not done, and with no other
    said = capsys.readouterr().out
    assert "0 of 9 days left to pull, 4 of 9 to score" in said
    assert published(warehouse) == [*range(3), 7, 8]

    run([1000] * 9)  # now they are within bounds
    assert published(warehouse) == list(range(9))


def test_a_first_backfill_goes_through_whatever_its_first_days_are_like_and_says_what_is_odd(
    run: Callable[[list[int]], None], warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    run([1, 100, 1, 5000])
    assert published(warehouse) == [0, 1, 2, 3]
    said = capsys.readouterr().out
    assert "people_within_trailing_bounds: warning: people 100.0, expected 0.5 to 10.0 after the 1 days" in said
    assert "people_within_trailing_bounds: warning: people 5,000.0, expected 0.5 to 1,000.0 after the 3 days" in said
    noted = [json.loads(row["checks"]) for row in warehouse.read(RUNS, {"job": "checks"}).to_pylist()]
    assert sum("warning" in checks["people_within_trailing_bounds"] for checks in noted) == 2
