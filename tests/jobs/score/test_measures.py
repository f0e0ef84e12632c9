"""Reach, amplification and inclusion: by hand, and beside a score that none of them can move."""

import math
import shutil
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from jobs.backends import Backend
from jobs.score import measures
from jobs.score.fading import Fading, decay_table
from jobs.score.measures import engagers_sql, reached_sql, said_columns, tiers_sql, with_sets
from jobs.warehouse.storage import Warehouse
from schemas.methodology import Methodology
from tests.fixture_types import ArrowRows
from tests.jobs.equations import SCALE
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)


def before(days: int) -> date:
    return DAY - timedelta(days)


# Whom one answers


def engagers_of(
    backend: Backend[Any], said: Iterable[tuple[str, str, int]], answer_days: int = 7
) -> dict[tuple[str, str], dict[str, Any]]:
    """(person, other) -> the row computed from acts (src, dst, days before DAY). Everybody holds 9; ana gives 3 to whom she
    spoke to, everybody else 1."""
    methodology = replace(OFFICIAL, version="test", answer_days=answer_days, lookback_days=100)
    factors = decay_table([(before(days), "twitter", 1.0) for days in range(100)])
    fade = with_sets(Fading(factors, decay_table([])), methodology).days.to_pylist()
    names = said_columns(methodology)
    of_pair: dict[tuple[str, str], list[int]] = {}
    for src, dst, days in said:
        found = of_pair.setdefault((src, dst), [0] * len(names))
        of_pair[src, dst] = [bits | fade[days][name] for bits, name in zip(found, names, strict=True)]
    columns = ("src", "dst", "a", "credibility", "content_acts", *names, "direct")
    pairs = [
        dict(zip(columns, (*pair, 3 if pair[0] == "ana" else 1, 1.0, 2, *bits, 9), strict=True))
        for pair, bits in of_pair.items()
    ]
    spread = backend.local(pa.Table.from_pylist(pairs))
    rows = backend.arrow(backend.query(engagers_sql(backend, methodology), held=spread, given=spread)).to_pylist()
    assert len(rows) == len(of_pair)
    return {(row["person"], row["other"]): row for row in rows}


def test_an_answer_comes_within_days(backend: Backend[Any]) -> None:
    said = [
        ("bo", "ana", 9), ("ana", "bo", 8),
        ("cy", "ana", 9), ("ana", "cy", 2),  # the last of seven days
        ("dee", "ana", 9), ("ana", "dee", 1),
        ("eve", "ana", 9), ("ana", "eve", 9),  # on one day: who spoke first is not looked at
        ("fay", "ana", 60), ("ana", "fay", 40), ("fay", "ana", 12), ("ana", "fay", 10), ("ana", "fay", 9),  # the second time
        ("ana", "gus", 5), ("ana", "gus", 4), ("ana", "gus", 3),  # speaking again to somebody who is silent
        ("ana", "ida", 5), ("ida", "bo", 5),  # somebody else
        ("jo", "ana", 38), ("ana", "jo", 37),  # bits of two columns
    ]  # fmt: skip

    def pairs(answer_days: int) -> set[tuple[str, str]]:
        found = engagers_of(backend, said, answer_days)
        return {pair for pair, row in found.items() if row["asked"] and row["answered"]}

    both_on_a_day = {("ana", "eve"), ("eve", "ana")}
    assert pairs(7) == {("ana", "bo"), ("ana", "cy"), ("ana", "fay"), ("ana", "jo")} | both_on_a_day
    assert pairs(1) == {("ana", "bo"), ("ana", "jo")} | both_on_a_day
    assert pairs(0) == both_on_a_day
    assert ("fay", "ana") in pairs(28), "an answer may be answered"


@pytest.mark.parametrize("answer_days", [0, 1, 7, 30, 61])
def test_answers_are_those_that_days_show(backend: Backend[Any], answer_days: int) -> None:
    """Compares each day of one with each day of the other, across the columns of the sets."""
    rng = np.random.default_rng(answer_days)
    said: dict[tuple[str, str], set[int]] = {}
    for number in range(200):
        ends = f"p{number}", f"q{number}"
        for pair in (ends, ends[::-1]):
            said[pair] = set(rng.integers(100, size=rng.integers(1, 4)).tolist())
    found = engagers_of(backend, [(*pair, days) for pair, of_pair in said.items() for days in of_pair], answer_days)
    for (person, other), row in found.items():
        gaps = {asked - answered for asked in said[other, person] for answered in said[person, other]}
        assert row["answered"] is any(0 <= gap <= answer_days for gap in gaps), (person, other)
    assert {row["answered"] for row in found.values()} == {True, False}


