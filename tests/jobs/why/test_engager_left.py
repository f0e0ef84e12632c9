"""An engager leaves: explanations say so, name nobody, and stay exact for everybody whom the engager did not reach."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs import leaving
from jobs.cli import explanations
from jobs.errors import CloutError
from jobs.warehouse.storage import Warehouse
from jobs.why import explain
from schemas.restatements import RESTATEMENTS
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL
from tests.jobs.why.example import DAY, NEXT, between, changed, explained
from tests.jobs.world import OFFICIAL, Did, World

LEAVER = "dorothea"


@pytest.fixture
def world(warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch) -> World:
    """Dorothea and boris like anabel's notes, boris likes cyrill's. Both days are published; then dorothea leaves."""
    monkeypatch.setenv("CLOUT_SUPPRESSION_KEYS", "7" * 64)
    made = World(warehouse, arrow_rows)
    for day in (DAY, NEXT):
        made.cover(day, "demo")
    acts = [(LEAVER, "anabel"), ("boris", "anabel"), ("boris", "cyrill")]
    made.put("test", [Did(DAY, "demo", "like", *act) for act in acts] + [Did(NEXT, "demo", "like", "boris", "cyrill")])
    for day in (DAY, NEXT):
        made.publish(day)
    assert [engager["person_id"] for engager in explained(made, "anabel")["engagers"]] == [
        "demo:dorothea",
        "demo:boris",
    ]
    person = leaving.Params(people=(f"demo:{LEAVER}",), at=datetime.now(UTC) + timedelta(minutes=1))
    leaving.forget(made.warehouse, person, made.batch)
    return made


def refusal(world: World, *asked: Any) -> str:
    with pytest.raises(CloutError) as error:
        asked[0](world, *asked[1:])
    assert LEAVER not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("is_counted", [False, True], ids=["not yet counted", "counted again"])
def test_until_the_day_is_scored_again_those_whom_it_concerns_are_refused_and_others_are_not(
    world: World, is_counted: bool
) -> None:
    if is_counted:
        world.count(DAY)
    assert f"an engager left since. Acts of theirs on {DAY}" in refusal(world, explained, "anabel")
    assert "an engager left since" in refusal(world, changed, "anabel", between(DAY, NEXT))
    exact = explained(world, "cyrill")
    assert sum(engager["influence"] for engager in exact["engagers"]) == pytest.approx(exact["influence"], abs=1e-8)
    assert exact["left_days"] == []


def test_the_day_scored_again_says_that_an_engager_left(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.publish(DAY)
    explanation = explained(world, "anabel")
    assert (explanation["left_days"], [each["person_id"] for each in explanation["engagers"]]) == (
        [DAY],
        ["demo:boris"],
    )
    assert sum(each["points"] for each in explanation["engagers"]) == pytest.approx(explanation["score"], abs=1e-8)
    explanations.print_explanation(explanation, LABEL)
    shown = capsys.readouterr().out
    assert f"An engager left, whose acts are erased ({DAY}); this score was computed without them." in shown
    assert LEAVER not in shown
    whys = [json.loads(why) for why in world.warehouse.read(RESTATEMENTS, {"day": DAY})["why"].to_pylist()]
    assert ("scored again", [str(DAY)]) in [(why["change"], why.get("left_days")) for why in whys]


def test_the_instants_of_acts_of_hidden_people_are_not_shown(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their platform would say who acted at that second."""
    world.publish(DAY)
    params = explain.Params(person="demo:anabel", day=DAY, methodology=OFFICIAL, with_acts=True)
    (named,) = explain.explained(world.warehouse, params)["acts"]
    monkeypatch.setattr("jobs.people.admission.Admission.named", lambda *_: set())
    hidden = explain.explained(world.warehouse, params)
    (act,) = hidden["acts"]
    assert (named["occurred_at"].date(), named["day"]) == (DAY, DAY)
    assert (act["occurred_at"], act["day"], act["actor_id"], act["activity_id"]) == (None, DAY, None, None)
    explanations.print_explanation(hidden, LABEL)
    assert f"{DAY} " in capsys.readouterr().out.partition("Acts behind these paths")[2]
