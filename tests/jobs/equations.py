"""README's "How a score is made" once more, in plain Python and without a line of jobs/: what the jobs are compared with.

Weights and shares are whole multiples of 2^-36, as in the jobs; paths are enumerated, one by one, in doubles. Graphs for
Hypothesis are built to break promises: celebrities who answer, triangles, mutual pairs, accounts without credibility.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import permutations
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from jobs.engines import memory
from schemas.methodology import Methodology

SCALE = 2**36
Pair = tuple[str, str]


class Parts(NamedTuple):
    """Accounts' worth of attention by step."""

    direct: float
    second: float
    third: float

    @property
    def influence(self) -> float:
        return math.fsum(self)


def fixed(value: float) -> int:
    """A multiple of 2^-36, half to even."""
    return round(value * SCALE)


def term(acts: Mapping[str, int], kind_weights: Mapping[str, float], factor: float) -> int:
    """One day and platform of W(u, v): acts is kind -> count."""
    return fixed(factor * math.log2(1 + sum(kind_weights[kind] * count for kind, count in acts.items())))


def age(act: date, covered: Iterable[date], day: date) -> int:
    """Days after the act, up to the scored one, on which something of its platform could arrive."""
    return len({later for later in covered if act < later <= day})


def by_month(
    daily: Mapping[tuple[date, str, Pair], Mapping[str, int]],
    covered: Mapping[str, Iterable[date]],
    day: date,
    methodology: Methodology,
) -> dict[Pair, int]:
    """W of equations 2, from the acts by kind of each day, platform and pair: each month's days first, then the months."""
    half_life = methodology.half_life_days
    months: dict[tuple[tuple[int, int], str, Pair], int] = defaultdict(int)
    for (on, platform, pair), acts in daily.items():
        if on in covered.get(platform, ()):
            same_month = {other for other in covered[platform] if (other.year, other.month) == (on.year, on.month)}
            factor = 2 ** (-age(on, same_month, day) / half_life)
            months[(on.year, on.month), platform, pair] += term(acts, methodology.kind_weights, factor)
    found: dict[Pair, int] = defaultdict(int)
    for (month, platform, pair), weight in months.items():
        later = {other for other in covered[platform] if month < (other.year, other.month) and other <= day}
        factor = methodology.platform_weight(platform) * 2 ** (-len(later) / half_life)
        found[pair] += fixed(factor * (weight / SCALE))
    return dict(found)


def shares(
    weights: Mapping[Pair, int], credibility: Mapping[str, float], damping: float, rest: float
) -> dict[Pair, int]:
    """a(u, v) = damping * c(u) * W(u, v) / (rest + all of u's W)."""
    spent: dict[str, int] = defaultdict(int)
    for (u, _), weight in weights.items():
        spent[u] += weight
    return {
        (u, v): fixed(damping * credibility.get(u, 1.0) * (weight / SCALE / (rest + spent[u] / SCALE))) if weight else 0
        for (u, v), weight in weights.items()
    }


def enumerated(a: Mapping[Pair, int]) -> dict[Pair, Parts]:
    """What each edge u -> v hands on to v: the products of all paths of one, two and three steps that end with it and
    visit no account twice."""
    into: dict[str, list[str]] = defaultdict(list)
    for u, v in a:
        into[v].append(u)
    worth = {pair: units / SCALE for pair, units in a.items()}
    found = {}
    for u, v in a:
        last = worth[u, v]
        two = [worth[w, u] * last for w in into[u] if w != v]
        three = [worth[x, w] * worth[w, u] * last for w in into[u] if w != v for x in into[w] if x not in (u, v)]
        found[u, v] = Parts(last, math.fsum(two), math.fsum(three))
    return found


def summed(messages: Mapping[Pair, Parts]) -> dict[str, Parts]:
    """Everybody's parts: what those who engage with them hand on."""
    arrived: dict[str, list[Parts]] = {person: [] for pair in messages for person in pair}
    for (_, v), parts in messages.items():
        arrived[v].append(parts)
    return {v: Parts(*(math.fsum(part[step] for part in parts) for step in range(3))) for v, parts in arrived.items()}


