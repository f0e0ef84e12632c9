"""Everybody's change between two days, in accounts' worth and in points, also where methodologies differ.

That the table says what `clout explain` says is tested in `test_explain.py`.
"""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from jobs import score_changes
from jobs.score_changes import Params, Published
from jobs.warehouse.storage import Warehouse
from schemas.methodology import Methodology
from schemas.score_changes import SCORE_CHANGES
from schemas.scores import SCORES
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
STEEPER = replace(OFFICIAL, version="steeper", full_scale=OFFICIAL.full_scale / 1000)


def score(influence: float, methodology: Methodology) -> float:
    full = math.log1p(methodology.full_scale / methodology.resolution)
    return min(100, 100 * math.log1p(influence / methodology.resolution) / full)


def published(before: float, after: float, then: Methodology, now: Methodology) -> tuple[Published, Params]:
    """One person's influence on both days."""
    worth = (before, after, score(before, then), score(after, now))
    params = Params(day=DAY, methodology=now, since_day=DAY - timedelta(1), since_methodology=then)
    return Published(*(np.array([value]) for value in worth)), params


def test_a_point_is_what_the_score_moved_by() -> None:
    found, params = published(5.0, 5.5, OFFICIAL, OFFICIAL)
    slope, rescaled = (value[0] for value in found.points(params))
    assert 0.5 * slope == pytest.approx(score(5.5, OFFICIAL) - score(5.0, OFFICIAL))
    assert rescaled == 0


@pytest.mark.parametrize(("then", "now"), [(OFFICIAL, STEEPER), (STEEPER, OFFICIAL)])
@pytest.mark.parametrize(("before", "after"), [(5.0, 5.0), (5.0, 5.5), (0.0, 2.0), (3e9, 3e9), (0.3, 0.2)])
def test_another_scale_is_the_methodologys(before: float, after: float, then: Methodology, now: Methodology) -> None:
    """Nothing that somebody did is reported as a loss because the same attention is fewer points."""
    found, params = published(before, after, then, now)
    slope, rescaled = (value[0] for value in found.points(params))
    assert slope >= 0
    assert rescaled == pytest.approx(score(before, now) - score(before, then))
    assert (after - before) * slope + rescaled == pytest.approx(found.score[0] - found.old_score[0])


def test_who_was_scored_by_acts_before_the_later_window(warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
    """They have no edge under the later methodology, and a change nonetheless."""
    short = replace(STEEPER, version="short", lookback_days=5)
    made = World(warehouse, arrow_rows)
    days = [DAY + timedelta(number) for number in range(8)]
    for day in days:
        made.cover(day, "demo")
    made.put("test", [Did(DAY, "demo", "like", "bo", "ana"), Did(days[7], "demo", "like", "bo", "cy")])
    made.publish(days[6])
    made.publish(days[7], short)
    params = Params(day=days[7], methodology=short, since_day=days[6], since_methodology=OFFICIAL)
    score_changes.run(made.warehouse, params, made.batch)
    rows = made.warehouse.read(SCORE_CHANGES).to_pylist()
    was = {row["person_id"]: row for row in made.warehouse.read(SCORES, {"day": days[6]}).to_pylist()}["demo:ana"]
    assert {(row["person_id"], row["reason"]) for row in rows} == {
        ("demo:ana", "methodology"),
        ("demo:cy", "engager_arrived"),
    }
    (ana,) = (row for row in rows if row["person_id"] == "demo:ana")
    assert ana["influence"] == pytest.approx(-was["influence"])
    assert ana["points"] == pytest.approx(-was["score"])
