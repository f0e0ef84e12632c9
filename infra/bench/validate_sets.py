"""Splits of real activity for `validate_search`: the acts up to a period as arrays, the baselines, and what happened next."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.compute as pc
from graphs import folder
from measuring import DATA

from jobs import pull_activity
from jobs.engines.edge_rows import EdgeRows, edge_rows
from jobs.sources.spec import parse_specs
from jobs.validation import baselines, outcomes
from jobs.warehouse.runs import Batch
from jobs.warehouse.storage import Warehouse
from schemas.activity import ACTIVITY
from schemas.kinds import INTERACTIONS, KINDS, POST

LOOKBACK = 180  # periods


@dataclass(frozen=True)
class Set:
    """A file of acts: how to read it, how long a period is, after which periods it is split, and how many follow."""

    name: str
    source: str  # TYPE=FILE for `clout pull`, or a file of lines `src dst seconds`, each a mention
    splits: tuple[int, ...]  # periods since the first
    ahead: int
    days: tuple[date, date] | None = None  # to pull; None for a file of lines
    period_s: int = 86_400


SETS = (
    Set(
        "higgs",
        "higgs=twitter-higgs/higgs-activity_time.txt.gz",
        (2, 3, 4, 5, 6),
        7,
        (date(2012, 7, 1), date(2012, 7, 7)),
    ),
    Set("gharchive", "gharchive=gharchive", (0,), 1, (date(2015, 1, 1), date(2015, 1, 1)), 3600),
    Set("reddit", "reddit=reddit/RC_2005-12.zst", (26, 27), 7, (date(2005, 12, 1), date(2005, 12, 31))),
    Set("college", "CollegeMsg.txt", (20, 30, 40, 50), 7),
    Set("email", "email-Eu-core-temporal.txt", (20, 50, 100, 130), 7),
    Set("dnc", "dnc-temporalGraph.txt", (957, 965, 975), 7),
)


@dataclass(frozen=True)
class Split:
    """Acts up to a period, between `people` people numbered by id, and what the `known` people received afterwards: those with
    whom somebody had engaged.

    A cell holds the acts of one pair in one period: `age`, `counts` and `pair` have one entry per cell. `src` and `dst` have
    one entry per pair, and `pair` is an index into them. `received` and `baselines` have one entry per known person.
    """

    name: str
    people: int
    age: np.ndarray  # of each cell, in periods
    counts: np.ndarray  # of each cell, by kind in the order of `INTERACTIONS`
    pair: np.ndarray
    src: np.ndarray
    dst: np.ndarray
    rows: EdgeRows
    known: np.ndarray
    received: dict[str, np.ndarray]
    baselines: dict[str, np.ndarray]


def every_split() -> Iterator[Split]:
    """Yields the splits of every set whose file lies in the folder of test data or in `$CLOUT_VALIDATE_DATA`."""
    folders = [DATA, *map(Path, filter(None, [os.environ.get("CLOUT_VALIDATE_DATA")]))]
    cache = folder() / "validate"
    for each in SETS:
        path = each.source.rpartition("=")[2]
        found = next((at / path for at in folders if (at / path).exists()), None)
        if found is None:
            print(f"{each.name}: {path} is not there, left out")
            continue
        with duckdb.connect() as db:
            _load(db, each, found, cache / each.name)
            for number in each.splits:
                yield _split(db, each, number)


def _load(db: duckdb.DuckDBPyConnection, of: Set, path: Path, warehouse_at: Path) -> None:
    """Creates the table `every` (period, src, dst, kind, act_count), in which a human act counts once."""
    if of.days is None:
        columns = "columns = {'actor_id': 'varchar', 'target_id': 'varchar', 'instant_s': 'bigint'}"
        db.execute(
            f"create view reported as select *, 'mention' as kind, '' as id from read_csv('{path}', delim=' ', {columns})"
        )
    else:
        (spec,) = parse_specs([f"{of.name}:{of.source.partition('=')[0]}={path}"])
        warehouse = Warehouse(str(warehouse_at))
        if not warehouse.exists():
            warehouse.create_tables()
            params = pull_activity.Params(source=spec, first_day=of.days[0], last_day=of.days[1])
            pull_activity.run(warehouse, params, Batch("bench"))
        db.register("activity", warehouse.dataset(ACTIVITY))
        db.execute(f"""
            create view reported as select actor_id, target_id, epoch(occurred_at)::bigint as instant_s, activity_id as id,
                arg_min(kind, list_position({list(KINDS)}, kind)) as kind
            from activity where kind <> '{POST}' and target_id is not null group by all
        """)
    # Periods of a pulled day begin at its midnight.
    if of.days is None:
        ((first,),) = db.sql("select min(instant_s) from reported").fetchall()
    else:
        first = (of.days[0] - date(1970, 1, 1)).days * 86_400
    db.execute(f"""
        create table every as
        select (instant_s - {first}) // {of.period_s} as period, actor_id as src, target_id as dst, kind,
            count(*) as act_count
        from reported where actor_id <> target_id group by all
    """)


def _split(db: duckdb.DuckDBPyConnection, of: Set, number: int) -> Split:
    within = f"period between {number - LOOKBACK + 1} and {number}"
    with duckdb.connect() as past:
        past.register("engaged", db.sql(f"from every where {within}").to_arrow_table())
        past.execute(f"""
            create table acts as select {number} - period as age, src, dst, act_count from engaged;
            create table scored as
            select person_id, '' as platform, false as simulated, 0.0 as score_0
            from (select src as person_id from acts union select dst from acts);
            create table followers (person_id varchar, follower_count bigint)
        """)
        predicted = baselines.predicted(past, ["none"])
        counts = ", ".join(f"sum(act_count) filter (kind = '{kind}') as {kind}" for kind in INTERACTIONS)
        cells = past.sql(f"""
            select s.number as src, d.number as dst, {number} - period as age, {counts}
            from engaged join people as s on s.person_id = src join people as d on d.person_id = dst
            group by all order by 1, 2, 3
        """).fetchnumpy()
        people = past.sql("select person_id from people order by number").to_arrow_table()["person_id"]
    known = pc.index_in(predicted.people["person_id"], value_set=people).to_numpy()
    src, dst, age = (np.asarray(cells[name]).astype(np.int64) for name in ("src", "dst", "age"))
    by_kind = np.stack([np.ma.filled(cells[kind], 0).astype(float) for kind in INTERACTIONS], axis=1)
    pairs, pair = np.unique(src * len(people) + dst, return_inverse=True)
    ends = (pairs // len(people)).astype(np.int32), (pairs % len(people)).astype(np.int32)
    with duckdb.connect() as after:
        after.register("every_row", db.sql(f"from every where period <= {number + of.ahead}").to_arrow_table())
        after.execute(f"""
            create table later as select distinct src, dst, kind from every_row where period > {number};
            create table earlier as select distinct src, dst from every_row where {within}
        """)
        received = {
            outcome: outcomes.received(after, predicted.people["person_id"], outcome) for outcome in outcomes.CONDITIONS
        }
    return Split(
        f"{of.name} after {number}", len(people), age, by_kind, pair, *ends,
        edge_rows(*ends, np.zeros(len(pairs), np.int64), len(people)), known,
        {outcome: each for outcome, each in received.items() if 20 <= (each > 0).sum() < len(each)},
        {name: each for name, each in predicted.values.items() if name not in ("none", "followers")},
    )  # fmt: skip
