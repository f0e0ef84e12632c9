"""Why a score is what it is and why it changed: through the real jobs on a day that can be reckoned by hand (`example.py`)."""

import json
import math
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from jobs import score_changes
from jobs.cli import explanations, main
from jobs.errors import CloutError
from jobs.warehouse.storage import Warehouse
from jobs.why import explain, explain_change
from schemas.activity import ACTIVITY
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.grounds import LABEL
from tests.jobs.why.example import DAY, EXAMPLE, LATER, NEXT, NOW, between, changed, explained, near
from tests.jobs.world import OFFICIAL, Did, World, files

NO_OTHERS = {part: {"influence": 0.0, "points": 0.0} for part in explain.PARTS}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> World:
    """The example; the next day eve, whom nobody engages with, reshares cy's note; the platform is silent for weeks after. On
    another platform the example once more, where cy is a bot and ana posts."""
    made = World(Warehouse(str(tmp_path_factory.mktemp("explain") / "warehouse")), arrow_rows)
    made.observe(DAY, "demo", [{"account_id": "cy", "handle": "@cy\x1b[31m"}])
    made.observe(DAY, "bots", [{"account_id": "cy", "is_bot": True}])
    for day, platform in ((DAY, "demo"), (NEXT, "demo"), (LATER, "demo"), (DAY, "bots")):
        made.cover(day, platform)
    left_over = Did(DAY - timedelta(days=1), "demo", "like", "bo", "cy")  # of a pull that never covered its day
    with_bot = [*(act._replace(platform="bots") for act in EXAMPLE), Did(DAY, "bots", "post", "ana", "ana")]
    made.put("test", [*EXAMPLE, *with_bot, Did(NEXT, "demo", "reshare", "eve", "cy"), left_over])
    made.count(LATER)
    for day, methodology in ((DAY, OFFICIAL), (NEXT, OFFICIAL), (LATER, OFFICIAL), (NEXT, NOW)):
        made.publish_counted(day, methodology)
    return made


def test_spark_gives_the_same_rows(world: World, spark: SparkSession, tmp_path: Path, arrow_rows: ArrowRows) -> None:
    made = World(Warehouse(str(shutil.copytree(world.warehouse.root, tmp_path / "copy"))), arrow_rows, spark)
    for day, methodology in ((LATER, OFFICIAL), (NEXT, NOW)):
        expected = world.people(day, methodology)
        assert made.score(day, methodology) == expected


def test_every_engager_and_what_they_did(world: World) -> None:
    found = explained(world, "bo")
    assert found["influence"] == near(0.90625)
    assert [(e["person_id"], e["direct"], e["second"], e["third"]) for e in found["engagers"]] == [
        ("demo:cy", near(0.375), near(0), near(0)),  # what bo handed to cy does not return
        ("demo:ana", near(0.25), near(0.125 * 0.25), near(0)),
        ("demo:dee", near(0.25), near(0), near(0)),
    ]
    like, reshares = found["engagers"][0]["kinds"][::-1]
    assert (reshares["kind"], reshares["act_count"], reshares["influence"]) == ("reshare", 2, near(0.375 * 6 / 7))
    assert (like["kind"], like["act_count"], like["influence"]) == ("like", 1, near(0.375 * 1 / 7))
    assert [(kind["kind"], kind["act_count"]) for kind in found["kinds"]] == [("reshare", 3), ("like", 2)]


@pytest.mark.parametrize("person", ["ana", "bo", "cy", "dee"])
@pytest.mark.parametrize("top", [1, 10])
def test_everything_sums(world: World, person: str, top: int) -> None:
    found = explained(world, person, top=top)
    for unit, whole in (("influence", found["influence"]), ("points", found["score"])):
        assert math.fsum([*(e[unit] for e in found["engagers"]), found["other_engagers"][unit]]) == near(whole)
        assert math.fsum(kind[unit] for kind in found["kinds"]) == near(whole)
    assert math.fsum(found["points"].values()) == near(found["score"])
    for engager in found["engagers"]:
        assert math.fsum(engager[part] for part in explain.PARTS) == near(engager["influence"])
        assert math.fsum(kind["points"] for kind in engager["kinds"]) == near(engager["points"])
    for steps, part in enumerate(explain.PARTS, 1):
        named = [path for path in found["paths"] if len(path["people"]) == steps + 1]
        assert len(named) <= top
        for unit, whole in (("influence", found[part]), ("points", found["points"][part])):
            assert math.fsum([*(path[unit] for path in named), found["other_paths"][part][unit]]) == near(whole)
    if top == 10:
        assert found["other_paths"] == NO_OTHERS  # not even dust


def test_named_paths(world: World) -> None:
    assert [(path["people"], path["kinds"], path["influence"]) for path in explained(world, "cy")["paths"]] == [
        (["demo:bo", "demo:cy"], ["like"], near(0.25)),
        (["demo:ana", "demo:bo", "demo:cy"], ["like", "like"], near(0.25 * 0.25)),
        (["demo:dee", "demo:bo", "demo:cy"], ["reshare", "like"], near(0.25 * 0.25)),
        (["demo:dee", "demo:ana", "demo:bo", "demo:cy"], ["like", "like", "like"], near(0.125 * 0.25 * 0.25)),
    ]


