"""Scale, ranks, and the columns beside the score; and what a scoring run refuses."""

import json
import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs import influence as job
from jobs import score_inputs
from jobs.backends import Backend
from jobs.errors import CloutError
from jobs.score.ranks import ranked_sql
from jobs.warehouse import counted
from jobs.warehouse.rollups import RollUps
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import Window, counted_window
from schemas.arrow import schema
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.methodologies import METHODOLOGIES
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.equations import SCALE
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
PARAMS = job.Params(day=DAY, methodology=OFFICIAL)
NONE = RollUps(OFFICIAL.version, 0, {})


def points(influence: float) -> float:
    return 100 * math.log1p(influence / 0.01) / math.log1p(1e7 / 0.01)


def test_the_scale_from_end_to_end(backend: Backend[Any]) -> None:
    held = backend.local(pa.table({"influence": [0.0, 0.01, 1.0, 1e7, 1e9]}))
    score = job.score_sql("influence", OFFICIAL, backend.log1p)
    rows = backend.arrow(backend.query(f"select influence, {score} as score from {{held}}", held=held))
    found = rows.sort_by("influence")["score"].to_pylist()
    assert found == [0.0, pytest.approx(points(0.01)), pytest.approx(points(1.0)), 100.0, 100.0]  # never above
    assert found[1] == pytest.approx(100 * math.log(2) / math.log(1e9), rel=1e-9)


def table(columns: str, *rows: tuple) -> pa.Table:
    """Rows of these columns, NAME:TYPE each."""
    names, types = zip(*(column.split(":") for column in columns.split()), strict=True)
    values = zip(*rows, strict=True)
    return pa.table([pa.array(of, kind) for of, kind in zip(values, types, strict=True)], names)


