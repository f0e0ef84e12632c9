"""Counts acts with DuckDB, which needs a tenth of Spark's processor time: a million reports took 3 s, Spark's first query 15.

The rows are those of `jobs.many_acts.engagement`, because counts are whole numbers.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from jobs.backends import duck
from schemas.kinds import KINDS, POST

ROWS_OF_A_BATCH = 65_536

DISPUTED = pa.schema(
    [("day", pa.date32()), *((name, pa.string()) for name in ("platform", "activity_id", "src", "dst"))]
)

# The `reports` that count: without acts of upheld objections, and without acts that another source reported the day before.
_COUNTED = """
    with undisputed as (
        select reports.* from reports anti join disputed
        on reports.day = disputed.day and reports.platform = disputed.platform
        and reports.activity_id = disputed.activity_id and concat(reports.platform, ':', actor_id) = disputed.src
        and concat(reports.platform, ':', target_id) = disputed.dst
    ), again as (
        select day, platform, actor_id, target_id, activity_id
        from (
            select day, platform, actor_id, target_id, activity_id, source, false as is_before from undisputed
            union all
            select cast(day + 1 as date), platform, actor_id, target_id, activity_id, source, true from before
        )
        group by all having bool_or(is_before) and min(source) < max(source)
    )
    select undisputed.* from undisputed anti join again using (day, platform, actor_id, target_id, activity_id)
"""

# `KINDS` are in order of specificity. A post, last in this order, is kept apart from acts on others' content.
_COUNTS = f"""
    select day, concat(platform, ':', actor_id) as src, concat(platform, ':', target_id) as dst, platform, kind,
        count(*) as act_count
    from (
        select day, platform, actor_id, if(kind = '{POST}', actor_id, target_id) as target_id,
            {list(KINDS)}[min(list_position({list(KINDS)}, kind))] as kind
        from {{counted}}
        where kind = '{POST}' or actor_id <> target_id
        group by day, platform, actor_id, if(kind = '{POST}', actor_id, target_id), activity_id
    )
    group by day, src, dst, platform, kind
    order by day, src, dst, platform, kind
"""


@contextmanager
def counted(
    reports: ds.Dataset, disputed: Sequence[Mapping[str, Any]] = (), before: ds.Dataset | None = None
) -> Iterator[pa.RecordBatchReader]:
    """The rows of `engagement`, sorted, from rows of `activity`. Read them inside the block. `disputed` holds acts that do not
    count, with the columns `DISPUTED`; `before` is the `before` of `jobs.many_acts.engagement`."""
    with duck.large_database() as db:
        db.register("reports", reports)
        if disputed or before is not None:
            db.register("disputed", pa.Table.from_pylist(list(map(dict, disputed)), DISPUTED))
            db.register("before", reports.filter(pc.scalar(False)) if before is None else before)
        counts = _COUNTS.format(counted=f"({_COUNTED})" if disputed or before is not None else "reports")
        yield db.sql(counts).to_arrow_reader(ROWS_OF_A_BATCH)
