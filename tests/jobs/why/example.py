"""A day that can be reckoned by hand, and what is asked of it.

Dee likes ana's note and reshares bo's; ana likes bo's; cy reshares two of bo's and likes one; bo likes cy's.
"""

from datetime import date, timedelta
from typing import Any

import pytest

from jobs import score_changes
from jobs.why import explain, explain_change
from schemas.methodology import Methodology
from tests.jobs.world import OFFICIAL, Did, World

DAY = date(2026, 11, 3)
NEXT = DAY + timedelta(days=1)
LATER = DAY + timedelta(days=30)
NOW = Methodology(
    **{**vars(OFFICIAL), "version": "test", "kind_weights": OFFICIAL.kind_weights | {"like": 0.5, "follow": 0.5}}
)

EXAMPLE = [
    Did(DAY, "demo", "like", "dee", "ana"), Did(DAY, "demo", "reshare", "dee", "bo"), Did(DAY, "demo", "like", "ana", "bo"),
    Did(DAY, "demo", "reshare", "cy", "bo"), Did(DAY, "demo", "reshare", "cy", "bo"), Did(DAY, "demo", "like", "cy", "bo"),
    Did(DAY, "demo", "like", "bo", "cy"),
]  # fmt: skip


def explained(world: World, person: str, day: date = DAY, platform: str = "demo", **asked: Any) -> dict:
    params = explain.Params(person=f"{platform}:{person}", day=day, methodology=OFFICIAL, **asked)
    return explain.explained(world.warehouse, params)


def changed(world: World, person: str, params: score_changes.Params) -> dict:
    return explain_change.explained(world.warehouse, f"demo:{person}", params, top=10)


def between(since: date, day: date, then: Methodology = OFFICIAL, now: Methodology = OFFICIAL) -> score_changes.Params:
    return score_changes.Params(day=day, methodology=now, since_day=since, since_methodology=then)


def near(value: float) -> Any:
    return pytest.approx(value, rel=0, abs=1e-9)
