"""The promises of the README once through the real jobs: a day of several worlds that do not touch.

Each world is the same but for what somebody does in it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

from jobs import influence
from jobs.engines import choice
from jobs.errors import UsageError
from jobs.warehouse.storage import Warehouse
from schemas.influence import INFLUENCE
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.by_spark import by_spark_alone
from tests.jobs.equations import tolerance
from tests.jobs.world import OFFICIAL, Did, World, files

DAY = date(2026, 11, 3)
YESTERDAY = DAY - timedelta(1)

BASE = [
    *[Did(YESTERDAY, "twitter", "like", f"fan{n}", "star", id=f"{n}") for n in range(5)],
    Did(YESTERDAY, "twitter", "reply", "star", "fan0"),  # the celebrity once answered
    Did(DAY, "twitter", "reply", "ana", "bo"),
    Did(DAY, "twitter", "reply", "bo", "ana"),  # a mutual pair
    Did(DAY, "twitter", "reshare", "bo", "cy"),
    Did(DAY, "twitter", "mention", "cy", "ana"),  # a triangle
    Did(DAY, "twitter", "like", "fan1", "ana"),
    Did(DAY, "twitter", "quote", "bot", "ana"),  # says of itself that it is a bot
    Did(DAY, "twitter", "like", "star", "bot"),
    Did(YESTERDAY, "github", "like", "dee", "eve"),
    Did(DAY, "github", "reply", "eve", "fay"),
]
MORE = {
    # A fan who has something to lose by it, a stranger, and the one who was answered.
    "engaged": [
        Did(DAY, "twitter", "like", "fan0", "star"),
        Did(DAY, "twitter", "reply", "stranger", "star"),
        Did(DAY, "twitter", "like", "cy", "bo"),
    ],
    # Ana answers everybody, engages herself, and posts.
    "acted": [
        *(Did(DAY, "twitter", "reply", "ana", person) for person in ("star", "cy", "fan1", "bot", "new", "ana")),
        Did(DAY, "twitter", "post", "ana", "ana"),
    ],
    # Two are liked by a fan each, alike in everything but who acts on the fans: on the one others do, on the other only who is
    # liked, and more than all others on the first.
    "rivals": [
        Did(DAY, "twitter", "like", "known", "gil"),
        Did(DAY, "twitter", "like", "quiet", "hal"),
        Did(DAY, "twitter", "like", "fan1", "known"),
        Did(DAY, "twitter", "like", "bo", "known"),
        Did(DAY, "twitter", "quote", "hal", "quiet"),
    ],
    # On one day, and none of them does anything else.
    "stars": [
        *(Did(DAY, "twitter", "like", f"one{n}", "loved") for n in range(100)),
        *(Did(DAY, "twitter", "like", "devoted", "liked") for _ in range(100)),
    ],
}
# Another source reports acts of these worlds once more: as themselves, as something less, as something more.
AGAIN = {
    "as much or less": [
        Did(YESTERDAY, "twitter", kind, f"fan{n}", "star", id=f"{n}") for n, kind in enumerate(("like", "follow"))
    ],
    "as more": [Did(YESTERDAY, "twitter", "reply", "fan2", "star", id="2")],
}
WORLDS = ("base", *MORE, *AGAIN)


def in_world(name: str, acts: Iterable[Did]) -> list[Did]:
    """The acts of people of their own. Acts without an id get one."""
    return [
        act._replace(
            actor=f"{name}/{act.actor}", target=f"{name}/{act.target}", id=f"{name}/{act.id or f'{number}:{act}'}"
        )
        for number, act in enumerate(acts)
    ]


def people_of(name: str, rows: dict[str, dict]) -> dict[str, dict]:
    """`platform:person` -> row, of one world."""
    return {person.replace(f"{name}/", ""): row for person, row in rows.items() if f":{name}/" in person}


ABSOLUTE = [name for name in INFLUENCE.column_names if name not in ("person_id", "rank", "percentile")]
PARTS = ("influence", "direct", "second", "third")


def columns(rows: dict[str, dict], names: Sequence[str] = ABSOLUTE) -> dict[str, dict]:
    return {person: {name: row[name] for name in names} for person, row in rows.items()}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> World:
    made = World(Warehouse(str(tmp_path_factory.mktemp("promises") / "warehouse")), arrow_rows)
    for day in (YESTERDAY, DAY):
        for platform in ("twitter", "github"):
            made.cover(day, platform)
    made.observe(YESTERDAY, "twitter", [{"account_id": f"{name}/bot", "is_bot": True} for name in WORLDS])
    return made


@pytest.fixture(scope="module")
def alone(world: World) -> dict[str, dict]:
    """Everybody of the base, while there is nobody else."""
    world.put("test", in_world("base", BASE))
    return world.score(DAY)


@pytest.fixture(scope="module")
def scored(world: World, alone: dict[str, dict]) -> dict[str, dict]:
    """Everybody of all worlds."""
    world.put("test", [act for name in WORLDS for act in in_world(name, [*BASE, *MORE.get(name, [])])])
    world.put("again", [act for name, acts in AGAIN.items() for act in in_world(name, acts)])
    return world.score(DAY)


@pytest.fixture(scope="module")
def base(scored: dict[str, dict]) -> dict[str, dict]:
    return people_of("base", scored)


def test_real_p1(scored: dict[str, dict], base: dict[str, dict]) -> None:
    after = people_of("engaged", scored)
    for person in ("twitter:star", "twitter:bo"):
        for part in ("influence", "score", "direct"):
            assert after[person][part] > base[person][part], (person, part)
    assert after["twitter:star"]["engager_count"] == base["twitter:star"]["engager_count"] + 1  # the stranger


def test_real_p2(scored: dict[str, dict], base: dict[str, dict]) -> None:
    after = people_of("acted", scored)
    expected, found = (columns(rows, PARTS)["twitter:ana"] for rows in (base, after))
    assert found == pytest.approx(expected, rel=0, abs=tolerance(expected["influence"]))
    assert after["twitter:star"]["influence"] > base["twitter:star"]["influence"]  # it was not in vain


def test_real_p3(scored: dict[str, dict]) -> None:
    after = people_of("rivals", scored)
    gil, hal, known, quiet = (after[f"twitter:{name}"] for name in ("gil", "hal", "known", "quiet"))
    assert quiet["direct"] > known["direct"]
    assert (gil["direct"], gil["engager_count"]) == (hal["direct"], hal["engager_count"])
    assert hal["influence"] == hal["direct"]
    brought = gil["direct"] * (known["direct"] + known["second"])
    assert gil["influence"] - hal["influence"] == pytest.approx(brought, rel=0, abs=tolerance(gil["influence"]))
    assert gil["score"] > hal["score"]


def test_real_p4(scored: dict[str, dict]) -> None:
    for row in scored.values():
        assert row["direct"] + row["second"] + row["third"] == row["influence"]
    assert scored["twitter:base/cy"]["third"] > 0  # fan1 -> ana -> bo -> cy


def test_real_p5(scored: dict[str, dict], base: dict[str, dict]) -> None:
    """A like that is also reported as a reply weighs more; any other report changes nothing, bit for bit."""
    assert columns(people_of("as much or less", scored)) == columns(base)
    assert people_of("as more", scored)["twitter:star"]["direct"] > base["twitter:star"]["direct"]


def test_real_p5_a_hundred_fans_alike_beat_one_fan_a_hundred_times(scored: dict[str, dict]) -> None:
    after = people_of("stars", scored)
    assert after["twitter:loved"]["influence"] > 15 * after["twitter:liked"]["influence"] > 0
    assert after["twitter:loved"]["score"] > after["twitter:liked"]["score"]


def test_real_p6(alone: dict[str, dict], scored: dict[str, dict], base: dict[str, dict]) -> None:
    """Other worlds arrive: rank and percentile are relative, all else stays, bit for bit."""
    assert len(scored) > 5 * len(alone)
    assert columns(people_of("base", alone)) == columns(base)


def test_real_p7(world: World, scored: dict[str, dict]) -> None:
    """Two methodologies side by side: each row names its own, and the official one's files stay as they were."""
    steeper = replace(OFFICIAL, version="test-85", damping=0.85)
    before = files(world.warehouse, INFLUENCE)
    other = world.score_counted(DAY, steeper)
    after = files(world.warehouse, INFLUENCE)
    assert after.keys() - before.keys() == {("test-85", DAY)}
    assert {place: after[place] for place in before} == before
    assert {row["methodology"] for row in other.values()} == {"test-85"}
    star = "twitter:base/star"
    assert other[star]["direct"] == pytest.approx(scored[star]["direct"] * 0.85 / 0.5)


