"""Queries that share a database."""

import pyarrow as pa

from jobs.scratch import shared


def test_queries_at_the_same_time_see_their_own_rows_and_leave_none() -> None:
    with shared() as one, shared() as other:
        one.register("given", pa.table({"number": [1]}))
        other.register("given", pa.table({"number": [2]}))
        assert [db.sql("from given").fetchall() for db in (one, other)] == [[(1,)], [(2,)]]
    with shared() as later:
        assert later.sql("show all tables").fetchall() == []
