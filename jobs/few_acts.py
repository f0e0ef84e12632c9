"""Counts the acts of small days with DuckDB, which needs less time for all of them than Spark for its first query.

The rows are those of `jobs.engagement.engagement`, because counts are whole numbers.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.dataset as ds

from jobs.scratch import scratch
from schemas.kinds import KINDS, POST

# DuckDB counted 560,000 reports in one second of processor time; Spark's first query alone takes fifteen. More reports than
# this are left to Spark, which divides them among its tasks.
MOST = 2_000_000
ROWS_OF_A_BATCH = 65_536

# `KINDS` are in order of specificity. A post, last in this order, is kept apart from acts on others' content.
_COUNTS = f"""
    select day, concat(platform, ':', actor_id) as src, concat(platform, ':', target_id) as dst, platform, kind,
        count(*) as act_count
    from (
        select day, platform, actor_id, if(kind = '{POST}', actor_id, target_id) as target_id,
            {list(KINDS)}[min(list_position({list(KINDS)}, kind))] as kind
        from reports
        where kind = '{POST}' or actor_id <> target_id
        group by day, platform, actor_id, if(kind = '{POST}', actor_id, target_id), activity_id
    )
    group by day, src, dst, platform, kind
    order by day, src, dst, platform, kind
"""


@contextmanager
def counted(reports: ds.Dataset) -> Iterator[pa.RecordBatchReader]:
    """The rows of `engagement`, sorted, from rows of `activity`. Read them inside the block."""
    with scratch() as db:
        db.register("reports", reports)
        yield db.sql(_COUNTS).to_arrow_reader(ROWS_OF_A_BATCH)
