"""Explanations of people with several accounts: everything sums, and a link is a reason of its own."""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs import links, score_changes
from jobs.errors import CloutError
from jobs.people import objections
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from jobs.why import explain, explain_change
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
DAYS = [DAY + timedelta(number) for number in range(4)]
ANA, ANA2, BATCH = "git:ana", "toot:ana", Batch("test")


def said(number: int, day: date) -> links.Params:
    """The word recorded as the `number`th, which counts from the day."""
    return links.Params(at=datetime.now(UTC) + timedelta(seconds=number), by="ops", day=day)


@pytest.fixture(scope="module")
def world(empty: Warehouse, arrow_rows: ArrowRows, tmp_path_factory: pytest.TempPathFactory) -> World:
    """Ana is on two platforms, and her second account praises her first. Dee engages both of them. The links hold on the second
    and third day."""
    warehouse = Warehouse(str(shutil.copytree(empty.root, tmp_path_factory.mktemp("linked") / "warehouse")))
    made = World(warehouse, arrow_rows)
    for day in DAYS:
        for platform in ("git", "toot"):
            made.cover(day, platform)
    made.put("test", [
        Did(DAY, "git", "like", "bo", "ana"), Did(DAY, "git", "reply", "cy", "ana"), Did(DAY, "git", "like", "cy", "bo"),
        Did(DAY, "git", "reply", "ana", "cy"), Did(DAY, "toot", "like", "dee", "ana"), Did(DAY, "toot", "reply", "dee", "eve"),
        Did(DAY, "toot", "like", "eve", "dee"), Did(DAY, "git", "like", "bo", "cy"),
        Did(DAYS[2], "toot", "reply", "eve", "ana"),
        Did(DAY, "git", "like", "work", "ana"), Did(DAY, "git", "reply", "bo", "work"), Did(DAY, "git", "like", "bo", "dee"),
    ])  # fmt: skip
    for number, other in enumerate((ANA2, "git:work")):
        links.record(warehouse, said(number, DAYS[1]), ANA, other, BATCH)
        links.end(warehouse, said(number + 9, DAYS[3]), ANA, other, BATCH)
    for day in DAYS:
        made.publish(day)
    return made


def explained(world: World, day: date, person: str = ANA, **asked: Any) -> dict:
    return explain.explained(world.warehouse, explain.Params(person=person, day=day, methodology=OFFICIAL, **asked))


def near(value: float) -> Any:
    return pytest.approx(value, rel=0, abs=1e-9)


@pytest.mark.parametrize("top", [1, 10])
def test_engagers_kinds_paths_and_accounts_sum_to_the_score(world: World, top: int) -> None:
    found = explained(world, DAYS[2], top=top)
    whole = found["influence"]
    assert sum(each["influence"] for each in found["engagers"]) + found["other_engagers"]["influence"] == near(whole)
    assert sum(kind["influence"] for kind in found["kinds"]) == near(whole)
    paths = sum(path["influence"] for path in found["paths"]) + sum(
        other["influence"] for other in found["other_paths"].values()
    )
    assert paths == near(whole)
    assert sum(account["points"] for account in found["accounts"]) == near(found["score"])
    for part in explain.PARTS:
        assert sum(account[part] for account in found["accounts"]) == near(found[part])


def test_an_objection_by_another_account_of_the_person_is_in_the_explanation(world: World) -> None:
    at = datetime.now(UTC)
    objections.record_link(world.warehouse, ANA2, ANA, "not mine", at=at, by="ops")
    (shown,) = explained(world, DAYS[2])["objections"]
    assert (shown["src"], shown["dst"], shown["state"]) == (ANA2, ANA, "open")
    assert explained(world, DAYS[0])["objections"] == []


def test_ones_own_accounts_are_no_engagers_and_on_no_path(world: World) -> None:
    found = explained(world, DAYS[2], with_acts=True)
    own = {ANA, ANA2, "git:work"}
    assert [account["account_id"] for account in found["accounts"]] == sorted(own)
    assert not own & {engager["person_id"] for engager in found["engagers"]}
    assert {path["people"][-1] for path in found["paths"]} == {ANA}
    assert not own & {person for path in found["paths"] for person in path["people"][:-1]}
    assert {act["target_id"] for act in found["acts"]} >= {"ana", "work"}, "acts on each of the accounts"
    (bo,) = (engager for engager in found["engagers"] if engager["person_id"] == "git:bo")
    assert {kind["kind"]: kind["act_count"] for kind in bo["kinds"]} == {"like": 1, "reply": 1}


def test_whose_account_it_is_that_has_no_row(world: World) -> None:
    with pytest.raises(CloutError, match=r"toot:ana is an account of git:ana; ask for git:ana"):
        explained(world, DAYS[2], ANA2)


def test_a_person_with_one_account_has_no_list_of_accounts(world: World) -> None:
    assert "accounts" not in explained(world, DAYS[2], "git:bo")
    assert "accounts" not in explained(world, DAYS[0])


def change(world: World, since: int, day: int, person: str = ANA) -> tuple[dict, dict[str, float]]:
    """The explanation of one person's change, and reason -> points from the table of everybody."""
    params = score_changes.Params(
        day=DAYS[day], methodology=OFFICIAL, since_day=DAYS[since], since_methodology=OFFICIAL
    )
    score_changes.run(world.warehouse, params, BATCH)
    rows = world.warehouse.read(SCORE_CHANGES, {"day": DAYS[day], "since_day": DAYS[since]}).to_pylist()
    table = {row["reason"]: row["points"] for row in rows if row["person_id"] == person}
    return explain_change.explained(world.warehouse, person, params, top=10), table


def score(world: World, day: int, person: str = ANA) -> float:
    rows = world.warehouse.read(SCORES, {"day": DAYS[day]}).to_pylist()
    return sum(row["score"] for row in rows if row["person_id"] == person)


@pytest.mark.parametrize(("since", "day"), [(0, 1), (0, 2), (1, 2), (2, 3), (0, 3)])
@pytest.mark.parametrize("person", [ANA, ANA2, "git:bo"])
def test_reasons_sum_and_a_link_is_one_of_them(world: World, since: int, day: int, person: str) -> None:
    """Only for those whose accounts changed, and the table says what the explanation says."""
    found, table = change(world, since, day, person)
    reasons = {reason["reason"]: reason["points"] for reason in found["reasons"]}
    assert reasons == {code: near(points) for code, points in table.items()}
    points = score(world, day, person) - score(world, since, person)
    assert sum(reasons.values()) == pytest.approx(points, rel=0, abs=1e-7)
    moved = (since in (1, 2)) != (day in (1, 2)) and person != "git:bo"
    assert ("accounts_linked" in reasons) == moved


def test_what_a_link_changed_and_which_accounts(world: World) -> None:
    found, _ = change(world, 0, 1)
    assert found["accounts_gained"] == ["git:work", ANA2]
    assert found["accounts_lost"] == 0
    back, _ = change(world, 2, 3)
    assert (back["accounts_gained"], back["accounts_lost"]) == ([], 2)


def test_a_changed_link_leaves_everybody_else_explained(world: World, arrow_rows: ArrowRows, tmp_path: Path) -> None:
    """Only the people concerned must be scored again."""
    copy = Warehouse(str(shutil.copytree(world.warehouse.root, tmp_path / "copy")))
    world = World(copy, arrow_rows)
    links.end(world.warehouse, said(60, DAYS[1]), ANA, ANA2, BATCH)
    assert explained(world, DAYS[2], "git:bo")["influence"] > 0
    with pytest.raises(CloutError, match="accounts were linked or unlinked since"):
        explained(world, DAYS[2])
