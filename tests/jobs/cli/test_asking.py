"""`clout person`: objections and requests, as an operator types them."""

import json
from pathlib import Path

import pytest

from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from tests.fixture_types import ArrowRows
from tests.jobs.cli.conftest import DAY
from tests.jobs.cli.result import RunClout


@pytest.fixture
def acted(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    rows = arrow_rows(
        ACTIVITY, [{"platform": "twitter", "kind": "like", "actor_id": "1", "target_id": "2", "activity_id": "41"}]
    )
    place = {"platform": "twitter", "day": DAY, "source": rows["source"][0].as_py()}
    warehouse.replace(ACTIVITY, rows, place, run_id="r", job="j")
    covered = arrow_rows(COVERAGE, [{"day": DAY, "platform": "twitter", "source": place["source"], "pull": None}])
    warehouse.replace(COVERAGE, covered, {"day": DAY}, run_id="r", job="j")


def test_an_act_is_disputed_and_the_objection_answered(clout: RunClout, acted: None) -> None:
    said = clout("person", "object", "twitter:2", "--act", "41", "--why", "a stolen account")
    assert (said.code, len(said.out.strip())) == (0, 32), said.err
    (found,) = json.loads(clout("person", "objections", "--json").out)
    assert (found["state"], found["why"], found["objection_id"]) == ("open", "a stolen account", said.out.strip())
    answered = clout("person", "answer", "open", "--uphold", "--answer", "we agree")
    assert "upheld\nscores that count acts of 2026-11-03 are stale" in answered.out
    assert "upheld" in clout("person", "objections").out
    assert "0 objections are open" in clout("person", "answer", "open", "--reject", "--answer", "no").err


def test_one_thing_is_disputed_at_a_time(clout: RunClout, acted: None) -> None:
    both = clout("person", "object", "twitter:2", "--why", "w", "--act", "41", "--link", "twitter:1")
    for result in (both, clout("person", "object", "twitter:2", "--why", "w")):
        assert (result.code, result.err) == (2, "clout: say what the person disputes: --act ACT or --link PERSON\n")
    assert clout("person", "object", "twitter:2", "--why", "w", "--link", "twitter:1").code == 0


def test_requests_are_listed_and_an_overdue_one_fails_the_task_that_looks(
    clout: RunClout, warehouse: Warehouse, tmp_path: Path
) -> None:
    assert clout("person", "request", "export", "twitter:1", "--asked", "2020-01-01").code == 0
    result = clout("person", "requests", "--overdue")
    assert result.code == 1
    assert "1 requests of people are overdue, the first since 2020-01-31" in result.err
    assert "twitter:1" in result.out
    assert clout("person", "export", "twitter:1", "--to", str(tmp_path / "out")).code == 0
    assert clout("person", "requests", "--overdue").code == 0
    (found,) = json.loads(clout("person", "requests", "--json").out)
    assert (found["kind"], found["asked_on"], found["overdue"]) == ("export", "2020-01-01", False)
