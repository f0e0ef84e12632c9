"""What actors did towards a person or towards each other: the acts behind shares of attention and behind paths."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from jobs.backends.duck import DuckBackend
from jobs.score.attention import kinds_sql
from jobs.score.fading import decay_factors, decay_table
from jobs.warehouse import counted
from jobs.warehouse.basis import Basis
from jobs.warehouse.storage import Warehouse
from jobs.why import attention_graph
from schemas.activity import ACTIVITY

if TYPE_CHECKING:
    import duckdb

Pair = tuple[str, str]  # actor and target


class Done(NamedTuple):
    """An actor's acts of one platform and kind towards one target in the window. `weight_share` is their share of
    W(actor, target), 0 to 1."""

    platform: str
    kind: str
    act_count: int
    weight_share: float


def apart(pairs: Iterable[Pair], person: str, accounts: Sequence[str]) -> set[Pair]:
    """The pairs, with one pair per account of the person in place of each pair whose target is the person."""
    return {(src, each) for src, dst in pairs for each in (accounts if dst == person else [dst])}


def done(
    db: "duckdb.DuckDBPyConnection", basis: Basis, pairs: Iterable[Pair], person: str, accounts: Sequence[str]
) -> dict[Pair, list[Done]]:
    """(actor, target) -> the actor's acts towards the target by platform and kind, the largest weight first. Acts towards one
    of the person's accounts count as acts towards the person."""
    src, dst = zip(*sorted(apart(pairs, person, accounts)), strict=True) if pairs else ((), ())
    db.register("pairs", pa.table({"src": pa.array(src, pa.string()), "dst": pa.array(dst, pa.string())}))
    acts = f"(from {attention_graph.acts_of(basis, 'now')} semi join pairs using (src, dst))"
    db.register("factors", decay_table(decay_factors(basis.days, basis.covered, basis.day, basis.methodology)))
    kinds = kinds_sql(basis.methodology, DuckBackend.log2).format(engagement=acts, factors="factors")
    rows = db.execute(
        f"""
        select src, case when list_contains($accounts, dst) then $person else dst end as target, platform, kind,
            cast(sum(act_count) as bigint), cast(sum(weight) as bigint) as worth
        from ({kinds}) group by all order by src, target, worth desc, platform, kind
        """,
        {"accounts": list(accounts), "person": person},
    ).fetchall()
    found: dict[Pair, list[Done]] = defaultdict(list)
    for source, target, platform, kind, act_count, worth in rows:
        found[source, target].append(Done(platform, kind, act_count, worth))
    return {pair: _as_shares(acts) for pair, acts in found.items()}


def _as_shares(acts: Sequence[Done]) -> list[Done]:
    whole = sum(act.weight_share for act in acts)
    return [act._replace(weight_share=act.weight_share / whole if whole else 1 / len(acts)) for act in acts]


def reported(warehouse: Warehouse, basis: Basis, pairs: set[Pair]) -> list[dict[str, Any]]:
    """The current rows of `activity` for these pairs on covered days of the window, sorted by time. Each row is a report.
    Several rows may report the same act, which `engagement` counts once, as its most specific kind."""
    now = basis.now
    counting = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage, basis.first_day, basis.day)
    acts = []
    for platform, mine in _by_platform(pairs):
        actors, targets = (pa.array(sorted({pair[end] for pair in mine}), pa.string()) for end in (0, 1))
        rows = counting.to_table(
            columns=["platform", "source", "activity_id", "kind", "actor_id", "target_id", "day", "occurred_at"],
            filter=(pc.field("platform") == platform)
            & pc.field("day").isin(pa.array(sorted(basis.covered[platform]), pa.date32()))
            & pc.field("actor_id").isin(actors)
            & pc.field("target_id").isin(targets),
        )
        acts += [row for row in rows.to_pylist() if (row["actor_id"], row["target_id"]) in mine]
    return sorted(acts, key=lambda row: (row["occurred_at"], row["source"], row["activity_id"], row["kind"]))


def _by_platform(pairs: Iterable[Pair]) -> Iterator[tuple[str, set[Pair]]]:
    by_platform: dict[str, set[Pair]] = defaultdict(set)
    for src, dst in pairs:
        platform, _, actor = src.partition(":")
        by_platform[platform].add((actor, dst.partition(":")[2]))
    yield from sorted(by_platform.items())
