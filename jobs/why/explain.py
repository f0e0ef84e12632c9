"""Explains why a person's score is what it is: recomputes the score's window on request, without a JVM.

Reads one person's published row, the inputs of that row (`engagement`, `coverage`, `accounts`) and, on request, `activity`.
Writes nothing. `jobs.warehouse.basis` verifies that the tables still hold the same inputs. Engagers, kinds and paths each sum
to what they explain: `other_engagers` and `other_paths` hold the sum of those that are not named.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.backends import duck
from jobs.engines import memory
from jobs.errors import CloutError
from jobs.people import objections
from jobs.people.admission import decide
from jobs.people.names import hidden
from jobs.warehouse import known_accounts, leavers, links
from jobs.warehouse.basis import Basis, published_basis, refuse_other_data
from jobs.warehouse.storage import Warehouse
from jobs.why import acts, attention_graph, paths, prospects, sensitivity
from jobs.why.acts import Done, Pair
from schemas.fixed_point import UNIT
from schemas.methodology import Methodology
from schemas.scores import SCORES

if TYPE_CHECKING:
    import duckdb

PARTS = ("direct", "second", "third")

Explanation = dict[str, Any]  # an explanation or a part of one, as JSON


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


class Around(NamedTuple):
    """The edges through which influence can reach a person, and what each engager hands on to the person."""

    people: list[str]
    largest: paths.Largest  # one more path of each length than is named, to show whether there are others
    accounts: list[tuple[str, np.ndarray]]  # the person's accounts and what reaches each, shape (parts,)
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
    accounts: list[str]  # the person's
    walked: list[Walk]  # the named paths by length, the largest of each length first
    done: dict[Pair, list[Done]]

    @property
    def pairs_of_paths(self) -> set[Pair]:
        """The pairs of accounts along the named paths; a step to the person is one to each of the person's accounts."""
        steps = {pair for walk in self.walked for pair in pairwise(walk.people)}
        return acts.apart(steps, self.row["person_id"], self.accounts)

    @property
    def points(self) -> float:
        """Points of the score per account's worth of attention."""
        return self.row["score"] / self.row["influence"] if self.row["influence"] else 0.0


def explained(warehouse: Warehouse, params: Params) -> Explanation:
    """The explanation of a published row: the row and its points by part, the largest engagers and their acts by kind, the
    largest paths of each length, what happened to people with similar scores, and the person's objections. People who may not
    be named are null.

    Raises `CloutError` if the day is not published, if the person has no score on it, or if the tables no longer hold the
    inputs.
    """
    computed = _computed(warehouse, params)
    explanation = _described(computed, params)
    score, version = explanation["score"], params.methodology.version
    explanation["similar_scores"] = prospects.similar(warehouse, score, version, params.day)
    explanation["left_days"] = leavers.restated_days(warehouse, params.day, version)
    explanation["objections"] = objections.of_person(warehouse, computed.accounts)
    if params.with_acts:
        explanation["acts"] = acts.reported(warehouse, computed.basis, computed.pairs_of_paths)
    named = {person for walk in computed.walked for person in walk.people}
    named |= {account for account, _ in computed.around.accounts}
    named |= {engager["person_id"] for engager in explanation["engagers"]}
    explanation["handles"] = known_accounts.at_end_of(computed.basis.day, warehouse, computed.basis.now).handles(named)
    return hidden(explanation, decide(warehouse, params.today))


