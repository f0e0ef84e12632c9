"""A day validated on a small world: what counts, what cannot leak, what is recorded and what is refused."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from jobs import links, validations
from jobs.errors import CloutError, UsageError
from jobs.scratch import scratch
from jobs.validation import baselines, outcomes, reading
from jobs.validation.tables import Params, Validation
from jobs.warehouse import counted
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.arrow import sorted_by_grain
from schemas.methodology import load
from schemas.runs import RUNS
from schemas.validations import VALIDATIONS
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
BATCH = Batch("test")
PARAMS = Params(day=DAY, methodologies=(OFFICIAL,), ahead=3, outcome="engaged")
PEOPLE = 120


def drawn_acts(first: int, last: int, seed: int, platform: str = "x", received: list[int] | None = None) -> list[Did]:
    """Acts of days `DAY + first` to `DAY + last`: person n receives in proportion to 1 / (n + 1), or as `received` numbers
    them."""
    drawn = np.random.default_rng(seed)
    share = 1 / np.arange(1, PEOPLE + 1)
    place = np.arange(PEOPLE) if received is None else np.array(received)
    acts = []
    for number in range(first, last + 1):
        src, dst = drawn.integers(0, PEOPLE, 150), place[drawn.choice(PEOPLE, 150, p=share / share.sum())]
        acts += [
            Did(DAY + timedelta(days=number), platform, "like", f"p{u}", f"p{v}", f"{platform} {number} {n}")
            for n, (u, v) in enumerate(zip(src.tolist(), dst.tolist(), strict=True)) if u != v
        ]  # fmt: skip
    return acts


PAST = drawn_acts(-3, 0, seed=1)
FUTURE = drawn_acts(1, 3, seed=2)


@pytest.fixture
def world(warehouse: Warehouse, arrow_rows: ArrowRows) -> World:
    made = World(warehouse, arrow_rows)
    for number in range(-3, 4):
        made.cover(DAY + timedelta(days=number), "x")
    return made


def happened(world: World, future: list[Did], past: list[Did] = PAST) -> World:
    """The world with these acts, all days counted and DAY scored."""
    world.put("test", past + future)
    world.score(DAY)
    world.count(DAY + timedelta(days=3))
    return world


def aucs(validation: Validation) -> dict[str, tuple[float, float, float]]:
    found = {name: validation.whole.figure(name, "auc") for name in validation.predictors}
    return {name: (each.low, each.value, each.high) for name, each in found.items() if each}


def test_whoever_was_engaged_with_is_engaged_with_again(world: World) -> None:
    """And a future in which other people receive is not predicted: chance lies in every interval."""
    found = validations.run(happened(world, FUTURE).warehouse, PARAMS)
    assert set(found.predictors) == {
        "2026.11", "engagers", "acts", "faded_acts", "pagerank", "pagerank_unweighted",
    }  # fmt: skip
    assert all(low > 0.6 for low, _, _ in aucs(found).values())
    others = np.random.default_rng(9).permutation(PEOPLE).tolist()
    shuffled = validations.run(happened(world, drawn_acts(1, 3, seed=2, received=others)).warehouse, PARAMS)
    assert shuffled.whole.people == found.whole.people
    assert all(low < 0.5 < high for low, _, high in aucs(shuffled).values())


def test_what_any_of_a_persons_accounts_receives_the_person_receives(world: World) -> None:
    """By accounts that were linked on the day: a later link does not count, and acts on oneself never do."""
    for number, (since, accounts) in enumerate(((DAY, ("x:p0", "x:p1")), (DAY + timedelta(1), ("x:p0", "x:p2")))):
        word = links.Params(at=datetime(2026, 11, 9, number, tzinfo=UTC), by="t", day=since)
        links.record(world.warehouse, word, *accounts, BATCH)
    happened(world, FUTURE)
    snapshot = counted.snapshot(world.warehouse)
    with scratch() as db:
        reading.past(db, world.warehouse, snapshot, PARAMS)
        reading.future(db, world.warehouse, snapshot, PARAMS)
        people = baselines.predicted(db, PARAMS.versions).people["person_id"]
        found = dict(zip(people.to_pylist(), outcomes.received(db, people, "engaged").tolist(), strict=True))
    own = {"p0", "p1"}
    assert found["x:p0"] == len({act.actor for act in FUTURE if act.target in own} - own) > 0
    assert found["x:p2"] == len({act.actor for act in FUTURE if act.target == "p2"})
    assert "x:p1" not in found


def test_nothing_after_the_day_reaches_a_predictor(world: World) -> None:
    """Whatever happens on the next day, every value of every predictor is the same, bit for bit; moved to the day itself it is
    not."""

    def predicted(warehouse: Warehouse) -> tuple[list, dict[str, list[float]]]:
        with scratch() as db:
            reading.past(db, warehouse, counted.snapshot(warehouse), PARAMS)
            ages = db.sql("select distinct age from acts order by age").fetchall()
            found = baselines.predicted(db, PARAMS.versions)
        assert ages == [(0,), (1,), (2,), (3,)]
        values = {name: each.tolist() for name, each in found.values.items() if not np.isnan(each).any()}
        return found.people.to_pylist(), values

    before = predicted(happened(world, FUTURE).warehouse)
    assert len(before[1]) == 6
    loud = [Did(DAY + timedelta(days=1), "x", "reshare", f"p{n}", "p77", f"loud {n}") for n in range(60)]
    assert predicted(happened(world, FUTURE + loud).warehouse) == before
    moved = [act._replace(day=DAY) for act in loud]
    people, values = predicted(happened(world, FUTURE, PAST + moved).warehouse)
    place = [person["person_id"] for person in people].index("x:p77")
    assert all(values[name][place] > before[1][name][place] for name in values)


def test_followers_are_those_known_by_the_day(world: World) -> None:
    """Newest first; a count of the day after is not known yet, and whose count is unknown is not compared by it."""
    for number, counts in ((-1, {"p0": 9, "p1": 3}), (0, {"p0": 7}), (1, {"p0": 1, "p2": 50})):
        seen = [{"account_id": account, "follower_count": count} for account, count in counts.items()]
        world.observe(DAY + timedelta(days=number), "x", seen)
    warehouse = happened(world, FUTURE).warehouse
    with scratch() as db:
        reading.past(db, warehouse, counted.snapshot(warehouse), PARAMS)
        assert dict(db.sql("from followers").fetchall()) == {"x:p0": 7, "x:p1": 3}
    followers = validations.run(warehouse, PARAMS).whole.figure("followers", "auc")
    assert followers is not None
    assert followers.people == 2


def test_only_the_days_ahead_count(world: World) -> None:
    """Two people: one receives on the day itself and after the last day ahead, the other in between."""
    day = {number: DAY + timedelta(days=number) for number in range(-1, 4)}
    past = [Did(day[0], "x", "like", "dee", "ana"), Did(day[-1], "x", "like", "dee", "bo")]
    future = [Did(day[3], "x", "reshare", "dee", "ana"), Did(day[2], "x", "reshare", "ana", "bo")]
    warehouse = happened(world, future, past).warehouse
    for ahead, with_outcome, reached, auc in ((1, 0, None, None), (2, 1, 1.0, 0.0), (3, 2, 1.0, None)):
        found = validations.run(warehouse, replace(PARAMS, ahead=ahead, outcome="reshared"))
        assert (found.whole.people, found.whole.with_outcome) == (2, with_outcome)
        assert np.isnan(found.reached) if reached is None else found.reached == reached
        acts = found.whole.figure("faded_acts", "auc")
        assert acts is not None
        assert np.isnan(acts.value) if auc is None else acts.value == auc


def test_platforms_are_validated_alone_too_and_one_without_a_day_after_is_left_out(world: World) -> None:
    for platform in ("y", "z"):
        world.cover(DAY, platform)
    world.cover(DAY + timedelta(days=1), "y")
    there = [*drawn_acts(0, 1, seed=4, platform="y"), *drawn_acts(0, 0, seed=5, platform="z")]
    found = validations.run(happened(world, FUTURE + there).warehouse, PARAMS)
    whole, *platforms = found.platforms
    assert [(each.name, each.covered_days) for each in platforms] == [("x", 3), ("y", 1)]
    assert (whole.name, whole.covered_days) == ("*", 3)
    assert whole.people == sum(each.people for each in platforms)
    assert whole.with_outcome == sum(each.with_outcome or 0 for each in platforms)


def test_figures_are_recorded_by_methodology_and_a_rerun_replaces_them(world: World) -> None:
    weak = load("2026.12")
    warehouse = happened(world, FUTURE).warehouse
    world.score(DAY, weak)
    both = replace(PARAMS, methodologies=(OFFICIAL, weak))
    for params in (PARAMS, replace(PARAMS, outcome="reshared"), both, both):
        validations.record(warehouse, validations.run(warehouse, params), BATCH)
    rows = sorted_by_grain(VALIDATIONS, warehouse.read(VALIDATIONS))
    keys = [tuple(row[name] for name in VALIDATIONS.grain) for row in rows.to_pylist()]
    # No figure of the first 0.1 %: that is less than one of these people.
    assert len(keys) == len(set(keys)) == 3 * (6 * (13 + 10) + 5 * 2)
    found = {key[0]: row for key, row in zip(keys, rows.to_pylist(), strict=True)
             if key[3:] == ("engaged", "*", "score", "auc")}  # fmt: skip
    assert found.keys() == {"2026.11", "2026.12"}
    row = found["2026.11"]
    assert row["low"] < row["value"] < row["high"]
    assert (row["day"], row["ahead"], row["people"]) == (DAY, 3, validations.run(warehouse, PARAMS).whole.people)
    done = warehouse.read(RUNS, {"job": "validate"}).to_pylist()
    assert {(run["status"], json.loads(run["parameters"])["methodology"]) for run in done} == {
        ("done", "2026.11"), ("done", "2026.12"),
    }  # fmt: skip
    again = validations.run(warehouse, PARAMS)
    assert len(again.recorded) == 6 * (13 + 10) + 5 * 2


def test_what_cannot_be_validated_is_refused(world: World) -> None:
    world.put("test", PAST + FUTURE)
    world.count(DAY)
    with pytest.raises(CloutError, match=r"^influence 2026-11-03 \(2026.11\): 0 rows, .*run `clout influence --day"):
        validations.run(world.warehouse, PARAMS)
    world.score(DAY)
    with pytest.raises(CloutError, match=r"^engagement 2026-11-04..2026-11-06: 3 days are not counted"):
        validations.run(world.warehouse, PARAMS)
    world.count(DAY + timedelta(days=3))
    validations.run(world.warehouse, PARAMS)
    for number in (1, 2, 3):
        world.uncover(DAY + timedelta(days=number), "x")
    with pytest.raises(CloutError, match=r"^coverage 2026-11-04..2026-11-06: 0 rows"):
        validations.run(world.warehouse, PARAMS)
    with pytest.raises(UsageError, match="outcome 'liked' is unknown; known: engaged, newly-engaged, reshared"):
        replace(PARAMS, outcome="liked")
    with pytest.raises(UsageError, match=r"methodology 2026\.11 is named twice"):
        replace(PARAMS, methodologies=(OFFICIAL, OFFICIAL))
