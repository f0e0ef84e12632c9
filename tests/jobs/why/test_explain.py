"""Why a score is what it is and why it changed: through the real jobs on a day that can be reckoned by hand.

Dee likes ana's note and reshares bo's; ana likes bo's; cy reshares two of bo's and likes one; bo likes cy's.
"""

import json
import math
from dataclasses import replace
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from jobs import score_changes
from jobs.cli import explanations, main
from jobs.errors import CloutError
from jobs.warehouse import runs
from jobs.why import explain, explain_change
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.methodology import Methodology
from schemas.runs import RUNS
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from tests.jobs.world import OFFICIAL, Did, World, files

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
LATER = DAY + timedelta(days=30)
NOW = Methodology(
    **{**vars(OFFICIAL), "version": "test", "kind_weights": OFFICIAL.kind_weights | {"like": 0.5, "follow": 0.5}}
)

NO_OTHERS = {part: {"influence": 0.0, "points": 0.0} for part in explain.PARTS}

EXAMPLE = [
    Did(DAY, "demo", "like", "dee", "ana"), Did(DAY, "demo", "reshare", "dee", "bo"), Did(DAY, "demo", "like", "ana", "bo"),
    Did(DAY, "demo", "reshare", "cy", "bo"), Did(DAY, "demo", "reshare", "cy", "bo"), Did(DAY, "demo", "like", "cy", "bo"),
    Did(DAY, "demo", "like", "bo", "cy"),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory, arrow_rows) -> World:
    """The example; the next day eve, whom nobody engages with, reshares cy's note; the platform is silent for weeks after."""
    made = World(spark, str(tmp_path_factory.mktemp("explain") / "warehouse"), arrow_rows)
    made.observe(DAY, "demo", [{"account_id": "cy", "handle": "@cy\x1b[31m"}])
    for day in (DAY, NEXT, LATER):
        made.cover(day, "demo")
    left_over = Did(DAY - timedelta(days=1), "demo", "like", "bo", "cy")  # of a pull that never covered its day
    made.put("test", [*EXAMPLE, Did(NEXT, "demo", "reshare", "eve", "cy"), left_over])
    for day, methodology in ((DAY, OFFICIAL), (NEXT, OFFICIAL), (LATER, OFFICIAL), (NEXT, NOW)):
        made.publish(day, methodology)
    return made


def told(world: World, person: str, day: date = DAY, **asked) -> dict:
    params = explain.Params(person=f"demo:{person}", day=day, methodology=OFFICIAL, **asked)
    return explain.explained(world.warehouse, params)


def changed(world: World, person: str, params: score_changes.Params) -> dict:
    return explain_change.explained(world.warehouse, f"demo:{person}", params, top=10)


def between(since: date, day: date, then: Methodology = OFFICIAL, now: Methodology = OFFICIAL) -> score_changes.Params:
    return score_changes.Params(day=day, methodology=now, since_day=since, since_methodology=then)


def near(value: float):
    return pytest.approx(value, rel=0, abs=1e-9)


def test_every_engager_and_what_they_did(world):
    found = told(world, "bo")
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
def test_everything_sums(world, person, top):
    found = told(world, person, top=top)
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


def test_named_paths(world):
    assert [(path["people"], path["kinds"], path["influence"]) for path in told(world, "cy")["paths"]] == [
        (["demo:bo", "demo:cy"], ["like"], near(0.25)),
        (["demo:ana", "demo:bo", "demo:cy"], ["like", "like"], near(0.25 * 0.25)),
        (["demo:dee", "demo:bo", "demo:cy"], ["reshare", "like"], near(0.25 * 0.25)),
        (["demo:dee", "demo:ana", "demo:bo", "demo:cy"], ["like", "like", "like"], near(0.125 * 0.25 * 0.25)),
    ]


def test_acts_are_rows_of_activity_on_covered_days(world):
    found = told(world, "cy", top=1, with_acts=True)
    rows = world.warehouse.read(ACTIVITY, columns=list(found["acts"][0])).to_pylist()
    assert all(act in rows for act in found["acts"])
    assert [(act["actor_id"], act["kind"], act["target_id"]) for act in found["acts"]] == [
        ("dee", "like", "ana"), ("ana", "like", "bo"), ("bo", "like", "cy"),
    ]  # fmt: skip