def test_rows_of_people(backend: Backend[Any]) -> None:
    """Every column, nulls too."""
    sums = table(
        "id:string one:int64 two:int64 three:int64",
        ("x:a:b", SCALE, SCALE // 2, SCALE // 4),
        ("sample-x:bo", 0, 0, 0),
    )
    beside = table(
        "id:string engager_count:int64 amplification:float64 inclusion:float64",
        ("x:a:b", 2, 1.5, 90.0),
        ("x:unseen", 1, 1.0, 1.0),
    )
    found = backend.query(
        job.people_sql({"x": 0.25, "sample-x": 1.0}, PARAMS, backend.log1p),
        measured=backend.query(
            f"select * from ({ranked_sql('{sums}', len(sums))}) left join {{beside}} using (id)",
            sums=backend.local(sums),
            beside=backend.local(beside),
        ),
        known=backend.local(table("id:string handle:string", ("x:a:b", "Ana"), ("x:unseen", "Nobody"))),
    )
    rows = backend.arrow(found)
    assert rows.cast(schema(INFLUENCE)).schema.names == list(INFLUENCE.column_names)
    shared = {"day": DAY, "methodology": "2026.11"}
    assert rows.sort_by("rank").to_pylist() == [
        shared | {"person_id": "x:a:b", "platform": "x", "handle": "Ana", "simulated": False,
                  "influence": 1.75, "direct": 1.0, "second": 0.5, "third": 0.25, "score": pytest.approx(points(1.75)),
                  "rank": 1, "percentile": 0.5, "engager_count": 2, "window_coverage": 0.25,
                  "amplification": 1.5, "inclusion": 90.0},
        shared | {"person_id": "sample-x:bo", "platform": "sample-x", "handle": None, "simulated": True,
                  "influence": 0.0, "direct": 0.0, "second": 0.0, "third": 0.0, "score": 0.0,
                  "rank": 2, "percentile": 0.0, "engager_count": 0, "window_coverage": 1.0,
                  "amplification": None, "inclusion": None},
    ]  # fmt: skip


# A run

SHORT = replace(OFFICIAL, version="short", lookback_days=3)
BEFORE = [DAY - timedelta(n) for n in range(4)]


@pytest.fixture
def world(session: SparkSession | None, warehouse: Warehouse, arrow_rows: ArrowRows) -> World:
    return World(warehouse, arrow_rows, session)


def test_what_lies_in_the_window(world: World) -> None:
    """Its first day is in, the day before it is out; handles and bots as they were then, and all of it recorded in `runs`."""
    for day in (BEFORE[3], BEFORE[2], BEFORE[0], DAY + timedelta(1)):
        world.cover(day, "twitter")
    world.put("test", [
        Did(BEFORE[3], "twitter", "like", "out", "ana"),  # the window begins a day later
        Did(BEFORE[2], "twitter", "like", "first", "ana"),
        Did(BEFORE[1], "twitter", "like", "unfinished", "ana"),  # of a pull that did not end: no coverage
        Did(DAY, "twitter", "like", "last", "ana"),
        Did(DAY, "twitter", "like", "bot", "ana"),
        Did(DAY, "twitter", "post", "poster", "poster"),  # no edge, no row
        Did(DAY + timedelta(1), "twitter", "like", "tomorrow", "ana"),
    ])  # fmt: skip
    for day, handle in (
        (BEFORE[3], "Old"),
        (BEFORE[0], "Ana"),
        (BEFORE[1], "Unfinished"),
        (DAY + timedelta(1), "Later"),
    ):
        world.observe(day, "twitter", [{"account_id": "ana", "handle": handle}, {"account_id": "bot", "is_bot": True}])
    found = world.score(DAY, SHORT)
    half = 0.5 * 2 ** (-1 / 30) / (1 + 2 ** (-1 / 30))  # of `first`, whose like has aged by one covered day
    columns = ("influence", "handle", "engager_count", "window_coverage")
    assert {person: tuple(row[name] for name in columns) for person, row in found.items()} == {
        "twitter:ana": (pytest.approx(0.25 + half, abs=1e-10), "Ana", 2, 2 / 3),
        **{f"twitter:{actor}": (0.0, None, 0, 2 / 3) for actor in ("first", "last", "bot")},
    }
    run = world.warehouse.read(RUNS).sort_by("started_at").to_pylist()[-1]
    assert {name: run[name] for name in ("job", "status", "engine", "uncovered_days", "counts")} == {
        "job": "influence",
        "status": "done",
        "engine": "memory",
        "uncovered_days": f'{{"twitter": ["{BEFORE[1]}"]}}',
        "counts": '{"pairs": 3, "people": 4}',
    }


def test_what_is_pulled_meanwhile_is_not_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A score is computed from the versions that `runs` names, though a day was covered after they were read."""
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", "ana", "bo")])
    world.count(DAY)
    version, row_count = world.warehouse.version(COVERAGE), Warehouse.row_count

    def meanwhile(*arguments: Any) -> int:
        world.cover(BEFORE[2], "twitter")
        return row_count(*arguments)

    monkeypatch.setattr(Warehouse, "row_count", meanwhile)
    found = world.score_counted(DAY, SHORT)
    assert {row["window_coverage"] for row in found.values()} == {1 / 3}
    run = world.warehouse.read(RUNS).sort_by("started_at").to_pylist()[-1]
    assert json.loads(run["inputs"])["coverage"] == version < world.warehouse.version(COVERAGE)
    assert json.loads(run["uncovered_days"]) == {"twitter": [str(BEFORE[2]), str(BEFORE[1])]}


def test_an_empty_window_raises_and_writes_nothing(world: World) -> None:
    """Posts are no engagement, and an earlier day that lies outside does not help."""
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "post", "ana", "ana"), Did(BEFORE[3], "twitter", "like", "ana", "bo")])
    with pytest.raises(
        score_inputs.EmptyWindowError, match=r"engagement 2026-11-01\.\.2026-11-03: no act between two people"
    ):
        world.score(DAY, SHORT)
    assert world.warehouse.read(INFLUENCE).num_rows == 0
    assert world.warehouse.read(RUNS).sort_by("started_at")["status"].to_pylist()[-1] == "failed"


def test_engagement_that_is_not_as_it_was_pulled_is_refused(world: World) -> None:
    for day in (BEFORE[2], DAY):
        world.cover(day, "twitter")
    acts = [Did(day, "twitter", "like", "ana", "bo") for day in (BEFORE[2], DAY)]
    world.put("test", acts)
    refused = r"engagement {}\.\.{}: {} days of the window are not counted as they were last pulled"
    with pytest.raises(CloutError, match=refused.format(BEFORE[2], DAY, 2)):
        world.score_counted(DAY)
    world.count(DAY)
    assert score_inputs.read(world.warehouse, counted_window(world.warehouse, DAY, OFFICIAL), NONE).row_count == 2
    world.write(INFLUENCE, [{"day": DAY, "score": 7.0}], methodology=OFFICIAL.version, day=DAY)
    before = world.people(DAY)
    assert before
    world.cover(BEFORE[1], "twitter")
    world.put("test", [*acts, Did(BEFORE[1], "twitter", "like", "cy", "bo")])  # a day that had nothing
    with pytest.raises(CloutError, match=refused.format(BEFORE[1], BEFORE[1], 1)):
        world.score_counted(DAY)
    assert world.people(DAY) == before  # what was there stays


def test_a_changed_methodology_is_refused(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Once scores were published under a version, its values are what they are. No session is asked for anything."""
    world = World(warehouse, arrow_rows)
    known = {"version": OFFICIAL.version, "fingerprint": OFFICIAL.fingerprint}
    world.write(METHODOLOGIES, [known], version=OFFICIAL.version)
    world.cover(DAY, "twitter")
    world.put("test", [Did(DAY, "twitter", "like", "ana", "bo")])
    world.count(DAY)
    changed = replace(PARAMS, methodology=replace(OFFICIAL, damping=0.6))
    with pytest.raises(
        CloutError, match=r"methodology 2026\.11: its values differ from those under which scores were published"
    ):
        job.run(world.spark, warehouse, changed, world.batch)


def test_a_window_without_any_covered_day_says_so(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Acts that were counted before their coverage went away."""
    warehouse.append(ENGAGEMENT, arrow_rows(ENGAGEMENT, [{"day": DAY}]), {}, run_id="r", job="j")
    window = Window(DAY, OFFICIAL, counted.snapshot(warehouse), {}, {})
    with pytest.raises(score_inputs.EmptyWindowError) as refused:
        score_inputs.read(warehouse, window, NONE)
    assert str(refused.value) == (
        "coverage 2026-05-08..2026-11-03: 0 rows, expected one for each platform pulled; no day of the window is covered, so no"
        " act counts. Pull days of this window first (`clout pull --day 2026-11-03 --source ...`)"
    )
