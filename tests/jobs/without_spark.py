"""Counting and scoring without a JVM, for tests of what comes after them: by DuckDB and engine `memory`, from the same
equations and with the same rows of `runs`. `tests/jobs/why/test_explain.py` compares this with what Spark makes of a day.
"""

from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs import engagement, influence
from jobs.engines import memory
from jobs.night_settings import nights
from jobs.score import linked
from jobs.scratch import scratch
from jobs.warehouse import counted, digests, known_accounts, links, objections, runs
from jobs.warehouse.basis import Basis
from jobs.warehouse.links import People
from jobs.warehouse.runs import Batch, Run
from jobs.warehouse.storage import Warehouse, rows
from jobs.warehouse.window import activity_digests, covered_days, stale_days, uncovered_days
from jobs.why import attention_graph
from schemas.activity import ACTIVITY
from schemas.engagement import ENGAGEMENT
from schemas.fixed_point import UNIT
from schemas.influence import INFLUENCE
from schemas.kinds import KINDS, POST
from schemas.methodology import Methodology
from tests.fixture_types import ArrowRows
from tests.jobs.world import OFFICIAL, World

ACTS = f"""
    select day, concat(platform, ':', actor_id) as src, concat(platform, ':', target_id) as dst, platform, kind,
        count(*) as act_count
    from (
        select day, platform, actor_id, target_id, activity_id,
            arg_min(kind, list_position({list(KINDS)}, kind)) as kind
        from activity anti join disputed
            on activity.day = disputed.day and activity.platform = disputed.platform
            and activity.activity_id = disputed.activity_id and concat(activity.platform, ':', actor_id) = src
            and concat(activity.platform, ':', target_id) = dst
        group by day, platform, actor_id, target_id, activity_id, kind = '{POST}'
    )
    where actor_id <> target_id or kind = '{POST}' group by all order by all
"""


def count(_: Any, warehouse: Warehouse, params: engagement.Params, batch: Batch) -> list[date]:
    """As `jobs.engagement.run`, without a look at what another source reported the day before."""
    now = counted.snapshot(warehouse)
    current = activity_digests(warehouse, params.first_day, params.day, now.coverage)
    days = sorted({*stale_days(warehouse, current, params.first_day, params.day), params.day})
    counting = [Run(runs.ENGAGEMENT, day, batch, {"activity_digest": current.get(day, "")}) for day in days]
    with runs.recorded_together(warehouse, counting), scratch() as db:
        reports = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage, days[0], days[-1])
        db.register("activity", reports.to_table(filter=pc.field("day").isin(pa.array(days, pa.date32()))))
        disputed = objections.upheld(warehouse, days[0], days[-1])
        db.execute("create table disputed (day date, platform text, activity_id text, src text, dst text)")
        if disputed:
            db.executemany("insert into disputed values (?, ?, ?, ?, ?)", [list(act.values()) for act in disputed])
        acts = db.sql(ACTS).to_arrow_table().to_pylist()
        warehouse.replace(ENGAGEMENT, rows(ENGAGEMENT, acts), {"day": tuple(days)}, run_id=batch.id, job="engagement")
    return days


def score(_: Any, warehouse: Warehouse, params: influence.Params, batch: Batch, engine: str = "") -> dict[str, float]:
    """As `jobs.influence.run`, without amplification and inclusion."""
    day, methodology = params.day, params.methodology
    first = methodology.first_day(day)
    place = {"methodology": methodology.version, "day": day}
    with runs.recorded(warehouse, runs.INFLUENCE, day, batch, methodology=methodology.version) as row:
        known_accounts.make_copy(warehouse, counted.snapshot(warehouse), day, run_id=row.id)
        now = counted.snapshot(warehouse)
        covered = covered_days(warehouse, first, day, now.coverage)
        with scratch() as db:
            found = Basis(day=day, methodology=methodology, covered=covered, now=now)
            attention_graph.prepare(db, warehouse, found, "now")
            edges = db.sql("select src, dst, a, credibility from spread_now order by src, dst").to_arrow_table()
            people = links.at_end_of(day, warehouse, links.versions(warehouse))
            owned = _owned(db, edges, people, methodology)
        known = known_accounts.at_end_of(day, warehouse, now)
        bots = known.bots()
        scored = _scored(edges, set(bots), people, owned, methodology)
        handles = known.handles(scored)
        for person, columns in scored.items():
            platform = person.partition(":")[0]
            coverage = len(covered.get(platform, ())) / methodology.lookback_days
            columns |= {"platform": platform, "window_coverage": coverage, "handle": handles.get(person)}
        beside = {"simulated": False, "amplification": None, "inclusion": None}
        records = [{**place, **beside, "person_id": person, **columns} for person, columns in scored.items()]
        warehouse.replace(INFLUENCE, rows(INFLUENCE, records), place, run_id=row.id, job="influence")
        row.inputs = now.versions
        row.parameters[digests.INFLUENCE] = digests.of_stream(INFLUENCE, warehouse.reader(INFLUENCE, place))
        current = activity_digests(warehouse, first, day, now.coverage)
        row.parameters["activity_digests"] = {str(on): digest for on, digest in current.items()}
        row.parameters["accounts_digest"] = digests.of_texts(bots)
        row.parameters[runs.MAX_ACCOUNTS] = nights().max_accounts
        if people.digest:
            row.parameters[digests.LINKS] = people.digest
        row.uncovered_days = uncovered_days(covered, counted.platforms(warehouse, now, day), first, day)
        row.counts |= {"pairs": edges.num_rows, "people": len(records)}
    return row.counts


