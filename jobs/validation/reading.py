"""Reads what a validation needs. Predictors get a database of acts up to the day. Outcomes get another one, of the acts after
the day and of the pairs up to it. So nothing that happened after the day can reach a predictor.
"""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from duckdb import DuckDBPyConnection

from jobs.days import ONE_DAY, days_between
from jobs.errors import CloutError
from jobs.validation.tables import Params
from jobs.warehouse import counted, links
from jobs.warehouse.commits import Span
from jobs.warehouse.counted import Snapshot
from jobs.warehouse.storage import Warehouse
from jobs.warehouse.window import activity_digests, covered_days, stale_days
from schemas.accounts import ACCOUNTS
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.kinds import POST
from schemas.validations import VALIDATIONS

# Acts of accounts towards people. A person's accounts are those that were linked at the end of the validated day.
_TOWARDS_PEOPLE = """(
    select {0}.* replace (coalesce(target.person, dst) as dst)
    from {0} left join owners as target on dst = target.account left join owners as actor on src = actor.account
    where coalesce(actor.person = target.person, false) = false
)"""


def past(db: DuckDBPyConnection, warehouse: Warehouse, snapshot: Snapshot, params: Params) -> None:
    """Creates the tables `acts` (age, src, dst, act_count), `scored` (person_id, platform, simulated, and a column `score_N`
    for each methodology, N from 0), and `followers` (person_id, follower_count), from days up to `params.day` alone.

    `age` is in days. A person without a row under one of the methodologies has score 0 there. Raises `CloutError` if the day is
    not scored under one of them.
    """
    day, first_day = params.day, params.first_day
    db.register("owners", links.at_end_of(day, warehouse).accounts)
    db.register("engaged", acts(warehouse, snapshot, first_day, day))
    engaged = _TOWARDS_PEOPLE.format("engaged")
    db.execute(f"create table acts as select date '{day}' - day as age, src, dst, act_count from {engaged}")
    columns = ["person_id", "platform", "simulated", "score"]
    for number, methodology in enumerate(params.methodologies):
        partition = {"methodology": methodology.version, "day": day}
        rows = warehouse.read(INFLUENCE, partition, columns=columns)
        if not rows.num_rows:
            raise CloutError(
                f"influence {day} ({methodology.version}): 0 rows, expected everybody's score; run `clout influence --day"
                f" {day} --methodology {methodology.version}`"
            )
        db.register(f"rows_{number}", rows)
    names = [f"rows_{number}" for number in range(len(params.methodologies))]
    everybody = " union ".join(f"select person_id, platform, simulated from {name}" for name in names)
    scores = ", ".join(f"coalesce({name}.score, 0) as score_{number}" for number, name in enumerate(names))
    joins = " ".join(f"left join {name} using (person_id)" for name in names)
    db.execute(f"""
        create table scored as
        select everybody.*, {scores} from ({everybody}) as everybody {joins} order by person_id
    """)
    observed = counted.dataset(warehouse, ACCOUNTS, snapshot.accounts, snapshot.coverage, first_day, day)
    db.register("observed", observed)
    db.execute("""
        create table followers as
        select concat(platform, ':', account_id) as person_id, max_by(follower_count, (day, source)) as follower_count
        from observed where follower_count is not null group by all
    """)


def future(db: DuckDBPyConnection, warehouse: Warehouse, snapshot: Snapshot, params: Params) -> dict[str, set[date]]:
    """Creates the tables `later` (src, dst, kind) of the acts of the `params.ahead` days after `params.day`, and `earlier`
    (src, dst) of the pairs up to it. Returns platform -> its covered days after `params.day`.

    Raises `CloutError` if there is none, or if a day was pulled since it was counted.
    """
    day, first_day = params.day, params.first_day
    begin, end = day + ONE_DAY, day + params.ahead * ONE_DAY
    covered = covered_days(warehouse, begin, end, snapshot.coverage)
    if not covered:
        raise CloutError(
            f"coverage {begin}..{end}: 0 rows, expected one for each platform pulled; pull and count days after {day} first"
        )
    stale = stale_days(warehouse, activity_digests(warehouse, first_day, end, snapshot.coverage), first_day, end)
    if stale:
        raise CloutError(
            f"engagement {stale[0]}..{stale[-1]}: {len(stale)} days are not counted as they were last pulled; run `clout"
            f" engagement --day {stale[-1]}` first"
        )
    db.register("owners", links.at_end_of(day, warehouse).accounts)
    for table, first, last in (("later", begin, end), ("earlier", first_day, day)):
        db.register(f"{table}_rows", acts(warehouse, snapshot, first, last))
    later, earlier = (_TOWARDS_PEOPLE.format(f"{table}_rows") for table in ("later", "earlier"))
    db.execute(f"create table later as select distinct src, dst, kind from {later}")
    db.execute(f"create table earlier as select distinct src, dst from {earlier}")
    return covered


def acts(warehouse: Warehouse, snapshot: Snapshot, first_day: date, last_day: date) -> ds.Dataset:
    """The acts between people on these days, both included, for DuckDB to stream."""
    days = {"day": Span(first_day, last_day)}
    of_days = pc.field("day").isin(pa.array(days_between(first_day, last_day), pa.date32()))
    rows = warehouse.dataset(ENGAGEMENT, days, version=snapshot.engagement)
    return rows.filter(of_days & (pc.field("kind") != POST))


def recorded(warehouse: Warehouse, params: Params) -> pa.Table:
    """The rows of `validations` of the first methodology, for the same `ahead` and outcome, in order of day."""
    partition = {"methodology": params.versions[0], "ahead": params.ahead, "outcome": params.outcome}
    return warehouse.read(VALIDATIONS, partition).sort_by("day")
