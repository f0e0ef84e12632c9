"""Reach, amplification and inclusion: by hand, and beside a score that none of them can move."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import pytest

from jobs import measures
from schemas.accounts import ACCOUNTS
from tests.jobs.equations import SCALE
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)


def before(days: int) -> date:
    return DAY - timedelta(days)


# Whom one reaches, and what one's posts set off


def test_engagers_acts_and_posts_are_added_apart(spark):
    engaged = [("ana", 1, 5, None), ("ana", 1, 0, None), ("bo", 1, 2, None)]
    posted = [("ana", 0, 0, 4), ("ana", 0, 0, 1), ("cy", 0, 0, 9)]
    columns = "id string, engagers long, content_acts long, posts long"
    found = measures.reach(spark.createDataFrame(engaged, columns), spark.createDataFrame(posted, columns))
    assert {tuple(row) for row in found.collect()} == {
        ("ana", 2, 5, 5),
        ("bo", 1, 2, None),  # engaged, and no post of theirs is known
        ("cy", 0, 0, 9),
    }


# Whom one answers


def answered(spark, said: Iterable[tuple[str, str, int]], answer_days: int = 7) -> set[tuple[str, str]]:
    """(person, other) of rows (src, dst, days before DAY)."""
    frame = spark.createDataFrame(
        [(src, dst, before(days)) for src, dst, days in said], "src string, dst string, day date"
    )
    found = [(row.person, row.other) for row in measures.answers(frame, answer_days).collect()]
    assert len(set(found)) == len(found)
    return set(found)


def test_an_answer_comes_within_days(spark):
    said = [
        ("bo", "ana", 9), ("ana", "bo", 8),
        ("cy", "ana", 9), ("ana", "cy", 2),  # the last of seven days
        ("dee", "ana", 9), ("ana", "dee", 1),
        ("eve", "ana", 9), ("ana", "eve", 9),  # on one day: who spoke first is not looked at
        ("fay", "ana", 60), ("ana", "fay", 40), ("fay", "ana", 12), ("ana", "fay", 10), ("ana", "fay", 9),  # the second time
        ("ana", "gus", 5), ("ana", "gus", 4), ("ana", "gus", 3),  # speaking again to somebody who is silent
        ("ana", "ida", 5), ("ida", "bo", 5),  # somebody else
    ]  # fmt: skip
    both_on_a_day = {("ana", "eve"), ("eve", "ana")}
    assert answered(spark, said) == {("ana", "bo"), ("ana", "cy"), ("ana", "fay")} | both_on_a_day
    assert answered(spark, said, answer_days=1) == {("ana", "bo")} | both_on_a_day
    assert answered(spark, said, answer_days=0) == both_on_a_day


# Whether one answers people whatever attention they hold

NOBODY, SMALL, LARGE = 0.0, 0.05, 2000.0  # accounts' worth, each in a tier of its own


class Case(NamedTuple):
    """Who addressed a person, and what attention each of them holds; who was answered; what the person gave to whom."""

    asked: Mapping[str, float]
    answered: Iterable[str]
    given: Mapping[str, float] = {}


def inclusions(spark, cases: Sequence[Case], min_inbound: int = 1) -> list[float | None]:
    """Of each case's person; None where nothing is said. People of one case have nothing to do with another's."""

    def rows(names: Callable[[Case], Iterable[tuple[str, float]]]) -> list[tuple[str, str, int]]:
        return [
            (f"{number}", f"{number}:{other}", int(value * SCALE))
            for number, case in enumerate(cases)
            for other, value in names(case)
        ]

    columns = "person string, other string, a long"
    asked = spark.createDataFrame(rows(lambda case: case.asked.items()), columns)
    found = measures.inclusion(
        asked=asked.select("person", "other"),
        answers=spark.createDataFrame(rows(lambda case: dict.fromkeys(case.answered, 0.0).items()), columns).drop("a"),
        given=spark.createDataFrame(rows(lambda case: case.given.items()), columns),
        direct=asked.selectExpr("other", "a as direct"),
        min_inbound=min_inbound,
    ).collect()
    told = {row.id: row.inclusion for row in found}
    assert len(told) == len(found)
    return [told.get(f"{number}") for number in range(len(cases))]


def entropy(*shares: float) -> float:
    return -sum(share * math.log2(share) for share in shares if share)


FOUR = {"bo": LARGE, "cy": LARGE, "dee": SMALL, "eve": SMALL}
ONE_SIDED = entropy(3 / 4, 1 / 4) - entropy(1 / 2, 1 / 2) / 2  # of two tiers alike, one is answered alone


def test_inclusion_by_hand(spark):
    lifted = {"cy": SMALL + 3.0, "dee": SMALL + 3.0, "eve": SMALL}
    divergences = [
        (Case(FOUR, FOUR), 0.0),
        (Case(FOUR, ["bo", "dee"]), 0.0),  # half of them, and of every tier alike
        (Case(FOUR, ["bo", "cy"]), ONE_SIDED),  # the influential alone
        (Case(FOUR, ["dee"]), ONE_SIDED),  # the small alone is as far from alike
        (Case(FOUR, ["dee", "fay"]), ONE_SIDED),  # fay never asked
        (
            Case(FOUR, ["bo", "cy", "dee"]),
            entropy(7 / 12, 5 / 12) - (entropy(1 / 2, 1 / 2) + entropy(2 / 3, 1 / 3)) / 2,
        ),
        (Case({"bo": NOBODY, "cy": SMALL / 100}, ["bo"]), ONE_SIDED),  # to hold nothing is a tier of its own
        # What cy and dee hold comes of the answers: they asked as somebody as small as eve is.
        (Case(lifted, ["cy", "dee"], given={"cy": 3.0, "dee": 3.0}), 0.0),
        (Case(lifted, ["cy", "dee"]), entropy(5 / 6, 1 / 6) - entropy(2 / 3, 1 / 3) / 2),
    ]
    found = inclusions(spark, [case for case, _ in divergences])
    expected = [100 * (1 - divergence) for _, divergence in divergences]
    assert found == pytest.approx(expected, abs=100 * (len(measures.TIERS) + 1) / SCALE)  # each tier is rounded once


def test_of_too_few_or_of_silence_nothing_is_said(spark):
    three = dict(list(FOUR.items())[:3])
    assert inclusions(spark, [Case(FOUR, FOUR), Case(three, three), Case(FOUR, [])], min_inbound=4) == [
        100.0,
        None,
        None,
    ]


# From acts to the rows of a day

FEW = replace(OFFICIAL, version="few", min_inbound=2, answer_days=2, lookback_days=20)


@pytest.fixture
def world(spark, tmp_path, arrow_rows) -> World:
    made = World(spark, str(tmp_path / "warehouse"), arrow_rows)
    for days in (*range(4), *range(5, 20)):  # of the fifth day nothing is covered
        made.cover(before(days), "twitter")
    return made


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


def test_the_measures_of_a_day(world):
    """Acts count as for the score: on covered days, by accounts that are believed."""
    world.put("test", ACTS)
    seen = {"account_id": "bot", "is_bot": True, "day": before(9)}
    world.write(ACCOUNTS, [seen], day=before(9), platform="twitter", source="test")
    found = world.score(DAY, FEW)
    columns = ("engager_count", "amplification", "inclusion")
    told = {person.removeprefix("twitter:"): tuple(row[name] for name in columns) for person, row in found.items()}
    assert told.pop("ana") == (
        3,
        pytest.approx(
            (2 + 1) / 3
        ),  # two replies and a like; the third post and the quote lie on the day without coverage
        100.0,  # bo and cy addressed her, neither holds anything but what she gave, and one of two was answered
    )
    assert told == {
        "bo": (1, None, None),  # engaged once, posted nothing that is known; addressed by fewer than two
        "eve": (1, None, None),
        "cy": (0, None, None),
        "bot": (0, None, None),
        "fay": (0, 0.0, None),  # posted, and nobody did anything about it
    }


def test_no_measure_moves_a_score(world):
    """Nor does a methodology's number that only they stand on."""
    world.put("test", ACTS)
    beside = ("engager_count", "amplification", "inclusion", "methodology")

    def scores(methodology):
        rows = world.score(DAY, methodology)
        return {
            person: {name: value for name, value in row.items() if name not in beside} for person, row in rows.items()
        }, {row["inclusion"] for row in rows.values()}

    few, said = scores(FEW)
    many, silent = scores(replace(FEW, version="many", min_inbound=100, answer_days=0))
    assert few == many
    assert said != silent == {None}
