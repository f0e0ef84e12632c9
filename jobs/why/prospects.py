"""What happened to people with a similar score, by the newest validation of a methodology. It describes others and promises
nothing."""

from datetime import date
from typing import Any

from jobs.warehouse.commits import Span
from jobs.warehouse.storage import Warehouse
from schemas.validations import EVERY_PLATFORM, SCORE, VALIDATIONS

AHEAD, OUTCOME = 7, "engaged"
FIRST_DAY = date(1970, 1, 1)


def similar(warehouse: Warehouse, score: float, methodology: str, day: date) -> dict[str, Any] | None:
    """The validation of the newest validated day up to `day`, which is `measured_on`; None if there is none. `tenth` is the
    tenth of people whose scores include this one (10 is the highest). `share` is the share of that tenth with whom somebody
    engaged in the week after `measured_on`. `auc` is about everybody: how often a person with whom somebody engaged in that
    week had a higher score than a person with whom nobody did."""
    asked = {
        "methodology": methodology, "day": Span(FIRST_DAY, day), "ahead": AHEAD, "outcome": OUTCOME,
        "platform": EVERY_PLATFORM, "predictor": SCORE,
    }  # fmt: skip
    rows = warehouse.read(VALIDATIONS, asked, columns=["day", "figure", "value"]).to_pylist()
    if not rows:
        return None
    newest = max(row["day"] for row in rows)
    figures = {row["figure"]: row["value"] for row in rows if row["day"] == newest and row["value"] is not None}
    tenths = [tenth for tenth in range(1, 11) if figures.get(f"from_{tenth}", score + 1) <= score]
    share = figures.get(f"rate_{max(tenths, default=1)}")
    if share is None:
        return None
    return {"tenth": max(tenths, default=1), "share": share, "auc": figures.get("auc"), "measured_on": newest}
