"""What a change of a published day leaves behind: each column by hand."""

import json
import math
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pyarrow.compute as pc
import pytest

import jobs
from jobs import checks, publish, restatements
from jobs.warehouse import publications, runs
from jobs.warehouse.publications import Publication
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse, rows
from schemas.coverage import COVERAGE
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology, load
from schemas.publications import PUBLICATIONS
from schemas.restatements import RESTATEMENTS
from schemas.runs import RUNS
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
BEFORE = DAY - timedelta(days=1)
PARAMS = publish.Params(day=DAY, methodology=OFFICIAL)
BATCH = Batch("test")

# Ana holds a fan's whole share, bo a fan's half: his other like is cy's. Dee engages eve, and nobody else ever does.
BASE = [Did(DAY, "twitter", "like", "fan", "ana"), Did(DAY, "twitter", "like", "two", "bo"),
        Did(DAY, "twitter", "like", "two", "cy"), Did(DAY, "twitter", "like", "dee", "eve")]  # fmt: skip


@pytest.fixture
def world(warehouse: Warehouse, arrow_rows: ArrowRows) -> World:
    made = World(warehouse, arrow_rows)
    made.cover(DAY, "twitter")
    made.put("test", BASE)
    return made


@pytest.fixture
def rerun(world: World) -> Callable[[], dict[str, float]]:
    """Scores, checks and publishes the day as it was pulled; gives its scores."""

    def run() -> dict[str, float]:
        world.publish(DAY)
        return {row["person_id"]: row["score"] for row in world.warehouse.read(SCORES).to_pylist()}

    return run


@pytest.fixture
def recorded(world: World) -> Callable[[], list[dict]]:
    """All restatements in their order, `why` read, without what a clock or a chance decides."""

    def read() -> list[dict]:
        found = world.warehouse.read(RESTATEMENTS).sort_by("restated_at").to_pylist()
        rows = [row | {"why": json.loads(row["why"])} for row in found]
        return [{name: value for name, value in row.items() if name not in ("run_id", "restated_at")} for row in rows]

    return read


def test_a_rerun_records_who_moved_by_how_much_and_why(
    world: World, rerun: Callable[[], dict[str, float]], recorded: Callable[[], list[dict]]
) -> None:
    """First the same acts pulled again in another order. Then bo's engager also engages a newcomer, a second fan comes to
    ana, and dee's like of eve is gone."""
    before = rerun()
    world.put("test", reversed(BASE))
    rerun()
    assert recorded() == []  # published for the first time, then the same rows
    world.put("test", [*BASE[:3], Did(DAY, "twitter", "like", "two", "new"), Did(DAY, "twitter", "like", "ted", "ana")])
    after = rerun()
    rise = after["twitter:ana"] - before["twitter:ana"]
    fall = before["twitter:bo"] - after["twitter:bo"]
    assert min(rise, fall) > 1
    assert recorded() == [
        {
            "day": DAY,
            "methodology": "2026.11",
            "people_before": 7,  # fan, ana, two, bo, cy, dee, eve
            "people_after": 7,  # fan, ana, two, bo, cy, new, ted
            "people_arrived": 2,
            "people_gone": 2,
            "people_changed": 3,  # fan and two hold nothing and share rank 5, as before
            "people_moved": 3,  # ana; bo and cy alike
            "largest_rise": rise,
            "largest_fall": fall,
            "mean_absolute_move": pytest.approx((rise + 2 * fall) / 3, rel=1e-12),
            "why": {"change": "scored again", "activity_days": [str(DAY)]},
        }
    ]
    (row,) = world.warehouse.read(RESTATEMENTS).to_pylist()
    (*_, made) = world.warehouse.read(PUBLICATIONS).sort_by("sequence").to_pylist()
    assert (row["run_id"], row["restated_at"]) == (publishing_runs(world.warehouse)[-1], made["published_at"])