def test_nobody_engaged(world):
    found = told(world, "dee")
    assert (found["engagers"], found["kinds"], found["paths"]) == ([], [], [])
    assert found["other_engagers"] == {"people": 0, "influence": 0.0, "points": 0.0}
    assert found["other_paths"] == NO_OTHERS


def test_who_is_not_scored_and_what_is_not_published(world):
    with pytest.raises(
        CloutError, match=r"scores 2026-11-03 \(2026.11\): demo:eve is not in it; `clout show demo:eve`"
    ):
        told(world, "eve")
    with pytest.raises(CloutError, match=r"scores 2026-12-24 \(2026.11\): demo:bo is not in it"):
        told(world, "bo", date(2026, 12, 24))
    with pytest.raises(CloutError, match=r"2026-12-24 \(2026.11\): not published"):
        changed(world, "bo", between(DAY, date(2026, 12, 24)))
    with pytest.raises(CloutError, match="the earlier day must lie before it"):
        between(DAY, DAY)


def test_a_change_by_reasons(world):
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


def test_the_table_tells_the_same(world):
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


def test_a_rerun_replaces_its_own_two_days(world):
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


def test_weeks_without_coverage_fade_nothing(world):
    """Of the thirty days between, two were covered: acts are two days older, and the rest is told."""
    found = changed(world, "bo", between(DAY, LATER))
    assert found["uncovered_days"] == {"demo": [NEXT + timedelta(days=n) for n in range(1, 29)]}
    faded = 2 ** (-2 / 30)
    assert found["direct"] == near(
        0.5 * 3 * faded / (1 + 3 * faded) + 0.5 * faded / (1 + faded) + 0.5 * 2 * faded / (1 + 3 * faded)
    )


def test_days_before_the_later_window_are_not_without_coverage(spark, tmp_path, arrow_rows):
    short = replace(OFFICIAL, version="test-5", lookback_days=5)
    made = World(spark, str(tmp_path / "warehouse"), arrow_rows)
    for number in range(10):
        made.cover(DAY + timedelta(days=number), "demo")
    last = DAY + timedelta(days=9)
    made.put("test", [*EXAMPLE, Did(last, "demo", "like", "eve", "cy")])
    for day in (DAY, last):
        made.publish(day, short)
    found = changed(made, "cy", between(DAY, last, short, short))
    assert found["uncovered_days"] == {}
    assert {reason["reason"] for reason in found["reasons"]} == {
        "engager_arrived",
        "engager_left",
        "engagers_attention",
    }


def test_another_methodology_is_a_reason(world):
    """Likes at half their weight: first what the same acts count for otherwise, then what happened."""
    found = changed(world, "cy", between(DAY, NEXT, OFFICIAL, NOW))
    reasons = {reason["reason"]: reason["influence"] for reason in found["reasons"]}
    like = math.log2(1.5)
    from_bo, ana, dee = 0.5 * like / (1 + like), 0.5 * like / (1 + like), 0.5 * 2 / (1 + like + 2)
    again = from_bo * (1 + ana + dee + 0.5 * like / (3 + like) * ana)
    assert reasons["methodology"] == near(again - 0.3828125)
    assert found["influence"] - found["since_influence"] == near(sum(reasons.values()))


@pytest.fixture
def other(spark, tmp_path, arrow_rows) -> World:
    """The example alone, to be changed."""
    made = World(spark, str(tmp_path / "warehouse"), arrow_rows)
    made.cover(DAY, "demo")
    made.put("test", EXAMPLE)
    made.publish(DAY)
    return made


def test_acts_of_earlier_days_that_came_late(other):
    """The day before is covered after the first day was scored, and eve had liked dee's note on it: no new engagement."""
    other.put("late", [Did(DAY - timedelta(days=1), "demo", "like", "eve", "dee")])
    other.cover(DAY - timedelta(days=1), "demo")
    other.cover(NEXT, "demo")
    other.publish(NEXT)
    reasons = {reason["reason"]: reason["influence"] for reason in changed(other, "dee", between(DAY, NEXT))["reasons"]}
    then, now = 2 ** (-1 / 30), 2 ** (-2 / 30)
    whole = 0.5 * now / (1 + now)
    # It came and it grew a day older, in no order: the mean of what it would weigh on either day.
    restored = whole * (then + now) / 2 / now
    assert reasons == {"coverage_restored": near(restored), "faded_engagement": near(whole - restored)}