def test_acts_are_rows_of_activity_on_covered_days(world: World) -> None:
    found = explained(world, "cy", top=1, with_acts=True)
    rows = world.warehouse.read(ACTIVITY, columns=list(found["acts"][0])).to_pylist()
    assert all(act in rows for act in found["acts"])
    assert [(act["actor_id"], act["kind"], act["target_id"]) for act in found["acts"]] == [
        ("dee", "like", "ana"), ("ana", "like", "bo"), ("bo", "like", "cy"),
    ]  # fmt: skip


def test_nobody_engaged(world: World) -> None:
    found = explained(world, "dee")
    assert (found["engagers"], found["kinds"], found["paths"]) == ([], [], [])
    assert found["other_engagers"] == {"people": 0, "influence": 0.0, "points": 0.0}
    assert found["other_paths"] == NO_OTHERS


def test_who_is_not_scored_and_what_is_not_published(world: World) -> None:
    with pytest.raises(
        CloutError, match=r"scores 2026-11-03 \(2026.11\): demo:eve has no score; `clout show demo:eve`"
    ):
        explained(world, "eve")
    with pytest.raises(CloutError, match=r"scores 2026-12-24 \(2026.11\): demo:bo has no score"):
        explained(world, "bo", date(2026, 12, 24))
    with pytest.raises(CloutError, match=r"2026-12-24 \(2026.11\): not published"):
        changed(world, "bo", between(DAY, date(2026, 12, 24)))
    with pytest.raises(CloutError, match="the earlier day must be before it"):
        between(DAY, DAY)


def test_a_change_by_reasons(world: World) -> None:
    """Eve's reshare is new to cy and reaches bo by cy; all else is a day older: a weight of 1 is 2^(-1/30)."""
    faded = 2 ** (-1 / 30)
    found = changed(world, "cy", between(DAY, NEXT))
    reasons = {reason["reason"]: reason for reason in found["reasons"]}
    assert set(reasons) == {"engager_arrived", "faded_engagement", "engagers_attention"}
    assert reasons["engager_arrived"]["people"] == [
        {"person_id": "demo:eve", "influence": near(0.5 * 2 / 3), "points": near(reasons["engager_arrived"]["points"])}
    ]
    assert reasons["faded_engagement"]["influence"] < 0
    assert found["influence"] - found["since_influence"] == near(
        sum(reason["influence"] for reason in found["reasons"])
    )
    assert found["score"] - found["since_score"] == near(sum(reason["points"] for reason in found["reasons"]))
    # What reaches cy directly, by hand: bo's like, and eve's reshare.
    assert (found["since_direct"], found["direct"]) == (near(0.25), near(0.5 * faded / (1 + faded) + 0.5 * 2 / 3))


def test_the_table_says_the_same(world: World) -> None:
    params = between(DAY, NEXT)
    score_changes.run(world.warehouse, params, world.batch)
    rows = world.warehouse.read(SCORE_CHANGES, {"day": NEXT, "since_day": DAY, "methodology": "2026.11"}).to_pylist()
    people = sorted({row["person_id"] for row in rows})
    assert people == [f"demo:{name}" for name in ("ana", "bo", "cy")]
    for person in people:
        one = explain_change.explained(world.warehouse, person, params, top=10)
        assert {
            row["reason"]: (near(row["influence"]), near(row["points"])) for row in rows if row["person_id"] == person
        } == {reason["reason"]: (reason["influence"], reason["points"]) for reason in one["reasons"]}


def test_a_rerun_replaces_its_own_two_days(world: World) -> None:
    score_changes.run(world.warehouse, between(DAY, NEXT), world.batch)
    score_changes.run(world.warehouse, between(DAY, LATER), world.batch)
    before = world.warehouse.read(SCORE_CHANGES).sort_by(
        [("day", "ascending"), ("person_id", "ascending"), ("reason", "ascending")]
    )
    score_changes.run(world.warehouse, between(DAY, NEXT), world.batch)
    after = world.warehouse.read(SCORE_CHANGES).sort_by(
        [("day", "ascending"), ("person_id", "ascending"), ("reason", "ascending")]
    )
    assert after.equals(before)
    assert len(files(world.warehouse, SCORE_CHANGES)) == 2


def test_weeks_without_coverage_fade_nothing(world: World) -> None:
    """Of the thirty days between, two were covered: acts are two days older, and the rest is named."""
    found = changed(world, "bo", between(DAY, LATER))
    assert found["uncovered_days"] == {"demo": [NEXT + timedelta(days=n) for n in range(1, 29)]}
    faded = 2 ** (-2 / 30)
    assert found["direct"] == near(
        0.5 * 3 * faded / (1 + 3 * faded) + 0.5 * faded / (1 + faded) + 0.5 * 2 * faded / (1 + 3 * faded)
    )


