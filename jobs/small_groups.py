"""Decides which groups of people are large enough for their figures to be shown, by the rule of `schemas.views`."""

from collections.abc import Sequence

import pyarrow as pa

from jobs.scratch import shared
from schemas.views import is_large, ranked


def large(counts: Sequence[int], min_group: int) -> list[bool]:
    """For each group, whether its figures may be shown. `counts`: the number of people in each group; all groups together are a
    whole of known size. An empty group may be shown, because it gives nobody away."""
    groups = pa.table({"number": range(len(counts)), "people": pa.array(counts, pa.int64())})
    with shared() as db:
        db.register("counted", groups)
        people = ranked("select number, people from counted where people > 0", "number")
        shown = {number for number, *_ in db.sql(people).filter(is_large(min_group)).fetchall()}
    return [number in shown or not count for number, count in enumerate(counts)]
