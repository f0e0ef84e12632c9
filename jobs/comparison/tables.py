"""The rows of `influence` of one day under two methodologies -> who moves between them. Pure SQL over two tables.

`before` is the methodology to compare with, `after` the one under test. A person without a row under one of them holds no
attention there. Shares are of *holders*: people who hold attention before or after. Nobody else can move.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from duckdb import DuckDBPyConnection

from jobs.comparison import hiding
from jobs.errors import UsageError
from jobs.files import appearing
from jobs.scratch import beside
from schemas.methodology import Methodology

COLUMNS = ("person_id", "platform", "handle", "simulated", "influence", "direct", "second", "third", "score", "rank")
FAR = 5.0  # points: a move that people notice; 5 points are a factor of 2.8 in attention
TOP = 100  # size of the top group that is reported separately
BIN = 5  # points: width of a bin of scores
MOVE_BIN = 0.5  # points: width of a bin of moves

_PAIRS = """
create table pairs as
select person_id, coalesce(a.platform, b.platform) as platform, coalesce(a.handle, b.handle) as handle,
  coalesce(a.simulated, b.simulated) as simulated, b.person_id is not null as in_before, a.person_id is not null as in_after,
  b.rank as rank_before, a.rank as rank_after,
  coalesce(b.score, 0) as score_before, coalesce(a.score, 0) as score_after, score_after - score_before as move,
  coalesce(b.influence, 0) as influence_before, coalesce(a.influence, 0) as influence_after,
  coalesce(a.direct, 0) - coalesce(b.direct, 0) as direct, coalesce(a.second, 0) - coalesce(b.second, 0) as second,
  coalesce(a.third, 0) - coalesce(b.third, 0) as third
from before b full join after a using (person_id)
order by person_id;
create view holders as select * from pairs where influence_before > 0 or influence_after > 0;
"""


@dataclass(frozen=True, kw_only=True)
class Params:
    """The UTC day, the methodology under test, and the one to compare it with. Raises `UsageError` if both are the same
    version."""

    day: date
    methodology: Methodology
    against: Methodology

    def __post_init__(self) -> None:
        if self.methodology.version == self.against.version:
            raise UsageError(f"methodology {self.against.version}: cannot be compared with itself; name another one")


@dataclass(frozen=True)
class Comparison:
    """The tables of a report. The function that makes a table documents its columns."""

    constants: pa.Table
    summary: pa.Table
    distribution: pa.Table
    moves: pa.Table
    deciles: pa.Table
    platforms: pa.Table
    movers: pa.Table

    @property
    def whole(self) -> dict[str, Any]:
        """The one row of the summary."""
        return self.summary.to_pylist()[0]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """Name -> table, in the order of the fields."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def load(db: DuckDBPyConnection, side: str, rows: pa.Table) -> None:
    """Creates the table `side` (`before` or `after`) with columns `COLUMNS` from rows of `influence`."""
    db.register("rows", rows)
    db.execute(f"create table {side} as select {', '.join(COLUMNS)} from rows")
    db.unregister("rows")


def pair(db: DuckDBPyConnection) -> None:
    """Creates the table `pairs`, one row per person of `before` or `after`, and its view `holders`. Uses one thread and a fixed
    order of rows, so that sums of doubles are reproducible to the last bit."""
    db.execute("set threads = 1")
    db.execute(_PAIRS)


def people(db: DuckDBPyConnection) -> pa.RecordBatchReader:
    """Streams `person_id` of everybody in `pairs`."""
    return beside(db).sql("select person_id from pairs order by person_id").to_arrow_reader()


def name(db: DuckDBPyConnection, admitted: pa.RecordBatchReader) -> None:
    """Creates the table `named`: the people (`person_id`) whom a report may name."""
    db.register("admitted", admitted)
    db.execute("create table named as select person_id from admitted")
    db.unregister("admitted")


def compared(
    db: DuckDBPyConnection, before: Methodology, after: Methodology, movers: pa.Table, min_group: int = 1
) -> Comparison:
    """All tables of a report, from `pairs` and the given `movers`. Figures of groups of fewer than `min_group` people are null
    or left out, and so are figures from which those could be computed (`jobs.comparison.hiding`). Raises `CloutError` if there
    are holders, but fewer than `min_group`."""
    return Comparison(
        constants(before, after),
        hiding.of_whole(summary(db), min_group),
        hiding.counts(distribution(db), ("before", "after"), min_group),
        hiding.counts(moves(db), ("holders",), min_group),
        hiding.groups(deciles(db), min_group),
        hiding.groups(platforms(db), min_group),
        movers,
    )


def write_people(db: DuckDBPyConnection, to: Path) -> None:
    """Writes the `pairs` of people who may be named, each person's scores before and after and their differences, to a Parquet
    file, atomically."""
    with appearing(to) as part:
        db.sql("from pairs semi join named using (person_id) order by person_id").write_parquet(str(part))


def constants(before: Methodology, after: Methodology) -> pa.Table:
    """(name, before, after) of the constants that differ, as text. A platform without a weight of its own has the default
    weight."""
    values = [_flat(methodology) for methodology in (before, after)]
    names = list(dict.fromkeys(name for flat in values for name in flat))
    rows = [{"name": name, "before": _constant(name, values[0]), "after": _constant(name, values[1])} for name in names]
    changed = [row for row in rows if row["before"] != row["after"]]
    return pa.Table.from_pylist(changed, pa.schema({name: pa.string() for name in ("name", "before", "after")}))