def test_another_methodology_is_a_reason(world: World) -> None:
    """Likes at half their weight: first the other weights of the same acts, then new acts."""
    found = changed(world, "cy", between(DAY, NEXT, OFFICIAL, NOW))
    reasons = {reason["reason"]: reason["influence"] for reason in found["reasons"]}
    like = math.log2(1.5)
    from_bo, ana, dee = 0.5 * like / (1 + like), 0.5 * like / (1 + like), 0.5 * 2 / (1 + like + 2)
    again = from_bo * (1 + ana + dee + 0.5 * like / (3 + like) * ana)
    assert reasons["methodology"] == near(again - 0.3828125)
    assert found["influence"] - found["since_influence"] == near(sum(reasons.values()))


# As people see it


def test_a_bot_is_counted_neither_in_the_sentence_nor_in_the_table(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cy, who reshares bo twice, is a bot."""
    found = explained(world, "bo", platform="bots")
    assert [engager["person_id"] for engager in found["engagers"]] == ["bots:ana", "bots:dee"]
    assert (found["engager_count"], found["bot_engager_count"]) == (2, 1)
    assert sum(kind["act_count"] for kind in found["kinds"]) == 2
    explanations.print_explanation(found, LABEL)
    out = capsys.readouterr().out
    assert "2 people engaged with you, and 1 bot without effect; " in out
    assert "cy" not in out.partition("By what they did")[0].partition("Who your attention comes from")[2]


@pytest.fixture
def ran(world: World, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        monkeypatch.setenv("CLOUT_WAREHOUSE", world.warehouse.root)
        result = CliRunner().invoke(main.app, ["explain", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    return run


def test_in_words(ran: Callable[..., str]) -> None:
    said = ran("demo:cy", "--day", "2026-11-03")
    assert "Your score is 17.71: 11.57 direct, 5.78 second, 0.36 third." in said
    assert "0.0625  demo:dee shared demo:bo, who liked you" in said
    assert "  others" not in said  # every path is named
    assert "0.0078  demo:dee liked demo:ana, who liked demo:bo, who liked you" in said
    assert LABEL in said
    assert "\x1b[31m" not in said  # a platform's handle commands no terminal


def test_what_is_not_named_is_a_line_of_its_own(ran: Callable[..., str]) -> None:
    said = ran("demo:bo", "--day", "2026-11-03", "--top", "1")
    assert " shared you\n  0.5000  others\n\nLargest of the second degree" in said
    assert "of the second degree, in accounts' worth\n  0.0312  demo:dee liked demo:ana, who liked you\n\n" in said


def test_an_engagers_points_by_kind_are_shown_where_there_are_several(ran: Callable[..., str], world: World) -> None:
    reshares, like = (f"{kind['points']:.4f}" for kind in explained(world, "bo")["engagers"][0]["kinds"])
    said = ran("demo:bo", "--day", "2026-11-03").partition("Who your attention comes from")[2]
    cy, ana, *_ = (line.split() for line in said.splitlines() if line.lstrip().startswith(("@cy", "demo:")))
    assert cy[2:-4] == ["2", "reshares", f"{reshares},", "1", "like", like]
    assert ana[2:-4] == ["1", "like"]  # all of her points


def test_measures_beside_the_score_are_named_as_no_part_of_it(capsys: pytest.CaptureFixture[str], world: World) -> None:
    explanations.print_explanation(explained(world, "cy") | {"amplification": 2.5, "inclusion": 61.4}, LABEL)
    said = capsys.readouterr().out
    assert "Not part of the score: each post of yours set off 2.50 acts of others; inclusion 61 of" in said
    explanations.print_explanation(explained(world, "cy"), LABEL)
    assert "Not part of the score" not in capsys.readouterr().out  # of cy's posts nothing is known


def test_a_change_in_words(ran: Callable[..., str]) -> None:
    said = ran("demo:cy", "--day", "2026-11-04", "--since", "2026-11-03")
    assert "+0.3333   1 person newly engages with you" in said
    assert "demo:eve +0.3333" in said
    assert "Nobody lowers your score by engaging with you, however low their own score is" in said


def test_as_json(ran: Callable[..., str], world: World) -> None:
    found = json.loads(ran("demo:cy", "--day", "2026-11-03", "--json"))
    assert found.pop("ground").startswith("legal basis: test data")
    assert found == json.loads(json.dumps(explained(world, "cy"), default=str))


def test_nothing_is_written(ran: Callable[..., str], world: World) -> None:
    before = {table.name: world.warehouse.version(table) for table in (SCORES, SCORE_CHANGES, ACTIVITY)}
    ran("demo:cy", "--day", "2026-11-03", "--acts")
    assert {table.name: world.warehouse.version(table) for table in (SCORES, SCORE_CHANGES, ACTIVITY)} == before