def test_real_p10(world: World, scored: dict[str, dict]) -> None:
    """A month without any pull; then one platform comes back while the other is silent."""
    same = [name for name in INFLUENCE.column_names if name != "day"]
    assert columns(world.score_counted(DAY + timedelta(30)), same) == columns(scored, same)
    world.cover(DAY + timedelta(1), "twitter")
    after = world.score(DAY + timedelta(1))
    absolute = [name for name in ABSOLUTE if name != "day"]
    for person, row in scored.items():
        if row["platform"] == "github":
            assert columns(after, absolute)[person] == columns(scored, absolute)[person]
        elif row["direct"] > 0:
            assert after[person]["direct"] < row["direct"], person
            assert after[person]["window_coverage"] == 3 / 180
    missing = uncovered(world.warehouse, DAY + timedelta(1))
    assert (str(DAY + timedelta(1)) in missing["github"], str(DAY + timedelta(1)) in missing["twitter"]) == (
        True,
        False,
    )


@pytest.mark.parametrize("engine", ["spark", "graphframes"])
def test_real_day_by_spark(world: World, spark: SparkSession, scored: dict[str, dict], engine: str) -> None:
    """The same rows, to the last bit."""
    try:
        choice.require(engine)
    except UsageError as missing:
        pytest.skip(str(missing))
    with by_spark_alone():
        params = influence.Params(day=DAY, methodology=OFFICIAL)
        influence.run(lambda: spark, world.warehouse, params, world.batch, engine)
    assert world.people(DAY) == scored


def uncovered(warehouse: Warehouse, day: date) -> dict[str, list[str]]:
    """What the newest scoring run of the day names as missing."""
    made = warehouse.read(RUNS, where=(pc.field("job") == "influence") & (pc.field("day") == day)).sort_by("started_at")
    return json.loads(made["uncovered_days"][-1].as_py())