@pytest.mark.parametrize("lookback_days", [1, 70, 180])
def test_sets_of_months_move_to_the_bits_of_the_window(lookback_days: int) -> None:
    """Each day's set, by way of its month, is that of equations 1."""
    at_once = replace(OFFICIAL, lookback_days=lookback_days)
    by_month = replace(at_once, equations=2)
    days = [before(days) for days in range(lookback_days)]
    window = {row["day"]: row for row in sets(days, at_once).days.to_pylist()}
    found = sets(days, by_month)
    moves = {row["month"]: row for row in found.months.to_pylist()}
    for row in found.days.to_pylist():
        move = moves[row["month"]]
        for place, column in enumerate(said_columns(at_once)):
            moved = (row["said"] & move[f"kept_{place}"]) << move[f"up_{place}"] >> move[f"down_{place}"]
            assert moved == window[row["day"]][column], (row["day"], column)


def sets(days: list[date], methodology: Methodology) -> Fading:
    return measures.faded(days, {"twitter": set(days)}, DAY, methodology)


def test_an_engager_by_hand(backend: Backend[Any]) -> None:
    columns = ("asked", "answered", "content_acts", "held")
    found = engagers_of(backend, [("bo", "ana", 1), ("ana", "bo", 9), ("ana", "cy", 3)])
    assert {pair: tuple(row[name] for name in columns) for pair, row in found.items()} == {
        ("ana", "bo"): (True, False, 2, 9 - 3),  # bo without what ana gives him
        ("bo", "ana"): (True, False, 2, 9 - 1),
        ("cy", "ana"): (True, False, 2, 9),
    }


# Whether one answers people whatever attention they hold

NOBODY, SMALL, LARGE = 0.0, 0.05, 2000.0  # accounts' worth, each in a tier of its own


class Case(NamedTuple):
    """Who addressed a person, and what attention each of them holds; who was answered; what the person gave to whom."""

    asked: Mapping[str, float]
    answered: Container[str]
    given: Mapping[str, float] = {}


def inclusions(backend: Backend[Any], cases: Sequence[Case], min_inbound: int = 1) -> list[float | None]:
    """Of each case's person. Everybody is also engaged by two large accounts that say nothing, one of whom is answered."""
    rows = [
        (f"{number}", 3, True, other in case.answered, int(held * SCALE) - int(case.given.get(other, 0) * SCALE))
        for number, case in enumerate(cases)
        for other, held in case.asked.items()
    ]
    silent = [
        (f"{number}", 2, False, answered, int(LARGE * SCALE)) for number in range(len(cases)) for answered in (0, 1)
    ]
    columns = ("person", "content_acts", "asked", "answered", "held")
    given = [*rows, *((*row[:3], bool(row[3]), row[4]) for row in silent)]
    engagers = backend.local(pa.Table.from_pylist([dict(zip(columns, row, strict=True)) for row in given]))
    reached = backend.query(reached_sql(f"({tiers_sql()})", min_inbound, backend.log2), engagers=engagers)
    found = {row["id"]: row for row in backend.arrow(reached).to_pylist()}
    for number, case in enumerate(cases):
        row = found[f"{number}"]
        assert (row["engager_count"], row["content_acts"]) == (len(case.asked) + 2, 3 * len(case.asked) + 4)
    return [found[f"{number}"]["inclusion"] for number in range(len(cases))]


def entropy(*shares: float) -> float:
    return -sum(share * math.log2(share) for share in shares if share)


FOUR = {"bo": LARGE, "cy": LARGE, "dee": SMALL, "eve": SMALL}
ONE_SIDED = entropy(3 / 4, 1 / 4) - entropy(1 / 2, 1 / 2) / 2  # of two tiers alike, one is answered alone