def engine(a: Mapping[Pair, int], rounds: int = 3) -> tuple[dict[Pair, Parts], dict[str, Parts]]:
    """What the engine in memory finds: messages of each edge, sums of each account."""
    people = sorted({person for pair in a for person in pair})
    number = {person: place for place, person in enumerate(people)}
    src, dst = (np.array([number[pair[end]] for pair in a], np.int32) for end in (0, 1))
    found = memory.influence(src, dst, np.array(list(a.values()), np.int64), len(people), rounds)
    messages = (
        Parts(*(units / SCALE for units in step)) for step in zip(*map(np.ndarray.tolist, found.messages), strict=True)
    )
    sums = (Parts(*(units / SCALE for units in step)) for step in zip(*map(np.ndarray.tolist, found.sums), strict=True))
    return dict(zip(a, messages, strict=True)), dict(zip(people, sums, strict=True))


@dataclass(frozen=True)
class Graph:
    """Who spends how much on whom, and the constants that matter here."""

    weights: dict[Pair, int]
    credibility: dict[str, float]
    damping: float
    rest: float

    @property
    def people(self) -> list[str]:
        return sorted({person for pair in self.weights for person in pair})

    def shares(self) -> dict[Pair, int]:
        return shares(self.weights, self.credibility, self.damping, self.rest)

    def parts(self) -> dict[str, Parts]:
        return engine(self.shares())[1]

    def adding(self, weights: Mapping[Pair, int]) -> "Graph":
        return replace(
            self, weights=self.weights | {pair: self.weights.get(pair, 0) + units for pair, units in weights.items()}
        )

    def without(self, actor: str) -> "Graph":
        """As if this account had done nothing."""
        return replace(self, weights={pair: units for pair, units in self.weights.items() if pair[0] != actor})


PEOPLE = "abcdefgh"
NEWCOMER = "z"

# Six decades, as multiples of 2^-36: a long faded like beside years of daily replies.
units = st.floats(-3, 3).map(lambda exponent: fixed(10.0**exponent))


def _built(people: str, shape: str) -> list[Pair]:
    """Edges of a shape; everything else is drawn."""
    first, others = people[0], people[1:]
    match shape:
        case "celebrity who answers one":
            return [(fan, first) for fan in others] + [(first, others[-1])]
        case "celebrity who answers all":
            return [pair for fan in others for pair in ((fan, first), (first, fan))]
        case "ring":
            return list(zip(people, [*others, first], strict=True))
        case "two rings against each other":
            return [pair for edge in zip(people, [*others, first], strict=True) for pair in (edge, edge[::-1])]
        case "everybody with everybody":
            return list(permutations(people, 2))
    return []


SHAPES = (
    "nothing",
    "celebrity who answers one",
    "celebrity who answers all",
    "ring",
    "two rings against each other",
    "everybody with everybody",
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    people = PEOPLE[: draw(st.integers(2, len(PEOPLE)))]
    pairs = draw(st.lists(st.sampled_from(list(permutations(people, 2))), min_size=1, max_size=16))
    pairs = list(dict.fromkeys(_built(people, draw(st.sampled_from(SHAPES))) + pairs))
    spent = draw(st.lists(units, min_size=len(pairs), max_size=len(pairs)))
    believed = draw(st.lists(st.sampled_from((1.0, 1.0, 1.0, 0.25, 0.0)), min_size=len(people), max_size=len(people)))
    return Graph(
        weights=dict(zip(pairs, spent, strict=True)),
        credibility=dict(zip(people, believed, strict=True)),
        damping=draw(st.sampled_from((0.5, 1.0)) | st.floats(0.5, 1.0)),
        rest=draw(st.sampled_from((0.0, 1.0))),
    )


EXACT = 1e-8


def tolerance(influence: float) -> float:
    return EXACT * max(1, influence)
