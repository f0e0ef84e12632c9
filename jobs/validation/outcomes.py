"""What others did to people on the days after. Reads only tables of `jobs.validation.reading.future`."""

import numpy as np
import pyarrow as pa
from duckdb import DuckDBPyConnection

CONDITIONS = {
    "engaged": "true",
    "newly-engaged": "not exists (from earlier where earlier.src = later.src and earlier.dst = later.dst)",
    "reshared": "kind in ('quote', 'reshare')",
}


def received(db: DuckDBPyConnection, people: pa.ChunkedArray, outcome: str) -> np.ndarray:
    """The number of accounts that did to each person what `outcome` names, one per entry of `people` (person_id)."""
    db.register("asked", pa.table({"person_id": people, "place": np.arange(len(people))}))
    counts = db.sql(f"""
        select coalesce(accounts, 0) as accounts
        from asked left join ({_accounts(outcome)}) using (person_id) order by place
    """).to_arrow_table()["accounts"]
    return counts.to_numpy().astype(np.int64)


def total(db: DuckDBPyConnection, outcome: str) -> int:
    """The number of pairs of accounts and people that `outcome` names, whether or not the people are known."""
    return db.sql(f"select coalesce(sum(accounts), 0) from ({_accounts(outcome)})").fetchall()[0][0]


def _accounts(outcome: str) -> str:
    return (
        f"select dst as person_id, count(distinct src) as accounts from later where {CONDITIONS[outcome]} group by dst"
    )
