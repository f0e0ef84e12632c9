"""Explains why a person's score is what it is: recomputes the score's window on request, without a JVM.

Reads one person's published row, the inputs of that row (`engagement`, `coverage`, `accounts`) and, on request, `activity`.
Writes nothing. `jobs.warehouse.basis` verifies that the tables still hold the same inputs. Engagers, kinds and paths each sum
to what they explain: `other_engagers` and `other_paths` hold the sum of those that are not named.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.engines import memory
from jobs.errors import CloutError
from jobs.people import objections
from jobs.people.admission import decide
from jobs.people.names import hidden
from jobs.score.attention import kinds_sql
from jobs.scratch import scratch
from jobs.warehouse import counted, known_accounts
from jobs.warehouse.basis import Basis, published_basis, refuse_other_data
from jobs.warehouse.storage import Warehouse
from jobs.why import attention_graph, paths, prospects, sensitivity
from schemas.activity import ACTIVITY
from schemas.fixed_point import UNIT
from schemas.methodology import Methodology
from schemas.scores import SCORES

if TYPE_CHECKING:
    import duckdb

PARTS = ("direct", "second", "third")

Explanation = dict[str, Any]  # an explanation or a part of one, as JSON
Pair = tuple[str, str]  # actor and target


@dataclass(frozen=True, kw_only=True)
class Params:
    """Whose score to explain (`person` is a person_id), of which UTC day and methodology.

    `top`: how many engagers to name, and how many paths of each length. `with_acts`: add the rows of `activity` behind the
    paths.
    """

    person: str
    day: date
    methodology: Methodology
    top: int = 10
    with_acts: bool = False
    today: date | None = None  # the UTC day whose consent decides who is named; the present one if None


class Done(NamedTuple):
    """An actor's acts of one platform and kind towards one target in the window. `weight_share` is their share of
    W(actor, target), 0 to 1."""

    platform: str
    kind: str
    act_count: int
    weight_share: float


class Around(NamedTuple):
    """The edges through which influence can reach a person, and what each engager hands on to the person."""

    people: list[str]
    largest: paths.Largest  # of each length one more path than is named, which shows whether there are others
    engagers: list[str]  # of credibility above 0, as `scores.engager_count` counts them
    handed_on: np.ndarray  # shape (engagers, parts), in accounts' worth
    bot_count: int  # further engagers, who declare themselves bots


class Walk(NamedTuple):
    """A path to the person: its attention, in accounts' worth, and the people from its beginning to the person."""

    worth: float
    people: list[str]


class Computed(NamedTuple):
    """The values from which an explanation is made, computed from the window of a published row."""

    row: Explanation
    basis: Basis
    around: Around
    walked: list[Walk]  # the named paths by length, the largest of each length first
    done: dict[Pair, list[Done]]

    @property
    def points(self) -> float:
        """Points of the score per account's worth of attention."""
        return self.row["score"] / self.row["influence"] if self.row["influence"] else 0.0


def explained(warehouse: Warehouse, params: Params) -> Explanation:
    """The published row and its points by part, the largest engagers and their acts by kind, and the largest paths of each
    length, and the person's objections. People who may not be named are null.

    Raises `CloutError` if the day is not published, if the person has no score on it, or if the tables no longer hold the
    inputs.
    """
    computed = _computed(warehouse, params)
    explanation = _described(computed, params)
    score, version = explanation["score"], params.methodology.version
    explanation["similar_scores"] = prospects.similar(warehouse, score, version, params.day)
    explanation["objections"] = objections.of_person(warehouse, params.person)
    if params.with_acts:
        pairs = {pair for walk in computed.walked for pair in pairwise(walk.people)}
        explanation["acts"] = _acts(warehouse, computed.basis, pairs)
    named = {person for walk in computed.walked for person in walk.people}
    named |= {engager["person_id"] for engager in explanation["engagers"]}
    explanation["handles"] = known_accounts.at_end_of(computed.basis.day, warehouse, computed.basis.now).handles(named)
    return hidden(explanation, decide(warehouse, params.today))


def _computed(warehouse: Warehouse, params: Params) -> Computed:
    """Raises `CloutError` if the tables no longer hold the inputs of the published row."""
    row = published(warehouse, params.person, params.day, params.methodology)
    basis = published_basis(warehouse, params.day, params.methodology)
    with scratch() as db:
        attention_graph.prepare(db, warehouse, basis, "now")
        around = _around(db, params)
        refuse_other_data(warehouse, basis, around.handed_on.sum(keepdims=True).ravel(), np.array([row["influence"]]))
        named = paths.Largest(*(length[: params.top] for length in around.largest))
        walked = [Walk(worth, [around.people[a] for a in path]) for length in named for worth, path in length]
        pairs = {(engager, params.person) for engager in around.engagers}
        pairs |= {pair for walk in walked for pair in pairwise(walk.people)}
        return Computed(row, basis, around, walked, _done(db, basis, pairs))


def _described(computed: Computed, params: Params) -> Explanation:
    row, around, done, points = computed.row, computed.around, computed.done, computed.points
    return {
        **row,
        "points": {part: row[part] * points for part in PARTS},
        **_engagers(around, params, points, done),
        "bot_engager_count": around.bot_count,
        "kinds": _kinds(around, params, points, done),
        "paths": [
            {
                "people": walk.people,
                "kinds": [done[pair][0].kind for pair in pairwise(walk.people)],
                "influence": walk.worth,
                "points": walk.worth * points,
            }
            for walk in computed.walked
        ],
        "other_paths": {
            part: _other_paths(row[part], length, params.top, points)
            for part, length in zip(PARTS, around.largest, strict=True)
        },
    }