# By content, whatever the tables' versions


def vacuumed(world: World) -> None:
    """No file of an earlier version is left."""
    for table in (ACTIVITY, ACCOUNTS, COVERAGE, ENGAGEMENT):
        world.warehouse.delta(table).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)


def test_the_same_acts_pulled_again_explain_the_same(other):
    """Other acts in between, and no old file is left. Then another platform arrives late: what was uncovered does not count."""
    before, change = told(other, "bo"), between(DAY, NEXT)
    other.put("test", [*EXAMPLE, Did(DAY, "demo", "like", "eve", "bo")])
    other.count(DAY)
    other.put("test", EXAMPLE)
    other.count(DAY)
    vacuumed(other)
    assert told(other, "bo") == before
    other.cover(DAY, "elsewhere")
    other.put("late", [Did(DAY, "elsewhere", "like", "eve", "bo")])
    other.cover(NEXT, "demo")
    other.publish(NEXT)
    vacuumed(other)
    assert told(other, "bo") == before
    because = {reason["reason"] for reason in changed(other, "bo", change)["reasons"]}
    assert because == {"faded_engagement", "attention_moved"}  # of nothing that is new
    score_changes.run(other.warehouse, change, other.batch)


def test_a_day_that_was_pulled_again_is_named_with_when_and_what_to_run(other):
    """As long as the new acts are not counted, the old ones are there and are explained."""
    before = told(other, "bo")
    with runs.recorded(other.warehouse, "pull_activity", DAY, other.batch, source="test"):
        other.put("test", EXAMPLE[1:])
    (pulled,) = other.warehouse.read(RUNS, {"job": "pull_activity"}).to_pylist()
    assert told(other, "bo") == before
    other.cover(NEXT, "demo")
    other.publish(NEXT)
    message = (
        f"scores 2026-11-03 (2026.11): 2026-11-03 was pulled again ({pulled['finished_at']:%Y-%m-%d %H:%M} UTC) since they were"
        " computed, so the acts they count are no longer there; to score what is there now, run `clout engagement --day"
        " 2026-11-03 --methodology 2026.11`, then `clout influence`, `clout checks` and `clout publish` with the same options"
    )
    asked = between(DAY, NEXT)
    for ask in (
        lambda: told(other, "bo"),
        lambda: changed(other, "bo", asked),
        lambda: score_changes.run(other.warehouse, asked, other.batch),
    ):
        with pytest.raises(CloutError) as refused:
            ask()
        assert str(refused.value) == message
    other.publish(DAY)  # what the message says to run
    assert told(other, "bo")["influence"] == other.people(DAY)["demo:bo"]["influence"]
    assert changed(other, "bo", asked)["reasons"]


def test_a_day_that_is_counted_otherwise_than_it_is_there_now_is_named(other):
    other.put("test", EXAMPLE[1:])
    other.count(DAY)
    other.put("test", EXAMPLE)
    with pytest.raises(
        CloutError,
        match=r"engagement of 2026-11-03 was counted from other activity than is there now; run `clout engagement --day"
        r" 2026-11-03 --methodology 2026.11`, then ask again$",
    ):
        told(other, "bo")
    other.count(DAY)
    assert told(other, "bo")["influence"] == other.people(DAY)["demo:bo"]["influence"]


def test_accounts_that_were_observed_otherwise_since(other):
    """That cy has a name changes no point; that cy says of himself that he is a bot does."""
    before = told(other, "bo")
    other.observe(DAY, "demo", [{"account_id": "cy", "handle": "cy"}])
    assert told(other, "bo")["engagers"] == before["engagers"]
    other.observe(DAY, "demo", [{"account_id": "cy", "is_bot": True}])
    with pytest.raises(
        CloutError,
        match=r"^scores 2026-11-03 \(2026.11\): the influence of 1 people, computed again, is not what was published: what was"
        r" observed of accounts up to the day was pulled again since; run `clout engagement --day 2026-11-03 ",
    ):
        told(other, "bo")