def test_every_input_that_changed_is_named_and_no_other(
    world: World,
    rerun: Callable[[], dict[str, float]],
    recorded: Callable[[], list[dict]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First tomorrow is pulled, which is none of today's business. Then GitHub's yesterday arrives, Twitter's is removed,
    fan has a name, eve is a bot, and clout is a newer one."""
    world.cover(BEFORE, "twitter")
    rerun()
    after = DAY + timedelta(days=1)
    world.cover(after, "twitter")
    world.put("later", [Did(after, "twitter", "like", "fan", "bo")])
    world.observe(after, "twitter", [{"account_id": "fan"}])
    rerun()
    assert recorded() == []
    world.uncover(BEFORE, "twitter")
    world.cover(BEFORE, "github")
    world.put("late", [Did(BEFORE, "github", "like", "fan", "ana")])
    world.observe(DAY, "twitter", [{"account_id": "fan", "handle": "Fan"}, {"account_id": "eve", "is_bot": True}])
    monkeypatch.setattr(runs, "__version__", "99.0")
    rerun()
    (row,) = recorded()
    assert row["why"] == {
        "change": "scored again",
        "activity_days": [str(BEFORE)],
        "coverage_gained": {"github": [str(BEFORE)]},
        "coverage_lost": {"twitter": [str(BEFORE)]},
        "accounts": True,
        "code_version": [jobs.__version__, "99.0"],
    }
    assert (row["people_arrived"], row["people_moved"], row["people_changed"]) == (2, 0, 7)  # ranks, handle, coverage
    assert (row["largest_rise"], row["largest_fall"], row["mean_absolute_move"]) == (0, 0, 0)


# Every way to change a published day, on rows that are put there


@pytest.fixture
def publish_scores(warehouse: Warehouse, arrow_rows: ArrowRows) -> Callable[..., None]:
    """`publish_scores(10, 20)`: the day's people have these scores, and are checked and published."""
    coverage = arrow_rows(COVERAGE, [{"day": DAY}])
    warehouse.replace(COVERAGE, coverage, {"day": DAY}, run_id="r", job="j")

    def run(*scores: float, methodology: Methodology = OFFICIAL) -> None:
        people = [
            {"person_id": f"twitter:{number}", "score": float(score), "methodology": methodology.version}
            for number, score in enumerate(scores)
        ]
        place = {"methodology": methodology.version, "day": DAY}
        warehouse.replace(INFLUENCE, arrow_rows(INFLUENCE, people), place, run_id="r", job="influence")
        checks.run(warehouse, checks.Params(day=DAY, methodology=methodology.version), BATCH)
        publish.run(warehouse, publish.Params(day=DAY, methodology=methodology), BATCH)

    return run


def publishing_runs(warehouse: Warehouse) -> list[str]:
    """Ids of the runs of `publish`, in their order."""
    return warehouse.read(RUNS, where=pc.field("job") == "publish").sort_by("started_at")["run_id"].to_pylist()


def restated(warehouse: Warehouse) -> list[tuple]:
    """(run_id, why, people before, after, arrived, gone, moved), in their order."""
    people = [f"people_{name}" for name in ("before", "after", "arrived", "gone", "moved")]
    found = warehouse.read(RESTATEMENTS).sort_by("restated_at").to_pylist()
    return [(row["run_id"], json.loads(row["why"]), *(row[name] for name in people)) for row in found]


def test_withdrawing_and_bringing_back(warehouse: Warehouse, publish_scores: Callable[..., None]) -> None:
    """By `restore`, by publishing again, and back to what was before a rerun."""
    publish_scores(10, 20)
    publish.unpublish(warehouse, PARAMS, BATCH)
    publish.restore(warehouse, PARAMS, BATCH)
    publish.unpublish(warehouse, PARAMS, BATCH)
    publish.run(warehouse, PARAMS, BATCH)
    publish_scores(10, 21, 30)
    publish.restore(warehouse, PARAMS, BATCH)
    first, second, third = publishing_runs(warehouse)
    gone, back = (2, 0, 0, 2, 0), (0, 2, 2, 0, 0)
    by = [run for run, *_ in restated(warehouse)]
    assert [row[1:] for row in restated(warehouse)] == [
        ({"change": "withdrawn"}, *gone),
        ({"change": "brought back", "run_id": first}, *back),
        ({"change": "withdrawn"}, *gone),
        ({"change": "brought back", "run_id": second}, *back),
        ({"change": "scored again"}, 2, 3, 1, 0, 1),
        ({"change": "brought back", "run_id": second}, 3, 2, 0, 1, 1),
    ]
    assert (by[3], by[4]) == (second, third)
    assert len(set(by)) == 6


def test_another_methodology_changes_no_published_day(
    warehouse: Warehouse, publish_scores: Callable[..., None]
) -> None:
    publish_scores(10, 20)
    publish_scores(11, 21, methodology=load("2026.12"))
    assert restated(warehouse) == []


# What a difference is, and whose rows a day's are


def person(name: str, score: float, **columns: Any) -> dict:
    return {"person_id": f"twitter:{name}", "score": score} | columns


def compared(arrow_rows: ArrowRows, before: list[dict], after: list[dict]) -> dict | None:
    found = restatements.compared(*(arrow_rows(SCORES, people).to_reader() for people in (before, after)))
    moved = found["people_arrived"] or found["people_gone"] or found["people_changed"]
    return {name: value for name, value in found.items() if name in RESTATEMENTS.column_names} if moved else None


def test_the_difference_of_two_days(arrow_rows: ArrowRows) -> None:
    before = [person("a", 10.0), person("b", 20.0), person("c", 30.0), person("d", 40.0), person("gone", 50.0)]
    after = [person("new", 1.0), person("d", 40.0, rank=2), person("c", 29.0), person("b", 22.5), person("a", 10.5)]
    assert compared(arrow_rows, before, after) == {
        "people_before": 5, "people_after": 5, "people_arrived": 1, "people_gone": 1,
        "people_changed": 4, "people_moved": 3,  # of d the rank alone
        "largest_rise": 2.5, "largest_fall": 1.0, "mean_absolute_move": 4.0 / 3,
    }  # fmt: skip


def test_the_same_rows_in_any_order_are_no_difference_and_the_last_bit_is_one(arrow_rows: ArrowRows) -> None:
    people = [person("a", 10.0, handle=None), person("b", 20.0, handle="bo")]
    assert compared(arrow_rows, people, people[::-1]) is None
    assert compared(arrow_rows, [], []) is None
    found = compared(arrow_rows, people, [people[0] | {"score": math.nextafter(10.0, 11)}, people[1]])
    assert found is not None
    assert (found["people_moved"], found["largest_rise"]) == (1, math.ulp(10.0))
    found = compared(arrow_rows, people, [people[0] | {"handle": "ana"}, people[1]])  # null is a value like others
    assert found is not None
    assert (found["people_changed"], found["people_moved"], found["mean_absolute_move"]) == (1, 0, 0.0)


def test_one_that_only_falls_has_no_rise(arrow_rows: ArrowRows) -> None:
    found = compared(arrow_rows, [person("a", 10.0)], [person("a", 7.0)])
    assert found is not None
    assert (found["largest_rise"], found["largest_fall"]) == (0.0, 3.0)


@pytest.mark.parametrize(
    ("changes", "is_of"),
    [
        (["publish"], 1),
        (["publish", "publish"], 2),
        (["publish", "unpublish", "restore"], 1),
        (["publish", "publish", "restore"], 1),
        (["publish", "publish", "restore", "restore"], 2),  # undoes the restoring
        (["publish", "publish", "unpublish", "restore"], 2),
    ],
)
def test_which_publication_a_days_rows_are_of(changes: list[str], is_of: int) -> None:
    assert publications.origin([made(number, change) for number, change in enumerate(changes, 1)]).sequence == is_of


def made(sequence: int, change: str, **columns: Any) -> Publication:
    return Publication(
        day=DAY, methodology="2026.11", sequence=sequence, change=change, run_id=str(sequence), scores_digest="",
        replaced_version=None, people=2, influence=1.0, published_at=runs.now(), published_by="ana", **columns,
    )  # fmt: skip


def test_what_one_of_two_publications_does_not_record_is_not_compared() -> None:
    """Days published by earlier versions of clout record less."""
    known = {"activity_digests": {"2026-11-03": "a"}, "accounts_digest": "b", "covered_days": {"demo": ["2026-11-03"]}}
    found = restatements.compared(*(rows(SCORES, []).to_reader() for _ in "ab")) | {"people_changed": 1}
    for before, after in (({}, known), (known, {})):
        row = restatements.restatement([made(1, "publish", **before)], made(2, "publish", **after), found)
        assert row is not None
        assert json.loads(row["why"]) == {"change": "scored again"}
    assert restatements.restatement([], made(1, "publish"), found) is None  # the day's first
