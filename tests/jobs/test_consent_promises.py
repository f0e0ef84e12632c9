"""Nobody loses because the people who engage with them never signed up, and no explanation names who did not agree."""

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jobs import consent
from jobs.people.consent import row
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.why import explain
from schemas.consent import SCOPES
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
SAID = datetime(2026, 11, 3, 12, tzinfo=UTC)
NAMES = [f"p{number}" for number in range(7)]


class Signed(World):
    """A world without a legal basis, in which people say what they agree to."""

    def __init__(self, warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
        super().__init__(warehouse, arrow_rows)
        self.said = 0
        consent.record_basis(self.warehouse, self._by(), None, Batch("test"))
        self.cover(DAY, "demo")

    def _by(self) -> consent.Params:
        self.said += 1
        return consent.Params(at=SAID + timedelta(minutes=self.said), by="tests", origin="import")

    def say(self, scopes: dict[str, str]) -> None:
        said = [row(f"demo:{name}", scope, DAY) for name, scope in scopes.items()]
        consent.record(self.warehouse, self._by(), said, Batch("test"))

    def night(self, acts: list[tuple[str, str]]) -> dict[str, float]:
        """Who is published after these acts (actor, target), and their scores."""
        self.put("test", [Did(DAY, "demo", "like", actor, target) for actor, target in acts])
        self.publish(DAY)
        return {each["person_id"]: each["score"] for each in self.warehouse.read(SCORES, {"day": DAY}).to_pylist()}


@pytest.fixture
def world(tmp_path: Path, arrow_rows: ArrowRows) -> Signed:
    return Signed(Warehouse(str(tmp_path / "warehouse")), arrow_rows)


@pytest.mark.parametrize("seed", range(4))
def test_p1_holds_whoever_agreed(world: Signed, seed: int) -> None:
    """Whoever acts, and whatever they agree to or take back, no published score falls by it."""
    chance = random.Random(seed)
    acts = [(actor, target) for actor, target in (chance.sample(NAMES, 2) for _ in range(10))]
    scopes = {name: chance.choice(SCOPES) for name in NAMES[:-1]} | {NAMES[0]: "public"}
    world.say(scopes)
    before = world.night(acts)
    assert {person[5:] for person in before} <= {name for name, scope in scopes.items() if scope == "public"}
    unsigned = chance.choice([name for name in NAMES if scopes.get(name) != "public"])
    target = chance.choice([name for name in before if name != f"demo:{unsigned}"])[5:]
    after = world.night([*acts, (unsigned, target)])
    assert after[f"demo:{target}"] >= before[f"demo:{target}"]
    world.say({unsigned: "public"})
    assert {person: after[person] for person in after} == {
        person: score for person, score in world.night([*acts, (unsigned, target)]).items() if person in after
    }


def test_an_explanation_names_only_people_who_agreed_and_its_sums_stay_exact(world: Signed) -> None:
    world.say({"p0": "public", "p1": "public", "p2": "self"})
    world.night([("p1", "p0"), ("p2", "p0"), ("p3", "p0"), ("p3", "p2"), ("p4", "p3")])
    params = explain.Params(person="demo:p0", day=DAY, methodology=OFFICIAL, with_acts=True, today=DAY)
    found = explain.explained(world.warehouse, params)
    assert sorted(engager["person_id"] or "somebody" for engager in found["engagers"]) == [
        "demo:p1",
        "somebody",
        "somebody",
    ]
    assert sum(engager["influence"] for engager in found["engagers"]) == pytest.approx(found["influence"], abs=1e-12)
    assert not any(f"p{number}" in repr(found) for number in (2, 3, 4))
