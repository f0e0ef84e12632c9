"""Acts that people dispute: recorded, answered, and out of what counts once they are upheld."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from jobs.cli import explanations
from jobs.errors import CloutError, UsageError
from jobs.nights import staleness
from jobs.people import objections
from jobs.warehouse import objections as recorded
from jobs.warehouse.basis import published_basis
from jobs.warehouse.storage import Warehouse
from jobs.why import explain
from schemas.engagement import ENGAGEMENT
from schemas.restatements import RESTATEMENTS
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
ANA, BO = "x:ana", "x:bo"
ACTS = [
    Did(DAY, "x", "like", "bo", "ana", "a1"),
    Did(DAY, "x", "like", "bo", "ana", "a2"),
    Did(DAY, "x", "mention", "cy", "ana", "a1"),  # another act with the same id
    Did(DAY, "x", "mention", "bo", "cy", "a1"),
]


@pytest.fixture
def world(warehouse: Warehouse, arrow_rows: ArrowRows) -> World:
    made = World(warehouse, arrow_rows)
    made.cover(DAY, "x")
    made.put("test", ACTS)
    made.publish(DAY)
    return made


def counted(world: World) -> dict[tuple[str, str], int]:
    rows = world.warehouse.read(ENGAGEMENT).to_pylist()
    return {(row["src"], row["dst"]): row["act_count"] for row in rows}


def disputed(world: World, person: str = ANA, act: str = "a1", **options: Any) -> str:
    return objections.record(world.warehouse, person, act, "not theirs", at=NOON, by="op", **options)


def answered(world: World, objection: str, hours: int = 1, *, upheld: bool) -> list[date]:
    at = NOON + timedelta(hours=hours)
    return objections.answer(world.warehouse, objection, "we agree", upheld=upheld, at=at, by="op")


def test_an_upheld_objection_takes_its_act_out_and_a_rerun_keeps_that(world: World) -> None:
    whole = {(BO, ANA): 2, ("x:cy", ANA): 1, (BO, "x:cy"): 1}
    assert counted(world) == whole
    objection = disputed(world, BO)
    world.count(DAY)
    assert counted(world) == whole  # nothing is decided
    assert answered(world, objection, upheld=True) == [DAY]
    world.count(DAY)
    without = {(BO, ANA): 1, ("x:cy", ANA): 1}
    assert counted(world) == without
    rows = world.warehouse.read(ENGAGEMENT)
    world.count(DAY)
    assert world.warehouse.read(ENGAGEMENT).sort_by("src") == rows.sort_by("src")
    assert answered(world, objection, 2, upheld=True) == []
    assert answered(world, objection, 3, upheld=False) == [DAY]
    world.count(DAY)
    assert counted(world) == whole


def test_the_scores_that_counted_the_act_are_stale_and_scoring_again_restates_them(world: World) -> None:
    assert staleness.find(world.warehouse, DAY, DAY) == []
    before = world.people(DAY)[ANA]["influence"]
    answered(world, disputed(world), upheld=True)
    (stale,) = staleness.find(world.warehouse, DAY, DAY)
    assert stale.changed_days == (DAY,)
    assert published_basis(world.warehouse, DAY, OFFICIAL).day == DAY  # the tables still hold what was counted
    world.count(DAY)
    with pytest.raises(CloutError, match="acts of 2026-11-03 were removed by objections since they were computed"):
        published_basis(world.warehouse, DAY, OFFICIAL)
    world.publish(DAY)
    assert world.people(DAY)[ANA]["influence"] < before
    assert staleness.find(world.warehouse, DAY, DAY) == []
    assert published_basis(world.warehouse, DAY, OFFICIAL).day == DAY
    (restated,) = world.warehouse.read(RESTATEMENTS).to_pylist()
    assert '"activity_days": ["2026-11-03"]' in restated["why"]


def test_only_acts_by_or_towards_the_person_can_be_disputed(world: World) -> None:
    disputed(world)
    assert [(row["src"], row["dst"]) for row in recorded.current(world.warehouse)] == [(BO, ANA), ("x:cy", ANA)]
    for person, act, options in (
        (ANA, "a9", {}),
        ("x:eve", "a1", {}),
        ("y:ana", "a1", {}),
        (ANA, "a1", {"day": date(2026, 1, 1)}),
    ):
        with pytest.raises(UsageError, match="no act"):
            disputed(world, person, act, **options)
    with pytest.raises(UsageError, match="there is none with the id 'x'"):
        answered(world, "x", upheld=True)


def test_a_link_is_disputed_and_answered_and_changes_no_count(world: World) -> None:
    objection = objections.record_link(world.warehouse, ANA, "y:ana", "somebody else", at=NOON, by="op")
    assert answered(world, objection, upheld=True) == []
    assert recorded.upheld(world.warehouse, date.min, date.max) == []
    (found,) = objections.of_person(world.warehouse, [ANA])
    assert (found["kind"], found["dst"], found["state"], found["activity_id"]) == ("link", "y:ana", "upheld", None)
    for other in (ANA, "ana"):
        with pytest.raises(UsageError):
            objections.record_link(world.warehouse, ANA, other, "why", at=NOON, by="op")


def test_an_objection_is_in_the_explanation_of_whoever_made_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    objection = disputed(world)
    answered(world, objection, upheld=False)
    params = explain.Params(person=ANA, day=DAY, methodology=OFFICIAL)
    explanation = explain.explained(world.warehouse, params)
    explanations.print_explanation(explanation, LABEL)
    assert "Objection to a1 of 2026-11-03 (not theirs): rejected: we agree\n" in capsys.readouterr().out
    found = explanation["objections"]
    assert [(one["src"], one["state"], one["answer"]) for one in found] == [
        (BO, "rejected", "we agree"),
        ("x:cy", "rejected", "we agree"),
    ]
    assert (
        explain.explained(world.warehouse, explain.Params(person="x:cy", day=DAY, methodology=OFFICIAL))["objections"]
        == []
    )