def test_inclusion_by_hand(backend: Backend[Any]) -> None:
    lifted = {"cy": SMALL + 3.0, "dee": SMALL + 3.0, "eve": SMALL}
    divergences = [
        (Case(FOUR, FOUR), 0.0),
        (Case(FOUR, ["bo", "dee"]), 0.0),  # half of them, and of every tier alike
        (Case(FOUR, ["bo", "cy"]), ONE_SIDED),  # the influential alone
        (Case(FOUR, ["dee"]), ONE_SIDED),  # the small alone is as far from alike
        (
            Case(FOUR, ["bo", "cy", "dee"]),
            entropy(7 / 12, 5 / 12) - (entropy(1 / 2, 1 / 2) + entropy(2 / 3, 1 / 3)) / 2,
        ),
        (Case({"bo": NOBODY, "cy": SMALL / 100}, ["bo"]), ONE_SIDED),  # to hold nothing is a tier of its own
        # What cy and dee hold comes of the answers: they asked as somebody as small as eve is.
        (Case(lifted, ["cy", "dee"], given={"cy": 3.0, "dee": 3.0}), 0.0),
        (Case(lifted, ["cy", "dee"]), entropy(5 / 6, 1 / 6) - entropy(2 / 3, 1 / 3) / 2),
    ]
    found = inclusions(backend, [case for case, _ in divergences])
    expected = [100 * (1 - divergence) for _, divergence in divergences]
    assert found == pytest.approx(expected, abs=100 * (len(measures.TIERS) + 1) / SCALE)  # each tier is rounded once


def test_of_too_few_or_of_silence_nothing_is_said(backend: Backend[Any]) -> None:
    three = dict(list(FOUR.items())[:3])
    assert inclusions(backend, [Case(FOUR, FOUR), Case(three, three), Case(FOUR, [])], min_inbound=4) == [
        100.0,
        None,
        None,
    ]


# From acts to the rows of a day

FEW = replace(OFFICIAL, version="few", min_inbound=2, answer_days=2, lookback_days=20)


ACTS = [
    *(Did(before(day), "twitter", "post", "ana", "ana") for day in (0, 0, 4, 9)),  # the third on a day without coverage
    Did(before(9), "twitter", "reply", "bo", "ana"),
    Did(before(8), "twitter", "reply", "bo", "ana"),
    Did(before(7), "twitter", "reply", "ana", "bo"),
    Did(before(4), "twitter", "quote", "dee", "ana"),  # not covered
    Did(before(3), "twitter", "mention", "cy", "ana"),  # says something to ana, but is about no post of hers
    Did(before(3), "twitter", "like", "cy", "ana"),
    Did(before(2), "twitter", "like", "bot", "ana"),
    Did(before(2), "twitter", "mention", "bot", "ana"),
    Did(before(1), "twitter", "follow", "eve", "ana"),
    Did(before(1), "twitter", "post", "fay", "fay"),
    Did(before(1), "twitter", "reply", "fay", "eve"),
]  # fmt: skip


@pytest.fixture(scope="module")
def world(empty: Warehouse, tmp_path_factory: pytest.TempPathFactory, arrow_rows: ArrowRows) -> World:
    root = shutil.copytree(empty.root, tmp_path_factory.mktemp("measures") / "warehouse")
    made = World(Warehouse(str(root)), arrow_rows)
    for days in (*range(4), *range(5, 20)):  # of the fifth day nothing is covered
        made.cover(before(days), "twitter")
    made.put("test", ACTS)
    made.observe(before(9), "twitter", [{"account_id": "bot", "is_bot": True}])
    made.count(DAY)
    return made


@pytest.fixture(scope="module")
def few(world: World) -> dict[str, dict]:
    return world.score_counted(DAY, FEW)


def test_the_measures_of_a_day(few: dict[str, dict]) -> None:
    """Acts count as for the score: on covered days, by accounts that are believed."""
    columns = ("engager_count", "amplification", "inclusion")
    measured = {person.removeprefix("twitter:"): tuple(row[name] for name in columns) for person, row in few.items()}
    assert measured.pop("ana") == (
        3,
        pytest.approx(
            (2 + 1) / 3
        ),  # two replies and a like; the third post and the quote lie on the day without coverage
        100.0,  # bo and cy addressed her, neither holds anything but what she gave, and one of two was answered
    )
    assert measured == {
        "bo": (1, None, None),  # engaged once, posted nothing that is known; addressed by fewer than two
        "eve": (1, None, None),
        "cy": (0, None, None),
        "bot": (0, None, None),
        "fay": (0, 0.0, None),  # posted, and nobody did anything about it
    }


def test_no_measure_moves_a_score(world: World, few: dict[str, dict]) -> None:
    """Nor does a methodology's number that only they stand on."""
    many = world.score_counted(DAY, replace(FEW, version="many", min_inbound=100, answer_days=0))
    beside = ("engager_count", "amplification", "inclusion", "methodology")
    scores, others = (
        {who: {name: value for name, value in row.items() if name not in beside} for who, row in rows.items()}
        for rows in (few, many)
    )
    assert scores == others
    said, silent = ({row["inclusion"] for row in rows.values()} for rows in (few, many))
    assert said != silent == {None}
