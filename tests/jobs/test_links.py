"""Linking accounts: what is recorded, and what it changes in the scores of a day."""

import json
import math
from datetime import UTC, date, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import links as job
from jobs.errors import UsageError
from jobs.nights import staleness
from jobs.people import objections
from jobs.warehouse import links
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.influence import INFLUENCE
from schemas.influence_by_account import INFLUENCE_BY_ACCOUNT
from schemas.links import LINKS
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
BATCH = Batch("test")
ANA, ANA2 = "git:ana", "toot:ana"

ACTS = [
    Did(DAY, "git", "post", "ana", "ana"), Did(DAY, "git", "like", "bo", "ana"), Did(DAY, "git", "reply", "cy", "ana"),
    Did(DAY, "git", "like", "dee", "bo"), Did(DAY, "git", "reply", "ana", "cy"), Did(DAY, "git", "like", "ana", "bo"),
    Did(DAY, "git", "like", "bo", "cy"), Did(DAY, "git", "like", "cy", "dee"),
    Did(DAY, "toot", "post", "ana", "ana"), Did(DAY, "toot", "like", "eve", "ana"), Did(DAY, "toot", "reply", "fay", "eve"),
    Did(DAY, "toot", "reply", "ana", "eve"), Did(DAY, "toot", "like", "eve", "fay"),
]  # fmt: skip


def said(number: int = 0, since: date = DAY, **more: Any) -> job.Params:
    """The word recorded as the `number`th."""
    return job.Params(at=datetime.now(UTC) + timedelta(seconds=number), by="ops", day=since, **more)


def acted(world: World) -> World:
    for platform in ("git", "toot"):
        world.cover(DAY, platform)
    world.put("test", ACTS)
    world.count(DAY)
    return world


def by_account(warehouse: Warehouse) -> dict[str, dict]:
    return {row["account_id"]: row for row in warehouse.read(INFLUENCE_BY_ACCOUNT).to_pylist()}


# The record


def test_what_a_word_and_its_end_leave_in_the_table(warehouse: Warehouse) -> None:
    job.record(warehouse, said(why="both sites name the other", since=DAY), ANA2, ANA, BATCH)
    assert links.at_end_of(DAY, warehouse).person_of == {ANA: ANA, ANA2: ANA}
    assert job.end(warehouse, said(1, DAY + timedelta(3)), ANA, ANA2, BATCH) == 1
    assert links.at_end_of(DAY + timedelta(2), warehouse).person_of == {ANA: ANA, ANA2: ANA}
    assert links.at_end_of(DAY + timedelta(3), warehouse).person_of == {}
    found = [
        (row["account_a"], row["account_b"], row["kind"], row["first_seen"], row["until"], row["said_by"], row["why"])
        for row in warehouse.read(LINKS).sort_by("recorded_at").to_pylist()
    ]
    assert found == [
        (ANA, ANA2, "operator", DAY, None, "ops", "both sites name the other"),
        (ANA, ANA2, "operator", DAY, DAY + timedelta(3), "ops", None),
    ]
    runs = warehouse.read(RUNS, {"job": "links"}).to_pylist()
    assert [(run["status"], run["counts"]) for run in runs] == [("done", '{"links": 1}')] * 2


