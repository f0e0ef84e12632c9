"""The people who move most between two methodologies, and why: points by step, points by kind of act, and reasons in words."""

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from schemas.fixed_point import UNIT
from schemas.kinds import INTERACTIONS
from schemas.methodology import Methodology

COUNT = 50  # in each direction
STEPS = ("direct", "second", "third")
SHOWN = 0.05  # points: a smaller part of a move is shown only if it is the largest
NAMES = {"direct": "direct", "second": "second degree", "third": "third degree", "scale": "scale"}


def largest(db: DuckDBPyConnection, before: Methodology, after: Methodology) -> pa.Table:
    """The `COUNT` largest moves of people who may be named, in each direction, with the points due to each step; rises before
    falls, the largest first.

    `scale_points` is the part of a move that the other scale causes for the same attention. The rest is split among the steps
    in proportion to the change of their attention, so the four parts sum to the move. `point` is the rest of the move per
    account's worth by which the person's influence changed; 0 if it did not change.
    """
    points = "least(100, 100 * ln(1 + influence_before / {0!r}) / ln(1 + {1!r} / {0!r}))"
    same = (before.resolution, before.full_scale) == (after.resolution, after.full_scale)
    rescaled = "score_before" if same else points.format(after.resolution, after.full_scale)
    steps = ", ".join(f"coalesce({step} * point, 0) as {step}_points" for step in STEPS)
    return db.sql(
        f"""
        with split as (
            select *, {rescaled} - score_before as scale_points,
              (move - scale_points) / nullif(influence_after - influence_before, 0) as point
            from holders semi join named using (person_id) where move <> 0
        ), placed as (
            select *, row_number() over (partition by move > 0 order by abs(move) desc, person_id) as place from split
        )
        select person_id, platform, handle, score_before, score_after, move, rank_before, rank_after, {steps}, scale_points,
          coalesce(point, 0) as point
        from placed where place <= {COUNT} order by move > 0 desc, place
        """
    ).to_arrow_table()


def explained(movers: pa.Table, before: pa.Table, after: pa.Table) -> pa.Table:
    """The rows of `largest` without `point`, with `reasons` in words and `KIND_points` for each kind of act; these sum to
    `direct_points`. `before` and `after` are (person_id, kind, units): `direct` by kind, as multiples of 2^-36."""
    change: dict[tuple[str, str], int] = defaultdict(int)
    for sign, side in ((-1, before), (1, after)):
        for row in side.to_pylist():
            change[row["person_id"], row["kind"]] += sign * row["units"]
    rows = []
    for mover in movers.to_pylist():
        point = mover.pop("point") * UNIT
        kinds = {f"{kind}_points": change[mover["person_id"], kind] * point for kind in INTERACTIONS}
        rows.append(mover | kinds | {"reasons": reasons(mover | kinds)})
    columns = {field.name: field.type for field in movers.schema if field.name != "point"}
    columns |= {f"{kind}_points": pa.float64() for kind in INTERACTIONS} | {"reasons": pa.string()}
    return pa.Table.from_pylist(rows, pa.schema(columns))


def reasons(mover: Mapping[str, Any]) -> str:
    """Why a person moves, in words, from the person's row. The largest part comes first, and is named even if it is below
    `SHOWN`."""
    more = {name: mover[f"{name}_points"] > 0 for name in NAMES}
    kinds = sorted(((mover[f"{kind}_points"], kind) for kind in INTERACTIONS), key=lambda part: -abs(part[0]))
    by_kind = ", ".join(f"{kind} {points:+.1f}" for points, kind in kinds if abs(points) >= SHOWN)
    because = {
        "direct": f"those who engage with them hand on {_more(more['direct'])} of their attention"
        + (f" ({by_kind})" if by_kind else ""),
        "second": f"{_more(more['second'])} attention reaches them through those who engage with them",
        "third": f"{_more(more['third'])} attention reaches them from one step further",
        "scale": f"the same attention is {'more' if more['scale'] else 'fewer'} points on the scale",
    }
    parts = [(mover[f"{name}_points"], name) for name in because if mover[f"{name}_points"]]
    parts.sort(key=lambda part: -abs(part[0]))
    shown = [(points, name) for points, name in parts if abs(points) >= SHOWN] or parts[:1]
    return "; ".join(f"{NAMES[name]}: {_points(points)} points, because {because[name]}" for points, name in shown)


def _points(points: float) -> str:
    """Points with a sign and one decimal; values below `SHOWN` with two significant digits."""
    digits = 1 if abs(points) >= SHOWN else 1 - math.floor(math.log10(abs(points)))
    return f"{points:+.{digits}f}"


def _more(rises: bool) -> str:
    return "more" if rises else "less"