def _flat(methodology: Methodology) -> dict[str, str]:
    flat = {}
    for name, value in asdict(methodology).items():
        parts = {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, dict) else {name: value}
        flat.update({key: f"{part:g}" if isinstance(part, float) else str(part) for key, part in parts.items()})
    del flat["version"]
    return flat


def _constant(name: str, values: Mapping[str, str]) -> str:
    return values.get(name) or values["platform_weights.default"]


def summary(db: DuckDBPyConnection) -> pa.Table:
    """One row: counts of people and holders, how many rise, fall and move far, by how many points, and how alike the orders
    are.

    `median_move` is the lower median. `rank_correlation` is Spearman's rho of the holders' influence, with ties at the mean of
    their ranks; null if one side has only ties. `top` counts the holders with rank <= 100 before, `top_kept` those of them with
    rank <= 100 after.
    """
    return db.sql(
        f"""
        with ranked as (
            select *, rank() over (order by influence_before) + (count(*) over (partition by influence_before) - 1) / 2 as x,
              rank() over (order by influence_after) + (count(*) over (partition by influence_after) - 1) / 2 as y
            from holders
        ), alike as (select corr(x, y) as rho from ranked)
        select (select count(*) filter (in_before) from pairs) as people_before,
          (select count(*) filter (in_after) from pairs) as people_after,
          (select coalesce(bool_or(simulated), false) from pairs) as simulated,
          count(*) as holders, count(*) filter (move > 0) as rising, count(*) filter (move < 0) as falling,
          count(*) filter (abs(move) > {FAR}) as far, avg(move) as mean_move, quantile_disc(move, 0.5) as median_move,
          greatest(max(move), 0) as largest_rise, greatest(-min(move), 0) as largest_fall,
          (select case when isfinite(rho) then rho end from alike) as rank_correlation,
          count(*) filter (rank_before <= {TOP}) as top,
          count(*) filter (rank_before <= {TOP} and rank_after <= {TOP}) as top_kept
        from holders
        """
    ).to_arrow_table()


def distribution(db: DuckDBPyConnection) -> pa.Table:
    """(score_from, score_to, before, after): the number of holders with a score in [score_from, score_to); the bin up to 100
    includes 100. The highest bin with a holder is the last."""
    return db.sql(
        f"""
        with binned as (
            select unnest([score_before, score_after]) as score, unnest(['before', 'after']) as side from holders
        ), placed as (select least(floor(score / {BIN}), {100 // BIN - 1})::int as bin, side from binned),
        bins as (select unnest(range((select max(bin) + 1 from placed))) as bin)
        select bins.bin * {BIN} as score_from, (bins.bin + 1) * {BIN} as score_to,
          count(*) filter (side = 'before') as before, count(*) filter (side = 'after') as after
        from bins left join placed using (bin) group by bins.bin order by bins.bin
        """
    ).to_arrow_table()


def moves(db: DuckDBPyConnection) -> pa.Table:
    """(points_from, points_to, holders): the number of holders who move by [points_from, points_to) points, without those who
    do not move."""
    return db.sql(
        f"""
        select floor(move / {MOVE_BIN}) * {MOVE_BIN} as points_from, points_from + {MOVE_BIN} as points_to, count(*) as holders
        from holders where move <> 0 group by 1 order by 1
        """
    ).to_arrow_table()


_MOVED = f"""
  count(*) as holders, count(*) filter (move > 0) as rising, count(*) filter (move < 0) as falling,
  count(*) filter (abs(move) > {FAR}) as far, avg(move) as mean_move, quantile_disc(move, 0.1) as low_move,
  quantile_disc(move, 0.5) as median_move, quantile_disc(move, 0.9) as high_move
"""


def deciles(db: DuckDBPyConnection) -> pa.Table:
    """One row per tenth of the holders by score before (1 the lowest), with their moves: `low_move`, `median_move` and
    `high_move` are the 10th, 50th and 90th percentile, in points.

    Equal scores are in one tenth, so tenths may differ in size or be missing. Leaves out people who held no attention before.
    """
    return db.sql(
        f"""
        with placed as (
            select *, 1 + (10 * (rank() over (order by score_before) - 1)) // count(*) over () as decile
            from holders where influence_before > 0
        )
        select decile, min(score_before) as score_from, max(score_before) as score_to, {_MOVED}
        from placed group by decile order by decile
        """
    ).to_arrow_table()


def platforms(db: DuckDBPyConnection) -> pa.Table:
    """One row per platform, in descending order of attention before: how its holders move, their mean scores, and their
    attention, in accounts' worth and as a share (0 to 1) of that of all platforms."""
    return db.sql(
        f"""
        select platform, {_MOVED}, avg(score_before) as score_before, avg(score_after) as score_after,
          sum(influence_before) as attention_before, sum(influence_after) as attention_after,
          attention_before / nullif(sum(attention_before) over (), 0) as share_before,
          attention_after / nullif(sum(attention_after) over (), 0) as share_after
        from holders group by platform order by attention_before desc, platform
        """
    ).to_arrow_table()