@pytest.mark.parametrize(
    ("account", "problem"),
    [(ANA, "git:ana: an account is always one person with itself"), ("ana", "'ana' is no person_id")],
)
def test_what_is_no_pair_is_refused(warehouse: Warehouse, account: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        job.record(warehouse, said(), account, ANA, BATCH)
    assert warehouse.row_count(LINKS, {}) == 0


def test_there_must_be_a_link_to_end(warehouse: Warehouse) -> None:
    with pytest.raises(UsageError, match=r"git:ana and toot:ana are not linked on 2026-11-03; `clout links` lists"):
        job.end(warehouse, said(), ANA, ANA2, BATCH)


# The scores


def test_linked_accounts_are_one_row_and_nobody_else_notices(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """Once with the link, once after it was taken back."""
    world = acted(World(warehouse, arrow_rows))
    alone = world.score_counted(DAY)
    before = sorted_by_grain(INFLUENCE, warehouse.read(INFLUENCE))
    job.record(warehouse, said(), ANA, ANA2, BATCH)
    linked = world.score_counted(DAY)
    run = warehouse.read(RUNS).sort_by("started_at").to_pylist()[-1]
    assert json.loads(run["inputs"])["links"] == 1
    assert json.loads(run["parameters"])["links_digest"] == links.at_end_of(DAY, warehouse).digest

    relative = ("rank", "percentile")
    assert linked.keys() == alone.keys() - {ANA2}
    for person in linked.keys() - {ANA}:
        for name, value in linked[person].items():
            assert name in relative or value == alone[person][name], (person, name)
    parts = by_account(warehouse)
    assert parts.keys() == {ANA, ANA2}
    for name in ("influence", "direct", "second", "third"):
        assert sum(part[name] for part in parts.values()) == linked[ANA][name]
    assert linked[ANA]["engager_count"] == 3
    assert linked[ANA]["platform"] == "git"
    assert linked[ANA]["amplification"] == 3 / 2  # three acts on two posts

    job.end(warehouse, said(1), ANA, ANA2, BATCH)
    world.score_counted(DAY)
    assert sorted_by_grain(INFLUENCE, warehouse.read(INFLUENCE)).equals(before)
    assert by_account(warehouse) == {}


def test_acts_between_ones_own_accounts_count_for_nothing(
    session: SparkSession | None, warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    """Not in the engagers, nor in amplification; what reached the one account through the other is gone."""
    world = World(warehouse, arrow_rows, session)
    world.cover(DAY, "git")
    acts = [
        Did(DAY, "git", "post", "ana", "ana"), Did(DAY, "git", "like", "work", "ana"), Did(DAY, "git", "reply", "bo", "work"),
        Did(DAY, "git", "like", "bo", "ana"), Did(DAY, "git", "reply", "work", "bo"),
    ]  # fmt: skip
    world.put("test", acts)
    world.count(DAY)
    job.record(warehouse, said(), ANA, "git:work", BATCH)
    found = world.score_counted(DAY)
    assert found.keys() == {ANA, "git:bo"}
    assert (found[ANA]["engager_count"], found[ANA]["amplification"]) == (1, 2.0)
    assert found[ANA]["second"] == 0.0  # all that bo has is hers
    spent = math.log2(1 + 2) + math.log2(1 + 1)  # a reply and a like
    assert found[ANA]["direct"] == pytest.approx(0.5 * spent / (1 + spent), abs=1e-9)


def disputed(warehouse: Warehouse, person: str, other: str, hours: int = 1, *, upheld: bool = True) -> str:
    """The id of an objection to the link, which was answered so many hours from now."""
    at = datetime.now(UTC)
    objection = objections.record_link(warehouse, person, other, "not mine", at=at, by="ops")
    objections.answer(warehouse, objection, "we agree", upheld=upheld, at=at + timedelta(hours=hours), by="ops")
    return objection


def test_an_upheld_objection_takes_the_link_out_as_if_it_had_never_been(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    world = acted(World(warehouse, arrow_rows))
    world.publish_counted(DAY)
    before = sorted_by_grain(INFLUENCE, warehouse.read(INFLUENCE))
    job.record(warehouse, said(), ANA, ANA2, BATCH)
    world.publish_counted(DAY)
    assert ANA2 not in world.people(DAY)

    disputed(warehouse, ANA2, ANA, upheld=False)
    assert staleness.find(warehouse, DAY, DAY) == []
    objection = disputed(warehouse, ANA2, ANA)
    assert staleness.find(warehouse, DAY, DAY) == [staleness.Stale(DAY, OFFICIAL.version, (), links=True)]
    world.publish_counted(DAY)
    assert sorted_by_grain(INFLUENCE, warehouse.read(INFLUENCE)).equals(before)
    assert staleness.find(warehouse, DAY, DAY) == []
    with pytest.raises(UsageError, match="git:ana and toot:ana: an objection to their link was upheld"):
        job.record(warehouse, said(1), ANA, ANA2, BATCH)

    later = datetime.now(UTC) + timedelta(hours=2)
    objections.answer(warehouse, objection, "they are yours after all", upheld=False, at=later, by="ops")
    assert links.at_end_of(DAY, warehouse).person_of == {ANA: ANA, ANA2: ANA}


def test_not_even_an_id_remembers_a_link_to_which_an_objection_was_upheld(warehouse: Warehouse) -> None:
    pairs = [("git:b", "git:c", DAY - timedelta(9)), ("git:a", "git:b", DAY), ("git:a", "git:d", DAY)]
    for number, (account, other, since) in enumerate(pairs):
        job.record(warehouse, said(number, since), account, other, BATCH)
    at = links.versions(warehouse)
    together = dict.fromkeys(("git:a", "git:b", "git:c", "git:d"), "git:b")
    assert links.at_end_of(DAY, warehouse).person_of == together
    disputed(warehouse, "git:c", "git:b")
    apart = dict.fromkeys(("git:a", "git:b", "git:d"), "git:a")
    for people in (links.at_end_of(DAY, warehouse), links.of_accounts(DAY, warehouse, ["git:d", "git:c"])):
        assert people.person_of == apart
    assert [row["account_a"] for row in links.evidence(warehouse, ["git:a", "git:b", "git:c", "git:d"])] == [
        "git:a"
    ] * 2
    assert links.at_end_of(DAY, warehouse, at).person_of == together  # of before the answer


def test_a_published_day_is_stale_if_a_changed_max_accounts_joins_other_accounts(
    warehouse: Warehouse, arrow_rows: ArrowRows, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    days = [DAY, DAY + timedelta(1)]
    world = World(warehouse, arrow_rows)
    for day, platform in product(days, ("git", "toot")):
        world.cover(day, platform)
    world.put("test", ACTS)
    job.record(warehouse, said(-99_999), ANA, ANA2, BATCH)
    job.record(warehouse, said(-99_998, days[1]), ANA, "toot:eve", BATCH)
    for day in days:
        world.publish(day)
    settings = tmp_path / "nights.yaml"
    monkeypatch.setenv("CLOUT_NIGHTS", str(settings))
    for limit, changed in ((20, False), (2, True)):
        settings.write_text(f"max_accounts: {limit}\n")
        expected = [staleness.Stale(days[1], OFFICIAL.version, (), max_accounts=True)] if changed else []
        assert staleness.find(warehouse, days[0], days[1]) == expected
    world.publish_counted(days[1])
    assert staleness.find(warehouse, days[0], days[1]) == []
    assert ANA2 in world.people(days[1])


def test_a_published_day_is_stale_once_links_change_that_held_on_it(
    warehouse: Warehouse, arrow_rows: ArrowRows
) -> None:
    world = acted(World(warehouse, arrow_rows))
    world.publish_counted(DAY)
    job.record(warehouse, said(since=DAY + timedelta(1)), ANA, ANA2, BATCH)
    assert staleness.find(warehouse, DAY, DAY) == []
    job.record(warehouse, said(1), ANA, "toot:eve", BATCH)
    assert staleness.find(warehouse, DAY, DAY) == [staleness.Stale(DAY, OFFICIAL.version, (), links=True)]
    world.publish_counted(DAY)
    assert staleness.find(warehouse, DAY, DAY) == []
    published = warehouse.read(PUBLICATIONS).sort_by("sequence").to_pylist()
    assert [row["links_digest"] for row in published] == [None, links.at_end_of(DAY, warehouse).digest]
