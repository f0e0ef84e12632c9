"""A warehouse that many people want to leave: 200 days of GitHub, scored and published, and recordings of the newest days.

The tables are written directly, a day at a time, so that 50 million acts take minutes. Whoever leaves acts on some days, is
acted on on others, and owns repositories whose names are in the ids of others' acts.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import grounds
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from history_tables import LAST_DAY, PLATFORM, SOURCE, append, coverage_row, filled, publication_row, rows_of, run_row

from jobs.places import landing
from jobs.sources.live.recording import Cursor, Recording
from jobs.warehouse.storage import Warehouse
from schemas import arrow
from schemas.accounts import ACCOUNTS
from schemas.activity import ACTIVITY
from schemas.catalog import TABLES
from schemas.coverage import COVERAGE
from schemas.engagement import ENGAGEMENT
from schemas.influence import INFLUENCE
from schemas.publications import PUBLICATIONS
from schemas.runs import RUNS
from schemas.scores import SCORES
from schemas.versions import official

ACCOUNTS_PER_ACT = 0.01
SEEN, SCORED, RECORDED = 0.02, 0.1, 0.1  # of the acts of a day: accounts seen, people scored, acts recorded
RECORDED_DAYS = 5
KINDS = pa.array(["like", "reply", "reshare"])


def make(warehouse: Warehouse, acts: int, days: int) -> None:
    """Writes `acts` acts, evenly over the days, and what follows from them."""
    warehouse.create_tables()
    grounds.publish_everybody(warehouse)
    a_day = acts // days
    names = _names(acts)
    all_days = [LAST_DAY - timedelta(days=days - 1 - number) for number in range(days)]
    digests = {day: f"acts-{day}" for day in all_days}
    for number, day in enumerate(all_days):
        rng = np.random.default_rng([17, number])
        of_day = _acts(rng, day, names, a_day)
        append(warehouse, ACTIVITY, [of_day])
        append(warehouse, ACCOUNTS, [_accounts(rng, day, names, a_day)])
        append(warehouse, ENGAGEMENT, [_engagement(of_day)])
        people = _people(rng, day, names, a_day)
        append(warehouse, INFLUENCE, [people])
        append(warehouse, SCORES, [people])
        if number >= days - RECORDED_DAYS:
            recorded = Recording(landing(warehouse.root) / SOURCE / str(day), "page")
            recorded.add([*_items(of_day.slice(0, int(RECORDED * a_day)))], Cursor(None, True))
    append(warehouse, COVERAGE, [rows_of(COVERAGE, [coverage_row(day) for day in all_days])])
    append(warehouse, PUBLICATIONS, [rows_of(PUBLICATIONS, [publication_row(day, digests) for day in all_days])])
    jobs = ("pull_activity", "engagement", "influence", "publish")
    append(warehouse, RUNS, [rows_of(RUNS, [run_row(job, day, digests) for day in all_days for job in jobs])])
    for table in TABLES:
        warehouse.delta(table).create_checkpoint()


def leavers(acts: int, people: int) -> list[str]:
    """The person_id of people who leave the warehouse of so many acts, evenly spread over active and passive ones."""
    names = _names(acts)
    return [f"{PLATFORM}:{names[len(names) * number // people]}" for number in range(people)]


def _names(acts: int) -> pa.Array:
    numbers = pa.array(np.arange(int(ACCOUNTS_PER_ACT * acts)))
    return _joined("user-", pc.utf8_lpad(pc.cast(numbers, pa.string()), 8, "0"))


def _joined(*parts: Any) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _place(day: date) -> dict[str, Any]:
    return {"platform": PLATFORM, "day": day, "source": SOURCE, "pull": f"pull-{day}"}


def _acts(rng: np.random.Generator, day: date, names: pa.Array, count: int) -> pa.Table:
    """Whom acts are towards is skewed; one act in a hundred is about content in somebody else's repository."""
    actors = names.take(pa.array(rng.integers(0, len(names), count)))
    towards = (rng.pareto(1.2, count) * 50).astype(np.int64) % len(names)
    targets = names.take(pa.array(towards))
    owners = names.take(pa.array(np.where(rng.random(count) < 0.01, rng.integers(0, len(names), count), towards)))
    numbers = pc.cast(pa.array(np.arange(count)), pa.string())
    at = np.datetime64(day, "us") + np.sort(rng.integers(0, 86_400, count)).astype("timedelta64[s]")
    columns = {
        "activity_id": _joined(f"{day:%Y%m%d}-", numbers), "kind": KINDS.take(pa.array(rng.integers(0, 3, count))),
        "actor_id": actors, "target_id": targets, "object_id": _joined(owners, "/garden#", numbers),
        "occurred_at": pa.array(at).cast(pa.timestamp("us", "UTC")),
    }  # fmt: skip
    return filled(ACTIVITY, count, _place(day) | columns)


def _accounts(rng: np.random.Generator, day: date, names: pa.Array, acts: int) -> pa.Table:
    seen = names.take(pa.array(np.unique(rng.integers(0, len(names), int(SEEN * acts)))))
    return filled(ACCOUNTS, len(seen), _place(day) | {"account_id": seen, "handle": seen, "display_name": seen})


def _engagement(acts: pa.Table) -> pa.Table:
    src, dst = (_joined(f"{PLATFORM}:", acts[end]) for end in ("actor_id", "target_id"))
    pairs = pa.table([acts["day"], src, dst, acts["platform"], acts["kind"]], ["day", "src", "dst", "platform", "kind"])
    counts = pairs.filter(pc.not_equal(src, dst)).group_by(pairs.column_names).aggregate([([], "count_all")])
    return (
        counts.rename_columns({"count_all": "act_count"}).select(ENGAGEMENT.column_names).cast(arrow.schema(ENGAGEMENT))
    )


def _people(rng: np.random.Generator, day: date, names: pa.Array, acts: int) -> pa.Table:
    who = _joined(f"{PLATFORM}:", names.take(pa.array(np.unique(rng.integers(0, len(names), int(SCORED * acts))))))
    count = len(who)
    doubles = {name: rng.random(count) for name in ("influence", "direct", "second", "third", "score", "percentile")}
    whole = {"rank": rng.integers(1, count, count), "engager_count": rng.integers(0, 99, count)}
    plain = {"day": day, "methodology": official(day), "platform": PLATFORM, "simulated": False, "window_coverage": 1.0}
    return filled(SCORES, count, plain | doubles | whole | {"person_id": who, "handle": who})


def _items(acts: pa.Table) -> Iterator[dict[str, Any]]:
    """Events as GitHub sends them."""
    for act in acts.to_pylist():
        yield {
            "id": act["activity_id"], "type": "WatchEvent", "actor": {"login": act["actor_id"]},
            "repo": {"name": act["object_id"].partition("#")[0]}, "created_at": act["occurred_at"].isoformat(),
            "payload": {"url": f"https://api.github.com/users/{act['actor_id']}", "action": "started"},
        }  # fmt: skip