def _computed(warehouse: Warehouse, params: Params) -> Computed:
    """The values that explain the published row. Raises `CloutError` if there is no such row, or if the tables no longer hold
    its inputs."""
    row = published(warehouse, params.person, params.day, params.methodology)
    basis = published_basis(warehouse, params.day, params.methodology)
    with duck.database() as db:
        attention_graph.prepare(db, warehouse, basis, "now")
        accounts = links.of_accounts(params.day, warehouse, [params.person]).of(params.person)
        around = _around(db, params, accounts)
        refuse_other_data(warehouse, basis, around.handed_on.sum(keepdims=True).ravel(), np.array([row["influence"]]))
        named = paths.Largest(*(length[: params.top] for length in around.largest))
        walked = [Walk(worth, [around.people[a] for a in path]) for length in named for worth, path in length]
        pairs = {(engager, params.person) for engager in around.engagers}
        pairs |= {pair for walk in walked for pair in pairwise(walk.people)}
        return Computed(row, basis, around, accounts, walked, acts.done(db, basis, pairs, params.person, accounts))


def _described(computed: Computed, params: Params) -> Explanation:
    row, around, done, points = computed.row, computed.around, computed.done, computed.points
    return {
        **row,
        "points": {part: row[part] * points for part in PARTS},
        **_engagers(around, params, points, done),
        "bot_engager_count": around.bot_count,
        **_accounts(around, points),
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
        owner = links.of_accounts(day, warehouse, [person]).person_of.get(person, person)
        if owner != person:
            raise CloutError(
                f"scores {day} ({methodology.version}): {person} is an account of {owner}; ask for {owner}"
            )
        raise CloutError(
            f"scores {day} ({methodology.version}): {person} has no score; `clout show {person}` lists the days with one"
        )
    return rows[0]


def _around(db: "duckdb.DuckDBPyConnection", params: Params, accounts: Sequence[str]) -> Around:
    apart = attention_graph.around(db, "spread_now", accounts)
    edges = attention_graph.as_one(db, apart, params.person, accounts)
    people, src, dst = memory.numbered(edges["src"], edges["dst"])
    a = edges["a"].to_numpy()
    graph = sensitivity.graph(src, dst, len(people))
    share = a * UNIT
    v = pc.index(people, params.person).as_py()
    if v < 0:  # nobody engaged with the person
        return Around([], paths.Largest([], [], []), [], [], np.zeros((0, len(PARTS))), 0)
    rounds = params.methodology.rounds
    messages = memory.influence(src, dst, a, len(people), rounds).messages
    everybody = graph.in_edge[graph.in_start[v] : graph.in_start[v + 1]]
    into = everybody[edges["credibility"].to_numpy()[everybody] > 0]
    names = people.to_pylist()
    engagers = [names[src[edge]] for edge in into]
    handed_on = np.stack([message[into] for message in messages], axis=1) * UNIT
    return Around(
        names,
        paths.largest(graph, share, v, rounds, params.top + 1),
        list(_parts(apart, accounts, dict(zip(engagers, zip(handed_on, share[into], strict=True), strict=True)))),
        engagers,
        handed_on,
        len(everybody) - len(into),
    )


def _parts(
    edges: pa.Table, accounts: Sequence[str], engagers: Mapping[str, tuple[np.ndarray, float]]
) -> Iterator[tuple[str, np.ndarray]]:
    """Each of the person's accounts and the attention that reaches it. An engager's attention is split between the accounts in
    proportion to the shares that it gives them. `engagers`: for each engager, the attention that it passes on to the person, by
    part, and its share."""
    for account in accounts:
        theirs = edges.filter(pc.field("dst") == account).select(["src", "a"]).to_pylist()
        shares = [(engagers[edge["src"]], edge["a"] * UNIT) for edge in theirs if edge["src"] in engagers]
        yield account, sum((whole * (a / share) for (whole, share), a in shares if share), np.zeros(len(PARTS)))


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


def _accounts(around: Around, points: float) -> Explanation:
    """`accounts`: what each account of a person with several contributes; nothing if there is only one."""
    if len(around.accounts) < 2:
        return {}
    return {
        "accounts": [
            {
                "account_id": account,
                **dict(zip(PARTS, parts.tolist(), strict=True)),
                "influence": float(parts.sum()),
                "points": float(parts.sum() * points),
            }
            for account, parts in around.accounts
        ]
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
