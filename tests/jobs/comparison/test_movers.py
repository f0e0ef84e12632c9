"""Who moves most, and the reasons that are given, on hand rows."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from jobs.comparison import movers, tables
from jobs.scratch import separate
from schemas.influence import INFLUENCE
from schemas.methodology import Methodology, load
from tests.fixture_types import ArrowRows
from tests.jobs.equations import SCALE

OFFICIAL = load("2026.11")
POINTS = ("direct_points", "second_points", "third_points", "scale_points")


def points(influence: float, methodology: Methodology = OFFICIAL) -> float:
    resolution = methodology.resolution
    return 100 * math.log(1 + influence / resolution) / math.log(1 + methodology.full_scale / resolution)


def person(
    name: str,
    direct: float,
    second: float = 0.0,
    third: float = 0.0,
    methodology: Methodology = OFFICIAL,
    **columns: Any,
) -> dict:
    whole = direct + second + third
    return {"person_id": f"x:{name}", "platform": "x", "direct": direct, "second": second, "third": third,
            "influence": whole, "score": points(whole, methodology)} | columns  # fmt: skip


@pytest.fixture
def largest(arrow_rows: ArrowRows) -> Callable[..., pa.Table]:
    """`largest(before, after)`: the movers between these people's rows."""

    def found(before: list[dict], after: list[dict], methodology: Methodology = OFFICIAL) -> pa.Table:
        with separate() as db:
            for side, people in (("before", before), ("after", after)):
                tables.load(db, side, arrow_rows(INFLUENCE, people).select(tables.COLUMNS))
            tables.pair(db)
            tables.name(db, tables.people(db))
            return movers.largest(db, OFFICIAL, methodology)

    return found


def test_the_largest_moves_each_way_in_order_and_no_more_than_fifty(largest: Callable[..., pa.Table]) -> None:
    """Sixty rise, each by more than the one before; three fall, two of them by as much; one stays."""
    fallen = [person("f1", 4.0), person("f3", 2.0), person("f2", 2.0)]
    before = [*(person(f"r{n:02}", 1.0) for n in range(60)), *fallen, person("same", 1.0)]
    after = [
        *(person(f"r{n:02}", 1.0 + n + 1) for n in range(60)),
        person("f1", 1.0), person("f3", 1.0), person("f2", 1.0), person("same", 1.0),
    ]  # fmt: skip
    found = largest(before, after)["person_id"].to_pylist()
    assert found == [*(f"x:r{n:02}" for n in range(59, 9, -1)), "x:f1", "x:f2", "x:f3"]


def test_a_move_is_shared_among_the_steps_as_their_attention_changed(largest: Callable[..., pa.Table]) -> None:
    (row,) = largest(
        [person("ana", 1.0, 0.5, 0.25, handle="ana", rank=7)], [person("ana", 2.0, 0.25, 0.5, handle="Ana", rank=3)]
    ).to_pylist()
    move = points(2.75) - points(1.75)
    assert row == {
        "person_id": "x:ana", "platform": "x", "handle": "Ana", "score_before": pytest.approx(points(1.75)),
        "score_after": pytest.approx(points(2.75)), "move": pytest.approx(move), "rank_before": 7, "rank_after": 3,
        "direct_points": pytest.approx(move), "second_points": pytest.approx(-move / 4),
        "third_points": pytest.approx(move / 4), "scale_points": 0.0, "point": pytest.approx(move),
    }  # fmt: skip


def test_another_scale_is_distinguished_from_another_attention(largest: Callable[..., pa.Table]) -> None:
    """A coarser scale gives the same attention fewer points; what changed in attention is given on the new scale."""
    coarse = replace(OFFICIAL, version="coarse", resolution=0.1, full_scale=1e6)
    before = [person("ana", 1.0), person("bo", 1.0)]
    after = [person("ana", 1.0, methodology=coarse), person("bo", 3.0, methodology=coarse)]
    ana, bo = sorted(largest(before, after, coarse).to_pylist(), key=lambda row: row["person_id"])
    scale = points(1.0, coarse) - points(1.0)
    assert [ana[name] for name in POINTS] == [0.0, 0.0, 0.0, pytest.approx(scale)]
    assert [bo[name] for name in POINTS] == [
        pytest.approx(points(3.0, coarse) - points(1.0, coarse)), 0.0, 0.0, pytest.approx(scale),
    ]  # fmt: skip
    for row in (ana, bo):
        assert sum(row[name] for name in POINTS) == pytest.approx(row["move"], rel=1e-12)


def test_points_of_direct_are_split_by_kind(largest: Callable[..., pa.Table]) -> None:
    """Of the half that ana gained directly, likes brought 3/4 more and replies 1/4 less; bo's are not mentioned."""
    found = largest([person("ana", 1.0)], [person("ana", 1.5)])
    kinds = (
        [("x:ana", "like", SCALE // 2), ("x:ana", "reply", SCALE // 2)],
        [("x:ana", "like", SCALE * 5 // 4), ("x:ana", "reply", SCALE // 4), ("x:bo", "like", 1)],
    )
    sides = (
        pa.table(dict(zip(("person_id", "kind", "units"), zip(*rows, strict=True), strict=True))) for rows in kinds
    )
    (row,) = movers.explained(found, *sides).to_pylist()
    move = points(1.5) - points(1.0)
    assert {name: row[name] for name in ("like_points", "reply_points", "quote_points", "direct_points")} == {
        "like_points": pytest.approx(1.5 * move),
        "reply_points": pytest.approx(-0.5 * move),
        "quote_points": 0.0,
        "direct_points": pytest.approx(move),
    }
    assert "point" not in row
    assert row["reasons"] == (
        "direct: +1.9 points, because those who engage with them hand on more of their attention (like +2.9, reply -1.0)"
    )


def reasons_of(**points: float) -> str:
    names = ("direct", "second", "third", "scale", "quote", "reshare", "reply", "mention", "like", "follow")
    return movers.reasons({f"{name}_points": points.get(name, 0.0) for name in names})


def test_reasons_are_written_in_words_the_largest_first() -> None:
    assert reasons_of(direct=1.04, second=-3.1, third=0.2, scale=-0.06, like=1.04) == (
        "second degree: -3.1 points, because less attention reaches them through those who engage with them; "
        "direct: +1.0 points, because those who engage with them hand on more of their attention (like +1.0); "
        "third degree: +0.2 points, because more attention reaches them from one step further; "
        "scale: -0.1 points, because the same attention is fewer points on the scale"
    )
    assert reasons_of(direct=-1.0, scale=0.04) == (
        "direct: -1.0 points, because those who engage with them hand on less of their attention"
    )


@pytest.mark.parametrize(
    ("part", "points"),
    [(0.05, "+0.1"), (0.04, "+0.040"), (-0.0499, "-0.050"), (0.00123, "+0.0012"), (-1e-7, "-0.00000010")],
)
def test_the_largest_part_is_named_however_small(part: float, points: str) -> None:
    more = "more" if part > 0 else "less"
    assert reasons_of(third=part, direct=part / 2) == (
        f"third degree: {points} points, because {more} attention reaches them from one step further"
    )
