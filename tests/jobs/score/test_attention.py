"""Weights and shares: by hand, and against the equations in plain Python on random engagement."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from jobs.backends import Backend
from jobs.score import attention, measures
from jobs.score.attention import Beside
from jobs.score.fading import Fading, decay_factors, decay_table
from jobs.score.fading import fading as fading_of
from jobs.warehouse import known_accounts
from schemas.accounts import ACCOUNTS
from schemas.engagement import ENGAGEMENT
from schemas.kinds import INTERACTIONS
from schemas.methodology import Methodology, load
from tests.fixture_types import ArrowRows, Records
from tests.jobs.equations import SCALE, Pair, age, by_month, shares, term

OFFICIAL = load("2026.11")
DAY = date(2026, 11, 3)
WINDOW = [DAY - timedelta(n) for n in range(4)]


def with_(**changes: Any) -> Methodology:
    return replace(OFFICIAL, version="test", **changes)


def weights(
    backend: Backend[Any],
    engagement: pa.Table,
    factors: Sequence[tuple[date, str, float]],
    methodology: Methodology = OFFICIAL,
) -> dict[tuple[str, str], int]:
    fading = Fading(decay_table(factors), decay_table([]))
    found = backend.arrow(attention.weights(backend, backend.local(engagement), fading, methodology)).to_pylist()
    assert len({(row["src"], row["dst"]) for row in found}) == len(found)
    return {(row["src"], row["dst"]): row["weight"] for row in found}


def spread(
    backend: Backend[Any],
    weights: Mapping[tuple[str, str], int],
    unbelieved: Mapping[str, float],
    methodology: Methodology = OFFICIAL,
) -> dict[tuple[str, str], tuple[int, float]]:
    """(src, dst) -> (a, credibility)."""
    src, dst = zip(*weights, strict=True)
    given = pa.table({"src": src, "dst": dst, "weight": list(weights.values()), "three": [3] * len(src)})
    doubted = pa.table(
        [pa.array(unbelieved, pa.string()), pa.array(unbelieved.values(), pa.float64())], ["id", "credibility"]
    )
    beside = Beside(of_window=("max(x) as three",))
    found = backend.arrow(
        attention.attention(backend, backend.local(given), backend.local(doubted), methodology, beside)
    )
    assert found.column_names == ["src", "dst", "three", "credibility", "a"]
    rows = found.to_pylist()
    assert {row["three"] for row in rows} == {3}
    return {(row["src"], row["dst"]): (row["a"], row["credibility"]) for row in rows}


# Weight


def test_weight_by_hand(arrow_rows: ArrowRows, backend: Backend[Any]) -> None:
    factors = [(DAY, "twitter", 1.0), (WINDOW[1], "twitter", 0.5), (DAY, "github", 2.0)]
    engagement = arrow_rows(
        ENGAGEMENT,
        [
            {"dst": "bo", "kind": "like", "act_count": 3},  # log2(1 + 3)
            {"dst": "cy", "kind": "like"},
            {"dst": "cy", "kind": "reply"},  # one day: log2(1 + 1 + 2)
            {"dst": "dee", "kind": "reshare"},
            {"dst": "dee", "kind": "reshare", "day": WINDOW[1]},  # two days: log2(1 + 3) and half of it
            {"dst": "eve", "kind": "quote"},
            {"dst": "eve", "kind": "quote", "platform": "github"},  # two platforms: log2(1 + 3) and twice it
            {"dst": "fay", "kind": "follow", "day": WINDOW[2]},  # a day without a factor
            {"dst": "twitter:ana", "kind": "post", "act_count": 9},  # no engagement at all
        ],
    )
    assert weights(backend, engagement, factors) == {
        ("twitter:ana", "bo"): 2 * SCALE,
        ("twitter:ana", "cy"): 2 * SCALE,
        ("twitter:ana", "dee"): 3 * SCALE,
        ("twitter:ana", "eve"): 6 * SCALE,
    }


def test_acts_on_content_and_days_on_which_something_was_said(arrow_rows: ArrowRows, backend: Backend[Any]) -> None:
    """For the measures beside the score: whole numbers, on covered days."""
    records: list[dict[str, Any]] = [
        *({"dst": "bo", "kind": kind, "act_count": 2} for kind in (*INTERACTIONS, "post")),
        {"dst": "bo", "kind": "quote", "day": WINDOW[1]},
        {"dst": "bo", "kind": "reply", "platform": "github"},
        {"dst": "bo", "kind": "reply", "day": WINDOW[2]},  # a day without a factor
        *({"dst": "cy", "kind": kind} for kind in ("like", "reshare", "follow")),
        {"dst": "dee", "kind": "mention", "day": DAY - timedelta(62)},
    ]
    long = with_(lookback_days=63)
    days = [(DAY, "twitter"), (WINDOW[1], "twitter"), (DAY, "github"), (DAY - timedelta(62), "twitter")]
    fading = measures.with_sets(Fading(decay_table([(*day, 1.0) for day in days]), decay_table([])), long)
    engagement = backend.local(arrow_rows(ENGAGEMENT, records))
    found = backend.arrow(attention.weights(backend, engagement, fading, long, measures.carried(long)))
    columns = ("content_acts", "said_0", "said_1")
    measured = {row["dst"]: tuple(row[name] for name in columns) for row in found.to_pylist()}
    assert measured == {
        # The last day is bit 0 of the second column, the day before it bit 61 of the first.
        "bo": (8 + 1 + 1, 1 << 61, 1),
        "cy": (2, 0, 0),
        "dee": (0, 1, 0),
    }


MONTHLY = replace(
    load("2026.12.1"), version="monthly", half_life_days=1.7, platform_weights={"default": 1.0, "github": 3.0}
)


def random_acts(seed: int, days: Sequence[date]) -> tuple[Records, dict[tuple[date, str, Pair], dict[str, int]]]:
    """Rows of `engagement`, and the same as (day, platform, pair) -> kind -> count."""
    rng = np.random.default_rng(seed)
    daily: dict[tuple[date, str, Pair], dict[str, int]] = {}
    for _ in range(60 * len(days)):
        src, dst = rng.choice(6, 2, replace=False)
        place = (days[int(rng.integers(len(days)))], str(rng.choice(["twitter", "github"])), (f"p{src}", f"p{dst}"))
        daily.setdefault(place, {})[str(rng.choice(INTERACTIONS))] = int(rng.geometric(0.2))
    names = ("day", "platform", "src", "dst", "kind", "act_count")
    rows = [(*place, *pair, *act) for (*place, pair), acts in daily.items() for act in acts.items()]
    return [dict(zip(names, row, strict=True)) for row in rows], daily


ACROSS = [date(2026, 9, 28) + timedelta(n) for n in range(9)]
COVERED = {"twitter": set(ACROSS[:5] + ACROSS[6:]), "github": {ACROSS[0], ACROSS[1], ACROSS[4], ACROSS[8]}}


def test_weights_by_month(arrow_rows: ArrowRows, backend: Backend[Any]) -> None:
    """From days alone, and from what some of the days were added up to before: the same bits. A term may differ from the
    reference by a unit, as in `test_weights_and_shares_of_random_engagement`."""
    records, daily = random_acts(8, ACROSS)
    carried = measures.carried(MONTHLY)
    fading = measures.with_sets(fading_of(ACROSS, COVERED, ACROSS[-1], MONTHLY), MONTHLY)
    engagement = backend.local(arrow_rows(ENGAGEMENT, records))
    before, since = (
        backend.query(f"select * from {{acts}} where day {of} date '2026-10-01'", acts=engagement) for of in ("<", ">=")
    )
    rolled_up = attention.of_month(backend, before, fading, MONTHLY, carried)
    whole, part = (
        backend.arrow(attention.weights(backend, acts, fading, MONTHLY, carried, months)).sort_by(
            [("src", "ascending"), ("dst", "ascending")]
        )
        for acts, months in ((engagement, None), (since, rolled_up))
    )
    assert whole.equals(part)
    expected = by_month(daily, COVERED, ACROSS[-1], MONTHLY)
    found = {(row["src"], row["dst"]): row["weight"] for row in whole.to_pylist()}
    assert found.keys() == expected.keys()
    for pair, weight in expected.items():
        assert found[pair] == pytest.approx(weight, rel=0, abs=3 * sum(pair == other for *_, other in daily)), pair


def test_weights_and_shares_of_random_engagement(arrow_rows: ArrowRows, backend: Backend[Any]) -> None:
    """Terms differ from the reference by at most a unit, where log2 differs in its last bit; shares not at all."""
    rng = np.random.default_rng(7)
    covered = {"twitter": {WINDOW[0], WINDOW[2], WINDOW[3]}, "github": {WINDOW[1], WINDOW[3]}}
    uneven = with_(
        half_life_days=1.7, kind_weights=dict(zip(INTERACTIONS, (9.1, 3.3, 2.2, 1.1, 0.7, 0.0), strict=True))
    )
    cells = {}
    for _ in range(600):
        src, dst = rng.choice(9, 2, replace=False)
        platform = str(rng.choice(["twitter", "github"]))
        day = WINDOW[rng.integers(4)]
        cells[day, platform, f"p{src}", f"p{dst}", str(rng.choice(INTERACTIONS))] = int(rng.geometric(0.2))
    names = ("day", "platform", "src", "dst", "kind")
    records = [dict(zip(names, cell, strict=True)) | {"act_count": count} for cell, count in cells.items()]
    engagement = arrow_rows(ENGAGEMENT, records)
    found = weights(backend, engagement, decay_factors(WINDOW, covered, DAY, uneven), uneven)

    daily: dict[tuple, dict[str, int]] = {}
    for (day, platform, src, dst, kind), count in cells.items():
        if day in covered[platform]:
            daily.setdefault((src, dst, day, platform), {})[kind] = count
    expected: dict[tuple[str, str], list[int]] = {}
    for (src, dst, day, platform), acts in daily.items():
        fades = 2 ** (-age(day, covered[platform], DAY) / 1.7)
        expected.setdefault((src, dst), []).append(term(acts, uneven.kind_weights, fades))
    assert found.keys() == expected.keys()
    for pair, terms in expected.items():
        assert found[pair] == pytest.approx(sum(terms), rel=0, abs=len(terms)), pair

    doubted = {"p1": 0.0, "p2": 0.3, "nobody": 0.0}
    for methodology in (uneven, with_(rest_weight=0.0, damping=0.85)):
        by_hand = shares(found, doubted, methodology.damping, methodology.rest_weight)
        assert spread(backend, found, doubted, methodology) == {
            (src, dst): (a, doubted.get(src, 1.0)) for (src, dst), a in by_hand.items()
        }


# Shares


def test_shares_by_hand(backend: Backend[Any]) -> None:
    found = spread(
        backend,
        {("ana", "bo"): SCALE, ("ana", "cy"): 2 * SCALE, ("bot", "bo"): SCALE, ("dee", "bo"): SCALE},
        {"bot": 0.0, "dee": 0.5},
    )
    assert found == {
        ("ana", "bo"): (SCALE // 8, 1.0),  # half of 1 / (1 + 3)
        ("ana", "cy"): (SCALE // 4, 1.0),
        ("bot", "bo"): (0, 0.0),  # a row all the same: it is an edge, and passes nothing on
        ("dee", "bo"): (SCALE // 8, 0.5),
    }


def test_acts_that_weigh_nothing_pass_nothing_on(backend: Backend[Any]) -> None:
    """Also where no attention stays with nobody, so that there is nothing to divide by."""
    assert spread(backend, {("ana", "bo"): 0, ("cy", "bo"): SCALE, ("cy", "ana"): 0}, {}, with_(rest_weight=0.0)) == {
        ("ana", "bo"): (0, 1.0),
        ("cy", "bo"): (SCALE // 2, 1.0),
        ("cy", "ana"): (0, 1.0),
    }


# Accounts


def test_the_newest_known_values_of_accounts_not_later_than_the_day(
    arrow_rows: ArrowRows, backend: Backend[Any]
) -> None:
    accounts = arrow_rows(
        ACCOUNTS,
        [
            {"account_id": "ana", "handle": "old", "day": WINDOW[2], "is_bot": True},
            {"account_id": "ana", "handle": "newer", "day": WINDOW[1], "is_bot": False},  # was a bot, is none
            {"account_id": "ana", "handle": "tomorrow", "day": DAY + timedelta(1), "is_bot": True},
            {"account_id": "cy", "handle": "cy", "day": WINDOW[2], "is_bot": True},
            {"account_id": "cy", "day": WINDOW[1], "is_bot": None},  # says nothing, so it hides nothing
            {"account_id": "bo", "handle": "second", "source": "b", "is_bot": True},
            {"account_id": "bo", "handle": "first", "source": "a", "is_bot": None},  # of two the first by name
            {"account_id": "ana", "platform": "github", "is_bot": True},  # somebody else
            {"account_id": "late", "day": DAY + timedelta(1)},
        ],
    )
    newest = backend.query(known_accounts.newest_accounts_sql(DAY), accounts=backend.local(accounts))
    columns = ("id", "handle", "is_bot")
    assert sorted(tuple(row[name] for name in columns) for row in backend.arrow(newest).to_pylist()) == [
        ("github:ana", None, True),
        ("twitter:ana", "newer", False),
        ("twitter:bo", "first", True),  # only the second says what it is
        ("twitter:cy", "cy", True),
    ]


def test_bots_have_no_credibility() -> None:
    assert attention.doubted(["github:ana", "twitter:bo"]).to_pylist() == [
        {"id": "github:ana", "credibility": 0.0},
        {"id": "twitter:bo", "credibility": 0.0},
    ]
    assert attention.doubted([]).num_rows == 0