def published(warehouse: Warehouse, person: str, day: date, methodology: Methodology) -> Explanation:
    """The person's row of `scores`. Raises `CloutError` if the day is not published or the person is not in it."""
    partition = {"methodology": methodology.version, "day": day}
    rows = warehouse.read(SCORES, partition, where=pc.field("person_id") == person).to_pylist()
    if not rows:
        raise CloutError(
            f"scores {day} ({methodology.version}): {person} has no score; `clout show {person}` lists the days with one"
        )
    return rows[0]


def _around(db: "duckdb.DuckDBPyConnection", params: Params) -> Around:
    edges = attention_graph.around(db, "spread_now", params.person)
    people, src, dst = memory.numbered(edges["src"], edges["dst"])
    a = edges["a"].to_numpy()
    graph = sensitivity.graph(src, dst, len(people))
    share = a * UNIT
    v = pc.index(people, params.person).as_py()
    if v < 0:  # nobody engaged with the person
        return Around([], paths.Largest([], [], []), [], np.zeros((0, len(PARTS))), 0)
    rounds = params.methodology.rounds
    messages = memory.influence(src, dst, a, len(people), rounds).messages
    everybody = graph.in_edge[graph.in_start[v] : graph.in_start[v + 1]]
    into = everybody[edges["credibility"].to_numpy()[everybody] > 0]
    names = people.to_pylist()
    return Around(
        names,
        paths.largest(graph, share, v, rounds, params.top + 1),
        [names[src[edge]] for edge in into],
        np.stack([message[into] for message in messages], axis=1) * UNIT,
        len(everybody) - len(into),
    )


def _done(db: "duckdb.DuckDBPyConnection", basis: Basis, pairs: Iterable[Pair]) -> dict[Pair, list[Done]]:
    """(actor, target) -> the actor's acts towards the target by platform and kind, the largest weight first."""
    src, dst = zip(*sorted(pairs), strict=True) if pairs else ((), ())
    db.register("pairs", pa.table({"src": pa.array(src, pa.string()), "dst": pa.array(dst, pa.string())}))
    acts = f"(from {attention_graph.acts_of(basis, 'now')} semi join pairs using (src, dst))"
    kinds = kinds_sql(basis.methodology).format(engagement=acts, factors="factors_now")
    rows = db.execute(
        f"select src, dst, platform, kind, act_count, weight from ({kinds}) order by src, dst, weight desc, platform, kind"
    ).fetchall()
    done: dict[Pair, list[Done]] = defaultdict(list)
    for source, target, platform, kind, act_count, worth in rows:
        done[source, target].append(Done(platform, kind, act_count, worth))
    return {pair: _as_shares(acts) for pair, acts in done.items()}


def _as_shares(acts: Sequence[Done]) -> list[Done]:
    whole = sum(act.weight_share for act in acts)
    return [act._replace(weight_share=act.weight_share / whole if whole else 1 / len(acts)) for act in acts]


def _engagers(around: Around, params: Params, points: float, done: Mapping[Pair, list[Done]]) -> Explanation:
    whole = around.handed_on.sum(axis=1)
    order = sorted(range(len(whole)), key=lambda k: (-whole[k], around.engagers[k]))
    named, others = order[: params.top], order[params.top :]
    return {
        "engagers": [
            {
                "person_id": around.engagers[k],
                **dict(zip(PARTS, around.handed_on[k].tolist(), strict=True)),
                "influence": float(whole[k]),
                "points": float(whole[k] * points),
                "kinds": [
                    _part(act, whole[k] * act.weight_share, points) for act in done[around.engagers[k], params.person]
                ],
            }
            for k in named
        ],
        "other_engagers": {
            "people": len(others),
            "influence": float(whole[others].sum()),
            "points": float(whole[others].sum() * points),
        },
    }


def _part(act: Done, worth: float, points: float) -> Explanation:
    return {
        "platform": act.platform,
        "kind": act.kind,
        "act_count": act.act_count,
        "influence": float(worth),
        "points": float(worth * points),
    }


def _other_paths(part: float, largest: Sequence[paths.Path], top: int, points: float) -> Explanation:
    """Attention through the paths of one length that are not named, >= 0; exactly 0 if all are named."""
    rest = max(0.0, part - sum(worth for worth, _ in largest[:top])) if len(largest) > top else 0.0
    return {"influence": rest, "points": rest * points}


def _kinds(around: Around, params: Params, points: float, done: Mapping[Pair, list[Done]]) -> list[Explanation]:
    """All attention that engagers pass on to the person, by platform and kind of their acts, the largest first."""
    worth: dict[tuple[str, str], float] = defaultdict(float)
    count: dict[tuple[str, str], int] = defaultdict(int)
    for engager, whole in zip(around.engagers, around.handed_on.sum(axis=1), strict=True):
        for act in done[engager, params.person]:
            worth[act.platform, act.kind] += whole * act.weight_share
            count[act.platform, act.kind] += act.act_count
    order = sorted(worth, key=lambda place: (-worth[place], place))
    return [_part(Done(*place, count[place], 0.0), worth[place], points) for place in order]


def _acts(warehouse: Warehouse, basis: Basis, pairs: set[Pair]) -> list[Explanation]:
    """The current rows of `activity` for these pairs on covered days of the window, sorted by time. These are reports: several
    may be of one act, which `engagement` counts once, as its most specific kind."""
    now = basis.now
    counting = counted.dataset(warehouse, ACTIVITY, now.activity, now.coverage, basis.first_day, basis.day)
    acts = []
    for platform, mine in _by_platform(pairs):
        actors, targets = (pa.array(sorted({pair[end] for pair in mine}), pa.string()) for end in (0, 1))
        rows = counting.to_table(
            columns=["platform", "source", "activity_id", "kind", "actor_id", "target_id", "occurred_at"],
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