# As people see it


def test_a_bot_is_counted_neither_in_the_sentence_nor_in_the_table(spark, tmp_path, arrow_rows, capsys):
    """Cy, who reshares bo twice, is a bot."""
    made = World(spark, str(tmp_path / "warehouse"), arrow_rows)
    made.observe(DAY, "demo", [{"account_id": "cy", "is_bot": True}])
    made.cover(DAY, "demo")
    made.put("test", EXAMPLE)
    made.publish(DAY, OFFICIAL)
    found = told(made, "bo")
    assert [engager["person_id"] for engager in found["engagers"]] == ["demo:ana", "demo:dee"]
    assert (found["engager_count"], found["bot_engager_count"]) == (2, 1)
    assert sum(kind["act_count"] for kind in found["kinds"]) == 2
    explanations.tell(found)
    out = capsys.readouterr().out
    assert "2 people engaged with you, and 1 bot without effect; " in out
    assert "cy" not in out.partition("By what they did")[0].partition("Who your attention comes from")[2]


@pytest.fixture
def ran(world, monkeypatch):
    def run(*arguments: str) -> str:
        monkeypatch.setenv("CLOUT_WAREHOUSE", world.warehouse.root)
        result = CliRunner().invoke(main.app, ["explain", *arguments], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    return run


def test_in_words(ran):
    said = ran("demo:cy", "--day", "2026-11-03")
    assert "Your score is 17.71: 11.57 direct, 5.78 second, 0.36 third." in said
    assert "0.0625  demo:dee shared demo:bo, who liked you" in said
    assert "  others" not in said  # every path is named
    assert "0.0078  demo:dee liked demo:ana, who liked demo:bo, who liked you" in said
    assert "internal use only" in said
    assert "\x1b[31m" not in said  # a platform's handle commands no terminal


def test_what_is_not_named_is_a_line_of_its_own(ran):
    said = ran("demo:bo", "--day", "2026-11-03", "--top", "1")
    assert " shared you\n  0.5000  others\n\nLargest of the second degree" in said
    assert "of the second degree, in accounts' worth\n  0.0312  demo:dee liked demo:ana, who liked you\n\n" in said


def test_an_engagers_points_by_kind_are_told_where_there_are_several(ran, world):
    reshares, like = (f"{kind['points']:.4f}" for kind in told(world, "bo")["engagers"][0]["kinds"])
    said = ran("demo:bo", "--day", "2026-11-03").partition("Who your attention comes from")[2]
    cy, ana, *_ = (line.split() for line in said.splitlines() if line.lstrip().startswith(("@cy", "demo:")))
    assert cy[2:-4] == ["2", "reshares", f"{reshares},", "1", "like", like]
    assert ana[2:-4] == ["1", "like"]  # all of her points


def test_what_stands_beside_the_score_is_told_as_no_part_of_it(capsys, world):
    explanations.tell(told(world, "cy") | {"amplification": 2.5, "inclusion": 61.4})
    said = capsys.readouterr().out
    assert (
        "Beside the score, and no part of it: each post of yours set off 2.50 acts of others; inclusion 61 of" in said
    )
    explanations.tell(told(world, "cy"))
    assert "Beside the score" not in capsys.readouterr().out  # of cy's posts nothing is known


def test_a_change_in_words(ran):
    said = ran("demo:cy", "--day", "2026-11-04", "--since", "2026-11-03")
    assert "+0.3333   1 person newly engages with you" in said
    assert "demo:eve +0.3333" in said
    assert "never lowers your score, however small their own" in said


def test_as_json(ran, world):
    found = json.loads(ran("demo:cy", "--day", "2026-11-03", "--json"))
    assert found == json.loads(json.dumps(told(world, "cy"), default=str))


def test_nothing_is_written(ran, world):
    before = {table.name: world.warehouse.version(table) for table in (SCORES, SCORE_CHANGES, ACTIVITY)}
    ran("demo:cy", "--day", "2026-11-03", "--acts")
    assert {table.name: world.warehouse.version(table) for table in (SCORES, SCORE_CHANGES, ACTIVITY)} == before