Units = dict[str, tuple[int, int, int]]


def _sums(edges: pa.Table, methodology: Methodology) -> Units:
    people, src, dst = memory.numbered(edges["src"], edges["dst"])
    sums = memory.influence(src, dst, edges["a"].to_numpy(), len(people), methodology.rounds).sums
    return dict(zip(people.to_pylist(), zip(*(part.tolist() for part in sums), strict=True), strict=True))


def _owned(db: duckdb.DuckDBPyConnection, edges: pa.Table, people: People, methodology: Methodology) -> Units:
    """The parts of accounts whose person has several."""
    sums = _sums(edges, methodology)
    one, two, three = zip(*sums.values(), strict=True)
    db.register("sums", pa.table({"id": list(sums), "one": one, "two": two, "three": three}))
    db.register("linked", people.accounts)
    query = linked.of_accounts_sql(methodology.rounds).format(spread="spread_now", sums="sums", linked="linked")
    return {account: (one, two, three) for account, _, one, two, three in db.sql(query).fetchall()}


def _scored(
    edges: pa.Table, doubted: set[str], people: People, owned: Units, methodology: Methodology
) -> dict[str, dict[str, Any]]:
    """person_id -> the columns that follow from who spends how much on whom."""
    person = people.person_of
    whole: dict[str, np.ndarray] = {}
    for account, units in (_sums(edges, methodology) | owned).items():
        owner = person.get(account, account)
        whole[owner] = whole.get(owner, np.zeros(3, np.int64)) + units
    engagers: dict[str, set[str]] = {}
    for src, dst in zip(edges["src"].to_pylist(), edges["dst"].to_pylist(), strict=True):
        if person.get(src, src) != person.get(dst, dst) and src not in doubted:
            engagers.setdefault(person.get(dst, dst), set()).add(src)
    influence = np.array([units.sum() * UNIT for units in whole.values()])
    full = np.log1p(methodology.full_scale / methodology.resolution)
    points = np.minimum(100, 100 * np.log1p(influence / methodology.resolution) / full)
    return {
        owner: {
            "influence": float(influence[n]),
            **dict(zip(("direct", "second", "third"), (units * UNIT).tolist(), strict=True)),
            "score": float(points[n]),
            "rank": 1 + int((influence > influence[n]).sum()),
            "percentile": float((influence < influence[n]).mean()),
            "engager_count": len(engagers.get(owner, ())),
        }
        for n, (owner, units) in enumerate(whole.items())
    }


class CountedWorld(World):
    """A world whose days are counted here and scored by Spark."""

    def count(self, day: date, first_day: date | None = None) -> list[date]:
        params = engagement.Params(day=day, first_day=first_day or OFFICIAL.first_day(day))
        return count(None, self.warehouse, params, self.batch)


class SparklessWorld(CountedWorld):
    """A world whose days are counted and scored here."""

    def __init__(self, warehouse: Warehouse, arrow_rows: ArrowRows) -> None:
        super().__init__(None, warehouse.root, arrow_rows)

    def score_counted(self, day: date, methodology: Methodology = OFFICIAL) -> dict[str, dict[str, Any]]:
        score(None, self.warehouse, influence.Params(day=day, methodology=methodology), self.batch)
        return self.people(day, methodology)
